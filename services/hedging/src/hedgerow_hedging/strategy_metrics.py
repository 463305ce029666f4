"""Each strategy's exposure, band, hedge and reason to hold, as of its newest decision, for Prometheus."""

from collections.abc import Iterator

import msgspec
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from hedgerow.hedging.decision import Decision, Hold
from hedgerow.hedging.exposure import NetExposure, known_exposures
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.schemas.risk_state import RiskState


class View(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy as its newest decision saw it."""

    risk: RiskState
    ledger: LedgerSnapshot
    decision: Decision

    @property
    def exposures(self) -> tuple[NetExposure, ...]:
        """Against each rule. A risk state that is not ready has no exposure to tell."""
        return known_exposures(self.risk, self.ledger)


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
