"""Every live strategy, for screens: from the cache, and from where the cache has it when it is dead or was flushed."""

import time
from collections.abc import Collection
from typing import Any, TypeVar

import msgspec

from hedgerow.adapters.cache import Cache
from hedgerow.adapters.cache_keys import RISK_STATES, SUMMARIES, Kind
from hedgerow.ledger.overview import read_overview, summary_of
from hedgerow.schemas.records import StrategySummary
from hedgerow.schemas.risk_state import RiskState
from hedgerow_gateway.ledger_pool import LedgerPool
from hedgerow_gateway.metrics import GatewayMetrics
from hedgerow_gateway.problems import Problem
from hedgerow_gateway.risk_log import RiskLog, RiskLogAway
from hedgerow_gateway.risk_models import Source

T = TypeVar("T", bound=msgspec.Struct)
Sourced = tuple[T, Source]


class StrategyView(msgspec.Struct, frozen=True, kw_only=True):
    """One live strategy: what risk and the ledger say of it, and why one of them says nothing."""

    strategy: str
    risk: Sourced[RiskState] | None
    hedge: Sourced[StrategySummary] | None
    problem: str | None


class RiskView:
    """Answers that no order and no hedge depends on.

    Args:
        cache: None where there is none.
    """

    def __init__(
        self,
        cache: Cache | None,
        risk_log: RiskLog,
        ledger: LedgerPool,
        metrics: GatewayMetrics,
    ) -> None:
        self._cache = cache
        self._risk_log = risk_log
        self._ledger = ledger
        self._metrics = metrics

    async def strategies(self) -> list[StrategyView]:
        """Every live strategy, by name.

        Raises:
            Problem: 503, neither the cache nor the ledger tells which there are.
        """
        names = await self._cache.strategies() if self._cache else None
        hedges: dict[str, Sourced[StrategySummary]] = {}
        problems: list[str] = []
        if names is None:
            hedges = await self._summaries()
            names = tuple(hedges)
        else:
            hedges = await self._cached(SUMMARIES, names)
            if hedges.keys() != set(names):
                try:
                    hedges = await self._summaries() | hedges
                except Problem as error:
                    problems.append(error.detail)
        risks = await self._cached(RISK_STATES, names)
        if risks.keys() != set(names):
            try:
                said = await self._risk_log.newest()
            except RiskLogAway as error:
                problems.append(str(error))
            else:
                risks = {name: (state, Source.STREAM) for name, state in said.items()} | risks
        self._count("risk", {name: risks[name] for name in names if name in risks})
        self._count("summary", hedges)
        return [_view(name, risks.get(name), hedges.get(name), problems) for name in sorted(names)]

    async def _cached(self, kind: Kind[T], names: Collection[str]) -> dict[str, Sourced[T]]:
        if self._cache is None:
            return {}
        states = (await self._cache.newest(kind, names)).states
        return {name: (state, Source.CACHE) for name, state in states.items()}

    async def _summaries(self) -> dict[str, Sourced[StrategySummary]]:
        async def read(connection: Any) -> list[StrategySummary]:
            overview = await read_overview(connection, time.time_ns())
            return [summary_of(snapshot) for snapshot in overview.strategies]

        return {found.strategy: (found, Source.LEDGER) for found in await self._ledger.run(read)}

    def _count(self, kind: str, found: dict[str, Sourced[T]]) -> None:
        for _, source in found.values():
            self._metrics.shown.labels(kind, source.value).inc()


def _view(
    name: str,
    risk: Sourced[RiskState] | None,
    hedge: Sourced[StrategySummary] | None,
    problems: list[str],
) -> StrategyView:
    if risk is None and not problems:
        problems = ["risk has said nothing of this strategy lately"]
    return StrategyView(
        strategy=name,
        risk=risk,
        hedge=hedge,
        problem="; ".join(problems) if risk is None or hedge is None else None,
    )
