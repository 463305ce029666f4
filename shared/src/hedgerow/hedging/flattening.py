"""Taking a hedge off: back to zero, clip by clip, whatever the exposure is."""

from hedgerow.domain.money import ZERO
from hedgerow.domain.orders import Side
from hedgerow.hedging.band import largest_clip, limit_price
from hedgerow.hedging.decision import Hold, HoldReason, NewIntent
from hedgerow.hedging.snapshot import HeldPosition
from hedgerow.schemas.records import Mark
from hedgerow.strategy.compiled import CompiledStrategy, Leg


def flattening_intent(leg: Leg, mark: Mark, held: HeldPosition, config: CompiledStrategy) -> NewIntent | Hold:
    """The order that brings a leg's position to zero, or the first clip of it. It never crosses zero."""
    instrument = leg.instrument
    side = Side.SELL if held.quantity > 0 else Side.BUY
    price = limit_price(side, mark, instrument, config.execution.max_slippage_bps)
    quantity = min(abs(held.quantity), largest_clip(instrument, mark, config))
    smallest = instrument.smallest_quantity(price)
    if quantity < smallest:
        return Hold(
            reason=HoldReason.BELOW_MINIMUM,
            detail=f"{quantity:f} contracts of {instrument.symbol} are below the venue's smallest order, "
            f"{smallest:f}; raise execution.clipNotional, or take the rest off at the venue",
        )
    return NewIntent(
        leg=leg.index,
        venue=leg.venue,
        account=leg.account,
        instrument=instrument.symbol,
        side=side,
        quantity=quantity,
        limit_price=price,
        time_in_force=config.execution.time_in_force,
        delta=instrument.delta(held.quantity),
        edge=ZERO,
    )
