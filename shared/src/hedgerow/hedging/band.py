"""The Band policy: outside the band, trade back to its edge.

Trading to the nearest edge of a no-trade region, not to its middle, is optimal under proportional costs:
Davis & Norman, "Portfolio selection with transaction costs" (1990); Whalley & Wilmott (1997).
"""

from decimal import Decimal

import msgspec

from hedgerow.domain.instruments import Instrument
from hedgerow.domain.money import ceil_to_step, floor_to_step
from hedgerow.domain.orders import Side, TimeInForce
from hedgerow.hedging.decision import Hold, HoldReason, NewIntent, Rung
from hedgerow.hedging.exposure import NetExposure
from hedgerow.hedging.legs import LegView
from hedgerow.hedging.orders import (
    largest_clip,
    limit_price,
    new_intent,
    why_beyond_guard,
    why_beyond_position_limit,
)
from hedgerow.strategy.compiled import CompiledStrategy


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """What a leg may trade at a price, in contracts.

    Attributes:
        wanted: brings the net delta back to the edge; smallest, largest: that one order may have.
    """

    wanted: Decimal
    smallest: Decimal
    largest: Decimal


def side_of(exposure: NetExposure) -> Side:
    """The side that brings an exposure back to its band."""
    return Side.SELL if exposure.excess > 0 else Side.BUY


def clip(
    exposure: NetExposure, at: LegView, config: CompiledStrategy, rung: Rung | None = None
) -> NewIntent | Hold:
    """The crossing order that brings the net delta back to the edge it left, or the first clip of it."""
    price = crossing_price(exposure, at, config)
    if isinstance(price, Hold):
        return price
    size = size_up(exposure, at, price, config)
    if isinstance(size, Hold):
        return size
    quantity = min(size.wanted, size.largest)
    return order_of(exposure, at, quantity, price, config, config.execution.time_in_force, rung)


def crossing_price(exposure: NetExposure, at: LegView, config: CompiledStrategy) -> Decimal | Hold:
    """The worst price accepted of an order that takes, or why there is none."""
    side = side_of(exposure)
    price = limit_price(side, at.mark, at.instrument, config.execution.max_slippage_bps)
    return why_beyond_guard(side, price, at, config) or price


def size_up(exposure: NetExposure, at: LegView, price: Decimal, config: CompiledStrategy) -> Size | Hold:
    """How much to trade in all and at once.

    What is wanted is the smallest tradable quantity that ends inside the band (so it is rounded up to the lot). In a
    band narrower than that rounding, it is the largest that does not cross the band; what is too small even for
    that is left to accumulate.
    """
    instrument = at.instrument
    smallest = instrument.smallest_quantity(price)
    wanted = _wanted(exposure, instrument, smallest)
    if wanted is None:
        return Hold(
            reason=HoldReason.BELOW_MINIMUM,
            detail=f"{abs(exposure.excess):.8f} {exposure.underlying} is outside the band, and the smallest order "
            f"({smallest:f} contracts) would cross the whole of it",
        )
    largest = largest_clip(instrument, at.mark, config)
    if largest < smallest:
        return Hold(
            reason=HoldReason.BELOW_MINIMUM,
            detail=f"the clip of {min(config.execution.clip_notional, config.limits.max_order_notional):f} "
            f"{config.currency} is below {instrument.symbol}'s smallest order; raise execution.clipNotional, "
            "limits.maxOrderNotional or the platform's ceiling",
        )
    return Size(wanted=wanted, smallest=smallest, largest=largest)


def order_of(
    exposure: NetExposure,
    at: LegView,
    quantity: Decimal,
    price: Decimal,
    config: CompiledStrategy,
    time_in_force: TimeInForce,
    rung: Rung | None = None,
) -> NewIntent | Hold:
    """The order towards the band's edge, unless the position that it leads to is too large."""
    side = side_of(exposure)
    limited = why_beyond_position_limit(side, quantity, price, at, config)
    if limited is not None:
        return limited
    edge = exposure.upper if side is Side.SELL else exposure.lower
    return new_intent(at, side, quantity, price, time_in_force, delta=exposure.net, edge=edge, rung=rung)


def _wanted(exposure: NetExposure, instrument: Instrument, smallest: Decimal) -> Decimal | None:
    contracts = abs(exposure.excess) / instrument.contract_size
    returns = max(ceil_to_step(contracts, instrument.lot_size), smallest)
    if instrument.delta(returns) <= abs(exposure.excess) + (exposure.upper - exposure.lower):
        return returns
    remains_outside = floor_to_step(contracts, instrument.lot_size)
    return remains_outside if remains_outside >= smallest else None
