"""The curves that `POST /hedge` sizes by: those of the live strategies, as the ledger has them."""

import asyncio
from contextlib import suppress
from decimal import Decimal

import msgspec

from hedgerow.ledger.strategies import read_strategies
from hedgerow.schemas.records import StrategyPublished
from hedgerow.strategy.compiled import Knot, SentimentCurve
from hedgerow.streams.waiting import stopped_within
from hedgerow_gateway.ledger_pool import LedgerPool
from hedgerow_gateway.problems import FieldError, Problem, invalid

RELOAD_S = 1.0
DEFAULT_VERSION = "default"
_DEFAULT_SCORE_NS = 3_000_000_000
_DEFAULT_KNOTS = (("0", "0.05"), ("0.3", "0.25"), ("0.7", "0.75"), ("1", "1"))


class LiveCurve(msgspec.Struct, frozen=True, kw_only=True):
    """A curve and what names it. `score_ns`: how old a score for it may be."""

    version: str
    declared: SentimentCurve
    score_ns: int


def default_curve(asset: str) -> LiveCurve:
    """For an asset that no strategy has a curve for."""
    knots = tuple(Knot(score=Decimal(x), hedge_fraction=Decimal(y)) for x, y in _DEFAULT_KNOTS)
    declared = SentimentCurve(
        underlying=asset, knots=knots, max_hedge_fraction=Decimal(1), no_trade_notional=Decimal(0)
    )
    return LiveCurve(version=DEFAULT_VERSION, declared=declared, score_ns=_DEFAULT_SCORE_NS)


class HedgeCurves:
    """Read again every second. While the ledger is away, those that were known stay."""

    def __init__(self, ledger: LedgerPool) -> None:
        self._ledger = ledger
        self._strategies: list[StrategyPublished] | None = None

    async def follow(self, stopping: asyncio.Event) -> None:
        """Keep up until asked to stop."""
        while not stopping.is_set():
            with suppress(Problem):  # the ledger is away, which readiness tells
                self._strategies = list(await self._ledger.run(read_strategies))
            await stopped_within(stopping, RELOAD_S)

    def of(self, asset: str, strategy: str | None) -> LiveCurve:
        """The curve of the one strategy that has one for this asset, or of the strategy that is named.

        Raises:
            Problem: 503 no curve was read yet; 409 several strategies have one; 422 the one that is named has none.
        """
        if self._strategies is None:
            raise Problem(503, "curves-unknown", "the ledger was not read yet", headers={"Retry-After": "1"})
        found = _curves(self._strategies, asset)
        if strategy is not None:
            if strategy not in found:
                known = ", ".join(sorted(found)) or "none"
                reason = f"is {strategy}, which has no curve for {asset}; there are: {known}"
                raise invalid(FieldError(field="strategy", reason=reason))
            return found[strategy]
        if len(found) > 1:
            names = ", ".join(sorted(found))
            raise Problem(409, "curve-ambiguous", f"{names} have a curve for {asset}; name one, ?strategy=…")
        return next(iter(found.values()), default_curve(asset))


def _curves(strategies: list[StrategyPublished], asset: str) -> dict[str, LiveCurve]:
    return {
        item.config.key: LiveCurve(
            version=item.revision,
            declared=curve,
            score_ns=item.config.freshness.score_ns or _DEFAULT_SCORE_NS,
        )
        for item in strategies
        for curve in item.config.sentiment_curves
        if curve.underlying == asset
    }
