"""Each strategy's exposure, band, hedge and reason to hold, as of its newest decision, for Prometheus."""

from collections.abc import Iterator

import msgspec
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from hedgerow.hedging.decision import Decision, Hold
from hedgerow.hedging.exposure import NetExposure, known_exposures
from hedgerow.hedging.snapshot import HeldPosition, LedgerSnapshot
from hedgerow.schemas.records import RiskState
from hedgerow_hedging.newest import NewestRisk


class View(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy as its newest decision saw it. `reason` is empty when it hedged."""

    exposures: tuple[NetExposure, ...]
    positions: tuple[HeldPosition, ...]
    halted: bool
    reason: str


def view_of(risk: RiskState, ledger: LedgerSnapshot, decision: Decision) -> View:
    """What is told of this decision. A risk state that is not ready has no exposure to tell."""
    return View(
        exposures=known_exposures(risk, ledger),
        positions=ledger.positions,
        halted=bool(ledger.halts),
        reason=decision.reason.value if isinstance(decision, Hold) else "",
    )


class StrategyMetrics(Collector):
    """Computed when asked, and only for strategies whose risk state is here: another worker tells the others."""

    def __init__(self, newest: NewestRisk) -> None:
        self._newest = newest
        self._views: dict[str, View] = {}

    def show(self, strategy: str, view: View) -> None:
        self._views[strategy] = view

    def collect(self) -> Iterator[Metric]:
        views = [(strategy, view) for strategy, view in list(self._views.items()) if self._is_ours(strategy)]
        yield from _exposures(views)
        yield from _standing(views)

    def _is_ours(self, strategy: str) -> bool:
        return strategy in self._newest.states


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
        for held in view.positions:
            positions.add_metric((strategy, held.venue, held.instrument), float(held.quantity))
        halted.add_metric((strategy,), float(view.halted))
        if view.reason:
            holding.add_metric((strategy, view.reason), 1.0)
    yield from (positions, halted, holding)
