"""Volatility as an exponentially weighted moving average that is carried from mark to mark.

RiskMetrics' estimator (J.P. Morgan/Reuters, "RiskMetrics Technical Document", 1996, section 5.2) in continuous time: a
bar's squared log return counts per year that it took, and loses half its weight each half-life. So a late or long bar
counts for what it is, and a gap in the marks needs no filling.
"""

from math import isfinite, log, sqrt

import msgspec

YEAR_NS = 365 * 86_400 * 1_000_000_000


class Ewma(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the next mark needs, so that it survives a restart.

    Attributes:
        price, time_ns: the mark that ended the newest bar.
        rate: weighted sum of squared log returns per year of 365 days; weight: the sum of the weights, below 1.
        bars: how many ended.
    """

    price: float
    time_ns: int
    rate: float = 0.0
    weight: float = 0.0
    bars: int = 0

    @property
    def annualised(self) -> float:
        """Standard deviation of log returns in a year: 1.0 is 100 %; 0 before the first bar ended.

        Divided by the weights that there are, so that the first bars are not taken for a calm past.
        """
        return sqrt(self.rate / self.weight) if self.weight else 0.0


def advance(known: Ewma | None, price: float, time_ns: int, bar_ns: int, half_life_ns: int) -> Ewma:
    """The average after a mark: as it was until `bar_ns` have passed since the last bar's end.

    Raises:
        ValueError: the price is not positive and finite.
    """
    if not (isfinite(price) and price > 0.0):
        raise ValueError(f"price is {price!r}; a price is a positive, finite number")
    if known is None:
        return Ewma(price=price, time_ns=time_ns)
    elapsed_ns = time_ns - known.time_ns
    if elapsed_ns < bar_ns:
        return known
    kept = 2.0 ** (-elapsed_ns / half_life_ns)
    move = log(price / known.price)
    return Ewma(
        price=price,
        time_ns=time_ns,
        rate=kept * known.rate + (1.0 - kept) * move * move * (YEAR_NS / elapsed_ns),
        weight=kept * known.weight + (1.0 - kept),
        bars=known.bars + 1,
    )
