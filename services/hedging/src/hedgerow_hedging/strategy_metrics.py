"""Each strategy's exposure, band, hedge, loan and reason to hold, as of its newest decision, for Prometheus."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from hedgerow.hedging.decision import Decision, Hedge, Hold
from hedgerow.hedging.exposure import NetExposure, known_exposures
from hedgerow.hedging.ladder import LadderStanding
from hedgerow.hedging.loan_to_value import liquidation_distance, ltv_of
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.schemas.risk_state import LoanStanding, RiskState


class View(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy as its newest decision saw it."""

    risk: RiskState
    ledger: LedgerSnapshot
    decision: Decision

    @property
    def exposures(self) -> tuple[NetExposure, ...]:
        """Against each rule. A risk state that is not ready has no exposure to tell."""
        return known_exposures(self.risk, self.ledger)

    @property
    def loan(self) -> LoanStanding | None:
        """None while it cannot be relied on: one with a part that is missing or old would look better than it is."""
        return self.risk.loan if self.risk.ready else None

    @property
    def ladder(self) -> LadderStanding | None:
        """Where the decision left it."""
        after = self.decision.policy_state if isinstance(self.decision, Hedge) else self.ledger.policy_state
        return after.ladder


class StrategyMetrics(Collector):
    """Computed when asked, from what the decisions were made of: decisions are many, scrapes are few."""

    def __init__(self) -> None:
        self._views: dict[str, View] = {}

    def show(self, strategy: str, view: View) -> None:
        self._views[strategy] = view

    def forget(self, strategy: str) -> None:
        """It left this worker: another one tells it, or nobody."""
        self._views.pop(strategy, None)

    def collect(self) -> Iterator[Metric]:
        views = list(self._views.items())
        yield from _exposures(views)
        yield from _standing(views)
        yield from _loans(views)


def _exposures(views: list[tuple[str, View]]) -> Iterator[Metric]:
    labels = ("strategy", "underlying")
    unhedged = GaugeMetricFamily("hedgerow_unhedged_exposure_usd", "Delta before the hedge", labels=labels)
    net = GaugeMetricFamily("hedgerow_net_exposure_usd", "Delta with the hedge", labels=labels)
    lower = GaugeMetricFamily("hedgerow_band_lower_usd", "Lower edge of the band", labels=labels)
    upper = GaugeMetricFamily("hedgerow_band_upper_usd", "Upper edge of the band", labels=labels)
    for strategy, view in views:
        for item in view.exposures:
            key = (strategy, item.underlying)
            unhedged.add_metric(key, float(item.unhedged * item.mark))
            net.add_metric(key, float(item.net * item.mark))
            lower.add_metric(key, float(item.lower * item.mark))
            upper.add_metric(key, float(item.upper * item.mark))
    yield from (unhedged, net, lower, upper)


def _standing(views: list[tuple[str, View]]) -> Iterator[Metric]:
    positions = GaugeMetricFamily(
        "hedgerow_hedge_position_contracts",
        "The strategy's own hedge, signed",
        labels=("strategy", "venue", "instrument"),
    )
    halted = GaugeMetricFamily("hedgerow_strategy_halted", "1 while a halt stands", labels=("strategy",))
    holding = GaugeMetricFamily(
        "hedgerow_strategy_holding",
        "1 for the reason why the newest decision was to hold",
        labels=("strategy", "reason"),
    )
    for strategy, view in views:
        for held in view.ledger.positions:
            positions.add_metric((strategy, held.venue, held.instrument), float(held.quantity))
        halted.add_metric((strategy,), float(bool(view.ledger.halts)))
        if isinstance(view.decision, Hold):
            holding.add_metric((strategy, view.decision.reason.value), 1.0)
    yield from (positions, halted, holding)


def _loans(views: list[tuple[str, View]]) -> Iterator[Metric]:
    valued = GaugeMetricFamily(
        "hedgerow_loan_valued",
        "1 while the loan of an LTV ladder can be valued, 0 while an input of it is missing, stale or invalid",
        labels=("strategy",),
    )
    ltv = GaugeMetricFamily(
        "hedgerow_loan_ltv_ratio", "Debt over collateral after haircuts", labels=("strategy",)
    )
    ladder = GaugeMetricFamily(
        "hedgerow_ltv_state", "1 for the state in which the LTV ladder stands", labels=("strategy", "state")
    )
    distance = GaugeMetricFamily(
        "hedgerow_loan_liquidation_distance_ratio",
        "How far the asset's price may move before the lender sells, over the price; 0 when it may already",
        labels=("strategy", "asset"),
    )
    for strategy, view in views:
        declared, loan = view.ledger.config.loan_to_value, view.loan
        if declared is None:
            continue
        valued.add_metric((strategy,), float(loan is not None))
        if view.ladder is not None:
            ladder.add_metric((strategy, view.ladder.state.value), 1.0)
        if loan is None:
            continue
        ltv.add_metric((strategy,), float(ltv_of(loan)))
        for asset, room in _liquidation_distances(loan, declared.liquidation_ltv):
            distance.add_metric((strategy, asset), float(room))
    yield from (valued, ltv, ladder, distance)


def _liquidation_distances(
    loan: LoanStanding, liquidation_ltv: Decimal | None
) -> Iterator[tuple[str, Decimal]]:
    """By collateral asset; none where it was not declared at which LTV the lender sells."""
    for held in loan.covers:
        if liquidation_ltv is None or held.quantity <= 0:
            continue
        room = liquidation_distance(loan, held, liquidation_ltv)
        if room is not None:
            yield held.asset, room
