"""How much to hedge by a sentiment score: a monotone curve over the score, weighed by what the market can take.

Of a score s and a depth d in USD, with the weight w = min(1, ln(1 + d) / ln(1 + 10,000,000)), the fraction
min(curve(s * w), maximum) of the exposure is hedged; a score of 1 asks for the maximum whatever the depth.
"""

from functools import lru_cache
from math import inf, log1p

import msgspec

from hedgerow.kernels import HedgeCurve
from hedgerow.strategy.compiled import SentimentCurve

FULL_DEPTH_USD = 10_000_000.0
_LOG_OF_FULL_DEPTH = log1p(FULL_DEPTH_USD)


class SizedHedge(msgspec.Struct, frozen=True):
    """The fraction of an exposure to hedge, and the weight that the depth gave the score; both in [0, 1]."""

    fraction: float
    weight: float


class Sizer:
    """One declared curve, compiled once: `size` is all that a decision costs."""

    __slots__ = ("_curve", "_maximum")

    def __init__(self, declared: SentimentCurve) -> None:
        """
        Raises:
            ValueError: the knots are no curve on [0, 1]; the text names which.
        """
        self._curve = HedgeCurve(
            [float(knot.score) for knot in declared.knots],
            [float(knot.hedge_fraction) for knot in declared.knots],
        )
        self._maximum = float(declared.max_hedge_fraction)

    def size(self, score: float, depth_usd: float) -> SizedHedge:
        """The fraction for a score in [0, 1] and the USD that rest near the mid.

        Raises:
            ValueError: the score is outside [0, 1] or NaN, or the depth negative or not finite.
        """
        if not 0.0 <= score <= 1.0:
            raise ValueError(f"score is {score!r}; a score is a number from 0 to 1")
        if not 0.0 <= depth_usd < inf:
            raise ValueError(f"depth_usd is {depth_usd!r}; a depth is a finite number of USD, not negative")
        weight = min(1.0, log1p(depth_usd) / _LOG_OF_FULL_DEPTH)
        if score == 1.0:
            return SizedHedge(self._maximum, weight)
        return SizedHedge(min(max(self._curve(score * weight), 0.0), self._maximum), weight)


@lru_cache(maxsize=256)
def sizer_of(declared: SentimentCurve) -> Sizer:
    """The sizer of a declared curve, made once for equal curves.

    Raises:
        ValueError: as `Sizer`.
    """
    return Sizer(declared)
