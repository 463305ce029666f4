"""Sizes a hedge for who asks: score and depth as they are now, a curve, and the answer on record."""

import time
import uuid
from collections.abc import Callable
from decimal import Decimal

import structlog

from hedgerow.adapters.sentiment_scores import ScoreCache, ScoreRefused, key_of, read_score
from hedgerow.desk.filling import NoPrice, read_touch
from hedgerow.domain.age import age_problem
from hedgerow.domain.instruments import LISTINGS
from hedgerow.domain.money import exact_decimal
from hedgerow.hedging.sentiment import sizer_of
from hedgerow.ledger.hedge_answers import HedgeAnswered
from hedgerow.schemas.records import Score
from hedgerow_gateway.breaker import Breaker, CircuitOpen
from hedgerow_gateway.hedge_curves import HedgeCurves
from hedgerow_gateway.hedge_log import HedgeLog
from hedgerow_gateway.market import Market
from hedgerow_gateway.problems import FieldError, Problem, invalid

_log = structlog.get_logger(__name__)

# What a hedge of each asset would be traded in.
INSTRUMENTS = {item.underlying: item.symbol for item in LISTINGS.values() if item.can_hedge}


class _ScoresAway(Exception):
    """The cluster did not tell."""


class HedgeDesk:
    """Args:
    scores: None where there is no Redis Cluster.
    clock: UTC ns.
    """

    def __init__(
        self,
        curves: HedgeCurves,
        scores: ScoreCache | None,
        breaker: Breaker,
        market: Market,
        log: HedgeLog,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._curves = curves
        self._scores = scores
        self._breaker = breaker
        self._market = market
        self._log = log
        self._clock = clock

    async def size(
        self, asset: str, amount_usd: Decimal, override: float | None, strategy: str | None, caller: str
    ) -> HedgeAnswered:
        """The hedge for this amount of an asset, which is then on its way to the record.

        Raises:
            Problem: 422 the asset is not listed; 409 no usable score or quote; 503 nobody tells the scores.
        """
        instrument = INSTRUMENTS.get(asset)
        if instrument is None:
            known = ", ".join(sorted(INSTRUMENTS))
            raise invalid(
                FieldError(field="asset", reason=f"is {asset}, which is not listed; there are: {known}")
            )
        curve = self._curves.of(asset, strategy)
        score = await self._score(asset, curve.score_ns) if override is None else None
        depth_usd = self._depth(instrument)
        value = score.score if score is not None else override
        assert value is not None
        sized = sizer_of(curve.declared).size(value, depth_usd)
        answered = HedgeAnswered(
            id=uuid.uuid4(),
            answered_ns=self._clock(),
            caller=caller,
            asset=asset,
            amount_usd=amount_usd,
            score=value,
            score_time_ns=None if score is None else score.time_ns,
            depth_usd=depth_usd,
            weight=sized.weight,
            hedge_fraction=sized.fraction,
            notional_usd=amount_usd * exact_decimal(sized.fraction),
            version=curve.version,
        )
        self._log.record(answered)
        return answered

    def _depth(self, symbol: str) -> float:
        quote = self._market.quote(symbol)
        touch = read_touch(quote, self._clock())
        if isinstance(touch, NoPrice):
            raise Problem(409, touch.fault, f"the depth of {symbol} is not known: {touch.detail}")
        assert quote is not None
        return quote.bid_depth_usd + quote.ask_depth_usd

    async def _score(self, asset: str, limit_ns: int) -> Score:
        if self._scores is None:
            raise _scores_away("HEDGEROW_REDIS is not set, so there are no scores; give override_score", 60.0)
        try:
            with self._breaker.calling():
                value = await _told(self._scores, asset)
        except _ScoresAway as error:
            raise _scores_away(f"the scores cannot be read: {error}", 1.0) from None
        except CircuitOpen as error:
            raise _scores_away(
                f"the scores could not be read, and are {error}", error.retry_after_s
            ) from None
        if value is None:
            raise _score_refused("score-missing", asset, f"there is no {key_of(asset)} in the Redis Cluster")
        now_ns = self._clock()
        try:
            score = read_score(asset, value, now_ns)
        except ScoreRefused as refused:
            raise _score_refused("score-refused", asset, str(refused)) from None
        problem = age_problem(score.time_ns, now_ns, limit_ns)
        if problem is not None:
            raise _score_refused("score-stale", asset, f"the score of {asset} is {problem}")
        return score


async def _told(scores: ScoreCache, asset: str) -> bytes | None:
    read = await scores.read([asset])
    if asset not in read.values and read.problem:
        raise _ScoresAway(read.problem)
    return read.values.get(asset)


def _score_refused(code: str, asset: str, detail: str) -> Problem:
    _log.warning("hedge refused", asset=asset, code=code, detail=detail)
    return Problem(409, code, detail)


def _scores_away(detail: str, retry_after_s: float) -> Problem:
    _log.warning("hedge refused", code="scores-away", detail=detail)
    return Problem(503, "scores-away", detail, headers={"Retry-After": f"{retry_after_s:.0f}"})
