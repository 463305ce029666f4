"""The Band policy: outside the band, trade back to its edge, clip by clip.

Trading to the nearest edge of a no-trade region, not to its middle, is optimal under proportional costs:
Davis & Norman, "Portfolio selection with transaction costs" (1990); Whalley & Wilmott (1997).
"""

from decimal import Decimal

from hedgerow.domain.instruments import Instrument
from hedgerow.domain.money import BPS, ceil_to_step, floor_to_step
from hedgerow.domain.orders import Side, signed
from hedgerow.hedging.decision import Hold, HoldReason, NewIntent
from hedgerow.hedging.exposure import NetExposure
from hedgerow.hedging.snapshot import HeldPosition
from hedgerow.schemas.records import Mark
from hedgerow.strategy.compiled import CompiledStrategy, Leg


def band_intent(
    exposure: NetExposure, leg: Leg, mark: Mark, held: HeldPosition, config: CompiledStrategy
) -> NewIntent | Hold:
    """The order that brings the net delta back to the edge it crossed, or the first clip of it.

    The quantity is the smallest tradable one that ends inside the band (so it is rounded up to the lot). In a
    band narrower than that rounding, it is the largest that does not cross the band; what is too small even for
    that is left to accumulate.
    """
    instrument = leg.instrument
    side = Side.SELL if exposure.excess > 0 else Side.BUY
    price = limit_price(side, mark, instrument, config.execution.max_slippage_bps)
    smallest = instrument.smallest_quantity(price)
    wanted = _wanted(exposure, instrument, smallest)
    if wanted is None:
        return Hold(
            reason=HoldReason.BELOW_MINIMUM,
            detail=f"{abs(exposure.excess):.8f} {exposure.underlying} is outside the band, and the smallest order "
            f"({smallest:f} contracts) would cross the whole of it",
        )
    largest = largest_clip(instrument, mark, config)
    if largest < smallest:
        return Hold(
            reason=HoldReason.BELOW_MINIMUM,
            detail=f"the clip of {config.execution.clip_notional:f} {config.currency} is below "
            f"{instrument.symbol}'s smallest order; raise execution.clipNotional or limits.maxOrderNotional",
        )
    quantity = min(wanted, largest)
    after = held.quantity + signed(side, quantity)
    # Valued as the executor's control will: what is decided here must not be refused there, again and again.
    worth = instrument.notional(after, max(price, mark.bid))
    if worth > config.limits.max_position_notional and abs(after) >= abs(held.quantity):
        return Hold(
            reason=HoldReason.POSITION_LIMIT,
            detail=f"the hedge would be worth {worth:.2f} {config.currency}, "
            f"limits.maxPositionNotional is {config.limits.max_position_notional:f}",
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
        delta=exposure.net,
        edge=exposure.upper if side is Side.SELL else exposure.lower,
    )


def limit_price(side: Side, mark: Mark, instrument: Instrument, max_slippage_bps: Decimal) -> Decimal:
    """The worst price accepted: the touch less the slippage allowed, rounded to the tick towards the touch."""
    if side is Side.BUY:
        return floor_to_step(mark.ask * (1 + max_slippage_bps / BPS), instrument.tick_size)
    return ceil_to_step(mark.bid * (1 - max_slippage_bps / BPS), instrument.tick_size)


def _wanted(exposure: NetExposure, instrument: Instrument, smallest: Decimal) -> Decimal | None:
    contracts = abs(exposure.excess) / instrument.contract_size
    returns = max(ceil_to_step(contracts, instrument.lot_size), smallest)
    if instrument.delta(returns) <= abs(exposure.excess) + (exposure.upper - exposure.lower):
        return returns
    remains_outside = floor_to_step(contracts, instrument.lot_size)
    return remains_outside if remains_outside >= smallest else None


def largest_clip(instrument: Instrument, mark: Mark, config: CompiledStrategy) -> Decimal:
    """The most contracts that one order may have."""
    # Sized at the dearest price the order may meet, so that a clip never fails the executor's notional control.
    dearest = mark.ask * (1 + config.execution.max_slippage_bps / BPS)
    notional = min(config.execution.clip_notional, config.limits.max_order_notional)
    return floor_to_step(notional / (instrument.contract_size * dearest), instrument.lot_size)
