"""Taking a hedge off: back to zero, clip by clip, whatever the exposure is."""

from decimal import Decimal

from hedgerow.domain.money import ZERO, floor_to_step
from hedgerow.domain.orders import Side
from hedgerow.hedging.decision import Hold, HoldReason, NewIntent
from hedgerow.hedging.legs import LegView
from hedgerow.hedging.orders import largest_clip, limit_price, new_intent, why_beyond_guard
from hedgerow.strategy.compiled import CompiledStrategy


def flattening_intent(at: LegView, config: CompiledStrategy) -> NewIntent | Hold:
    """The order that brings a leg's position to zero, or the first clip of it. It never crosses zero."""
    instrument, held = at.instrument, at.held.quantity
    side = Side.SELL if held > 0 else Side.BUY
    price = limit_price(side, at.mark, instrument, config.execution.max_slippage_bps)
    guarded = why_beyond_guard(side, price, at, config)
    if guarded is not None:
        return guarded
    smallest = instrument.smallest_quantity(price)
    whole = floor_to_step(abs(held), instrument.lot_size)
    quantity = _clip(whole, largest_clip(instrument, at.mark, config), smallest, instrument.lot_size)
    if quantity < smallest:
        return Hold(
            reason=HoldReason.BELOW_MINIMUM,
            detail=f"{quantity:f} contracts of {instrument.symbol} are below the venue's smallest order, "
            f"{smallest:f}; raise execution.clipNotional, or take the rest off at the venue",
        )
    return new_intent(
        at,
        side,
        quantity,
        price,
        config.execution.time_in_force,
        delta=instrument.delta(held),
        edge=ZERO,
    )


def _clip(whole: Decimal, largest: Decimal, smallest: Decimal, lot: Decimal) -> Decimal:
    """As much of `whole` as one order may have, and less where the rest would be too small to be sold."""
    quantity = min(whole, largest)
    if quantity == whole or whole - quantity >= smallest:
        return quantity
    leaves_an_order = floor_to_step(whole - smallest, lot)
    return leaves_an_order if leaves_an_order >= smallest else quantity
