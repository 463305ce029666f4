"""What funding costs a hedge, and how much of the hedge is worth it. Pure.

APR = rate of one interval x intervals a year x 100, in percent. A hedge that earns funding is never made smaller, nor
is one of which the loan's safety hangs: no cost outweighs that.
"""

from enum import StrEnum
from statistics import fmean, pstdev

import msgspec

from hedgerow.schemas.records import Funding

DAY_NS = 86_400_000_000_000
YEAR_NS = 365 * DAY_NS


class Regime(StrEnum):
    """How far funding is from ordinary, by |APR|."""

    NEUTRAL = "Neutral"
    NORMAL = "Normal"
    HEATED = "Heated"
    MANIA = "Mania"
    EXTREME = "Extreme"


class _Band(msgspec.Struct, frozen=True):
    """A regime from `apr` on (in percent), to the next; the multiplier falls from `high` to `low` in it; `points` are
    those of the risk score."""

    regime: Regime
    apr: float
    high: float
    low: float
    points: int


_BANDS = (
    _Band(Regime.NEUTRAL, 0.0, 1.0, 1.0, 0),
    _Band(Regime.NORMAL, 10.0, 0.9, 0.6, 5),
    _Band(Regime.HEATED, 50.0, 0.6, 0.3, 10),
    _Band(Regime.MANIA, 100.0, 0.3, 0.1, 20),
    _Band(Regime.EXTREME, 300.0, 0.0, 0.0, 30),
)
# What a day of restless funding adds to the risk score: the deviation of its APR, in percent, above which it does.
RESTLESS_APR, RESTLESS_POINTS = 50.0, 5
_RISING, _FALLING = 1.1, 0.9


def apr_of(rate: float, interval_ns: int) -> float:
    """In percent, of a rate for one interval."""
    return rate * (YEAR_NS / interval_ns) * 100


def regime_of(apr: float) -> Regime:
    return _band(apr).regime


def points_of(funding: Funding) -> int:
    """What funding adds to the risk score."""
    settled = [apr_of(rate, funding.interval_ns) for rate in funding.settled]
    restless = len(settled) > 1 and pstdev(settled) > RESTLESS_APR
    return _band(apr_of(funding.rate, funding.interval_ns)).points + (RESTLESS_POINTS if restless else 0)


def multiplier_of(funding: Funding) -> float:
    """Of a hedge that pays this funding, the part that is worth it: from 1 down to 0.

    Within a regime it falls with |APR|; a tenth more where the last 24 hours cost more than now, a tenth less where
    they cost no more (neither, where they are not known), and never beyond the regime's own ends.
    """
    now = apr_of(funding.rate, funding.interval_ns)
    number = _BANDS.index(_band(now))
    band = _BANDS[number]
    if number + 1 == len(_BANDS):
        return band.low
    part = (abs(now) - band.apr) / (_BANDS[number + 1].apr - band.apr)
    within = (band.high - (band.high - band.low) * part) * _trend(funding, now)
    return min(max(within, band.low), band.high)


def daily_cost(funding: Funding, hedge: float) -> float:
    """What a hedge pays in 24 hours at this rate, as a fraction of its notional; negative: what it earns.

    Args:
        hedge: its delta; only the side counts.
    """
    if hedge == 0:
        return 0.0
    day = funding.rate * DAY_NS / funding.interval_ns
    return day if hedge > 0 else -day


def worth_of(funding: Funding, hedge: float, exposure: float, max_daily_cost_bps: float | None) -> float:
    """The part of a hedge that is worth its funding: 1 for one that earns or pays nothing.

    Args:
        hedge, exposure: deltas, the exposure before the hedge.
        max_daily_cost_bps: of the exposure's notional, that the hedge may pay in 24 hours; None is no limit.
    """
    cost = daily_cost(funding, hedge)
    if cost <= 0:
        return 1.0
    part = multiplier_of(funding)
    if max_daily_cost_bps is None:
        return part
    paid, allowed = abs(hedge) * cost, max_daily_cost_bps / 1e4 * abs(exposure)
    return part if paid * part <= allowed else allowed / paid


def _trend(funding: Funding, now: float) -> float:
    if not funding.settled:
        return 1.0
    mean = fmean(apr_of(rate, funding.interval_ns) for rate in funding.settled)
    return _RISING if abs(mean) > abs(now) else _FALLING


def _band(apr: float) -> _Band:
    return next(band for band in reversed(_BANDS) if abs(apr) >= band.apr)
