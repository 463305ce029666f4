"""Which client orders come, and when. Pure: order n is a function of the seed, so that a restart goes on with it."""

import heapq
from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import count
from math import cos, pi
from operator import attrgetter
from random import Random

import msgspec

from hedgerow.domain.orders import Side

# The clients' interest swings: what they sold is drawn towards a wave of this height (in mean orders) and period.
_WAVE_ORDERS = 3.0
_WAVE_S = 20.0
# How strongly, per mean order of distance, and the least chance that either side keeps.
_PULL = 0.25
_LEAST_CHANCE = 0.05
_SMALLEST, _LARGEST = 0.5, 1.5
_OFFSET_BPS = {"crossed": (2.0, 10.0), "resting": (1.0, 8.0)}
_MEAN_PATIENCE_S = 4.0


class Style(StrEnum):
    """How an order meets the market."""

    MARKET = "market"
    CROSSED = "crossed"  # a limit that the touch has reached already
    RESTING = "resting"  # a limit short of the touch: filled when the touch comes, else cancelled


class PlannedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A client's order before it has a price.

    Attributes:
        elapsed_s: when it is due, since the first moment of the plan.
        side: the client's.
        notional: in quote currency.
        offset_bps: of a limit: how far beyond the touch (crossed) or short of it (resting).
        patience_s: after how long a resting order is cancelled.
    """

    elapsed_s: float
    symbol: str
    side: Side
    style: Style
    notional: float
    offset_bps: float
    patience_s: float


def planned_orders(
    seed: int, per_second: float, sizes: Mapping[str, float], mix: Mapping[Style, float]
) -> Iterator[PlannedOrder]:
    """The endless orders of all symbols, in order of time.

    Each symbol's orders are drawn apart: they stay the same whatever else is traded. Gaps are exponential; sizes are
    uniform between half and one and a half times the mean; the side is drawn so that what the clients traded follows a
    slow wave of some orders' height: it wanders out of any narrower band several times a minute, to both sides, and
    never far away.

    Args:
        per_second: orders of each symbol.
        sizes: mean notional of an order by symbol, in quote currency.
        mix: weight of each style.
    """
    flows = [
        _flow(Random(f"{seed} {symbol}"), symbol, per_second, size, mix) for symbol, size in sizes.items()
    ]
    return heapq.merge(*flows, key=attrgetter("elapsed_s"))


def _flow(
    random: Random, symbol: str, per_second: float, mean_notional: float, mix: Mapping[Style, float]
) -> Iterator[PlannedOrder]:
    elapsed_s, position, turn = 0.0, 0.0, random.choice((1.0, -1.0))
    styles, weights = list(mix), list(mix.values())
    for _ in count():
        elapsed_s += random.expovariate(per_second)
        wave = turn * _WAVE_ORDERS * mean_notional * cos(2 * pi * elapsed_s / _WAVE_S)
        chance = 0.5 + _PULL * (wave - position) / mean_notional
        buys = random.random() < min(max(chance, _LEAST_CHANCE), 1 - _LEAST_CHANCE)
        (style,) = random.choices(styles, weights)
        order = PlannedOrder(
            elapsed_s=elapsed_s,
            symbol=symbol,
            side=Side.BUY if buys else Side.SELL,
            style=style,
            notional=mean_notional * random.uniform(_SMALLEST, _LARGEST),
            offset_bps=random.uniform(*_OFFSET_BPS.get(style, (0.0, 0.0))),
            patience_s=random.expovariate(1 / _MEAN_PATIENCE_S),
        )
        if style is not Style.RESTING:
            position += order.side.sign * order.notional
        yield order
