"""Seeded client fills. Pure: the same seed and session give the same fills, so a restart resumes in place."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from math import pi, sin
from random import Random

import msgspec

from hedgerow.domain.instruments import find_instrument
from hedgerow.domain.money import exact_decimal, floor_to_step
from hedgerow.domain.orders import Side
from hedgerow.ledger.books import ClientFill

INSTRUMENT = "BTC/USDT"
BOOK = "clients"

# The clients' interest swings: their book is drawn towards a wave of this height (in mean fills) and period.
_WAVE_FILLS = 3.0
_WAVE_S = 20.0
# How strongly, per mean fill of distance, and the least chance that either side keeps.
_PULL = 0.25
_LEAST_CHANCE = 0.05
_SMALLEST, _LARGEST = 0.5, 1.5


class PlannedFill(msgspec.Struct, frozen=True):
    """A client's fill before it has a price. `side` is the book's; `notional` in USD."""

    fill_id: str
    due_ns: int
    side: Side
    notional: Decimal


def planned_fills(
    seed: int, session_start_ns: int, per_second: float, mean_notional: float
) -> Iterator[PlannedFill]:
    """The endless fills of a session, in order of time.

    Gaps are exponential; sizes are uniform between half and one and a half times the mean; the side is drawn so
    that the book follows a slow wave of some fills' height: it wanders out of any narrower band several times a
    minute, to both sides, and never far away.

    Raises:
        ValueError: the session's start, the rate or the size is not positive; the message names the setting.
    """
    _require_positive("HEDGEROW_SESSION_START_NS", session_start_ns)
    _require_positive("HEDGEROW_CLIENT_FLOW_PER_SECOND", per_second)
    _require_positive("HEDGEROW_CLIENT_FLOW_NOTIONAL", mean_notional)
    return _draw(Random(seed), f"flow-{seed}-{session_start_ns}", session_start_ns, per_second, mean_notional)


def price_fill(planned: PlannedFill, bid: float, ask: float) -> ClientFill:
    """The fill at the touch: the book buys at the bid and sells at the ask, in whole lots, at least one.

    Raises:
        ValueError: the price is not finite.
    """
    instrument = find_instrument(INSTRUMENT)
    price = exact_decimal(bid if planned.side is Side.BUY else ask)
    quantity = floor_to_step(planned.notional / price, instrument.lot_size)
    return ClientFill(
        fill_id=planned.fill_id,
        book=BOOK,
        instrument=INSTRUMENT,
        side=planned.side,
        quantity=max(quantity, instrument.lot_size),
        price=price,
        time_ns=planned.due_ns,
    )


def _draw(
    random: Random, prefix: str, session_start_ns: int, per_second: float, mean_notional: float
) -> Iterator[PlannedFill]:
    elapsed_s, position = 0.0, 0.0
    for number in count():
        elapsed_s += random.expovariate(per_second)
        wave = _WAVE_FILLS * mean_notional * sin(2 * pi * elapsed_s / _WAVE_S)
        chance = 0.5 + _PULL * (wave - position) / mean_notional
        buys = random.random() < min(max(chance, _LEAST_CHANCE), 1 - _LEAST_CHANCE)
        side = Side.BUY if buys else Side.SELL
        notional = round(mean_notional * random.uniform(_SMALLEST, _LARGEST), 2)
        position += side.sign * notional
        due_ns = session_start_ns + int(elapsed_s * 1e9)
        yield PlannedFill(f"{prefix}-{number}", due_ns, side, exact_decimal(notional))


def _require_positive(name: str, value: float) -> None:
    if not 0 < value < float("inf"):
        raise ValueError(f"{name}={value} should be a positive number for client flow to run")
