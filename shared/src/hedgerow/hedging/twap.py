"""Twap: an equal share of what is to be hedged at each slice's time, what was missed with the next.

The plan is made anew at each decision from what the hedge has become since the first slice and what is wanted now, so
that it follows a target that moves, and counts a fill whenever and however it came.
"""

from decimal import Decimal

from hedgerow.domain.money import ZERO, floor_to_step
from hedgerow.hedging.band import Size, crossing_price, order_of, side_of, size_up
from hedgerow.hedging.decision import Hold, HoldReason
from hedgerow.hedging.exposure import NetExposure
from hedgerow.hedging.legs import LegView
from hedgerow.hedging.snapshot import Pursuit
from hedgerow.hedging.step import Step, aimed
from hedgerow.strategy.compiled import CompiledStrategy, Twap


def slice_step(
    exposure: NetExposure,
    at: LegView,
    pursuit: Pursuit | None,
    twap: Twap,
    config: CompiledStrategy,
    now_ns: int,
) -> Step:
    """The order that is due by now, or when the next one is.

    Args:
        pursuit: of this side; None begins one with its first slice now.
    """
    price = crossing_price(exposure, at, config)
    if isinstance(price, Hold):
        return Step(outcome=price)
    size = size_up(exposure, at, price, config)
    if isinstance(size, Hold):
        return Step(outcome=size)
    side = side_of(exposure)
    begun = pursuit or Pursuit(
        underlying=exposure.underlying,
        side=side,
        started_ns=now_ns,
        hedge=exposure.hedge,
        aim=exposure.hedge,
    )
    done = max((exposure.hedge - begun.hedge) * side.sign, ZERO) / at.instrument.contract_size
    slices = slices_due(now_ns - begun.started_ns, twap)
    quantity = due_quantity(done, size, slices, twap.slices, at.instrument.lot_size)
    if quantity < size.smallest:
        # Remembered also when the first slice is too small to be sent: its time is what the next ones count from.
        return Step(outcome=_wait(done, size, slices, begun, twap), pursuit=begun)
    order = order_of(exposure, at, quantity, price, config, config.execution.time_in_force)
    return aimed(order, begun, exposure, at)


def slices_due(elapsed_ns: int, twap: Twap) -> int:
    """How many slices ought to have been sent: the first at once, all of them from the last one's time."""
    return min(twap.slices, max(elapsed_ns, 0) * twap.slices // twap.duration_ns + 1)


def due_quantity(done: Decimal, size: Size, due: int, slices: int, lot: Decimal) -> Decimal:
    """What is to be sent now, at most what is wanted: 0 when the schedule is ahead.

    Args:
        done: contracts since the first slice; due: slices by now, of `slices`.
    """
    total = done + size.wanted
    share = total if due == slices else floor_to_step(total * due / slices, lot)
    quantity = min(max(share - done, ZERO), size.wanted)
    if quantity > ZERO and size.wanted - quantity < size.smallest:
        quantity = size.wanted  # what would be left is too small to be sent
    return min(quantity, size.largest)


def _wait(done: Decimal, size: Size, due: int, begun: Pursuit, twap: Twap) -> Hold:
    wake_ns = begun.started_ns + -(-due * twap.duration_ns // twap.slices)
    return Hold(
        reason=HoldReason.WAITING_FOR_SLICE,
        detail=f"{due} of {twap.slices} slices are due, which is {done:f} contracts done and {size.wanted:f} to go",
        wake_ns=wake_ns,
    )
