"""Pricing and building one order, whatever it is for."""

from decimal import Decimal

from hedgerow.domain.instruments import Instrument
from hedgerow.domain.money import BPS, ceil_to_step, floor_to_step
from hedgerow.domain.orders import Side, TimeInForce, signed
from hedgerow.hedging.decision import Hold, HoldReason, NewIntent, Rung
from hedgerow.hedging.legs import LegView
from hedgerow.schemas.risk_state import Mark
from hedgerow.strategy.compiled import CompiledStrategy


def limit_price(side: Side, mark: Mark, instrument: Instrument, max_slippage_bps: Decimal) -> Decimal:
    """The worst price accepted: the touch less the slippage allowed, rounded to the tick towards the touch."""
    if side is Side.BUY:
        return floor_to_step(mark.ask * (1 + max_slippage_bps / BPS), instrument.tick_size)
    return ceil_to_step(mark.bid * (1 - max_slippage_bps / BPS), instrument.tick_size)


def passive_price(side: Side, mark: Mark, instrument: Instrument, inside_ticks: int) -> Decimal:
    """Where an order waits: at its own side of the touch or inside it, never at the other side's price."""
    tick = instrument.tick_size
    inside = inside_ticks * tick
    if side is Side.BUY:
        return min(floor_to_step(mark.bid, tick) + inside, max(ceil_to_step(mark.ask, tick) - tick, tick))
    return max(ceil_to_step(mark.ask, tick) - inside, floor_to_step(mark.bid, tick) + tick)


def why_beyond_guard(side: Side, price: Decimal, at: LegView, config: CompiledStrategy) -> Hold | None:
    """Over the slippage budget: no price of the grid lies between the touch and the worst that is accepted."""
    touch = at.mark.ask if side is Side.BUY else at.mark.bid
    if (price - touch) * side.sign >= 0:
        return None
    return Hold(
        reason=HoldReason.SLIPPAGE_GUARD,
        detail=f"the touch of {at.instrument.symbol} is {touch:f}, and within execution.maxSlippageBps, "
        f"{config.execution.max_slippage_bps:f}, the worst price on its tick is {price:f}",
    )


def largest_clip(instrument: Instrument, mark: Mark, config: CompiledStrategy) -> Decimal:
    """The most contracts that one order may have."""
    # Sized at the dearest price the order may meet, so that a clip never fails the executor's notional control.
    dearest = mark.ask * (1 + config.execution.max_slippage_bps / BPS)
    notional = min(config.execution.clip_notional, config.limits.max_order_notional)
    return floor_to_step(notional / (instrument.contract_size * dearest), instrument.lot_size)


def why_beyond_position_limit(
    side: Side, quantity: Decimal, price: Decimal, at: LegView, config: CompiledStrategy
) -> Hold | None:
    """Valued as the executor's control will: what is decided here must not be refused there, again and again."""
    held, price = at.held.quantity, max(price, at.mark.bid)
    after = held + signed(side, quantity)
    if abs(after) < abs(held):
        return None
    worth, limit = at.instrument.notional(after, price), config.limits.max_position_notional
    if worth > limit:
        return Hold(
            reason=HoldReason.POSITION_LIMIT,
            detail=f"the hedge would be worth {worth:.2f} {config.currency}, limits.maxPositionNotional is {limit:f} "
            "(no higher than the platform's ceiling)",
        )
    # As the control counts: what the account holds, and all of the order.
    gross = at.instrument.notional(held, at.mark.mid) + at.instrument.notional(quantity, price)
    if at.gross_limit is None or gross <= at.gross_limit:
        return None
    return Hold(
        reason=HoldReason.POSITION_LIMIT,
        detail=f"the account would carry a gross of {gross:.2f} {config.currency}, maxGrossNotional of "
        f"{at.leg.venue} is {at.gross_limit:f} (no higher than the platform's ceiling)",
    )


def new_intent(
    at: LegView,
    side: Side,
    quantity: Decimal,
    price: Decimal,
    time_in_force: TimeInForce,
    *,
    delta: Decimal,
    edge: Decimal,
    rung: Rung | None = None,
) -> NewIntent:
    """An intent on this leg; as `NewIntent`."""
    return NewIntent(
        leg=at.leg.index,
        venue=at.leg.venue,
        account=at.leg.account,
        instrument=at.instrument.symbol,
        side=side,
        quantity=quantity,
        limit_price=price,
        time_in_force=time_in_force,
        delta=delta,
        edge=edge,
        rung=rung,
    )
