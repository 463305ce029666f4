"""What the venue's answer makes of an intent."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from hedgerow.domain.money import ZERO
from hedgerow.execution.intents import Intent, VenueFill, VenueOrder
from hedgerow.execution.order_life import OPEN, TERMINAL, IntentState


class Contradiction(ValueError):
    """The venue's order and its executions cannot both be true of this intent."""


class Conclusion(msgspec.Struct, frozen=True, kw_only=True):
    """Where an intent stands after the venue was asked. `filled_quantity` is what its executions add up to."""

    state: IntentState
    filled_quantity: Decimal
    reason: str


def conclude(intent: Intent, order: VenueOrder, fills: Sequence[VenueFill]) -> Conclusion:
    """Bring an intent to where the venue says its order is, as far as the executions bear it out.

    An order that the venue calls terminal stays open here until its executions have all been seen: no fill
    may come after an intent is concluded.

    Args:
        fills: every execution known of this order, old and new.

    Raises:
        Contradiction: the executions exceed the order, or the intent's quantity.
    """
    filled = sum((fill.quantity for fill in fills), ZERO)
    if filled > intent.quantity:
        raise Contradiction(
            f"intent {intent.id}: executions add up to {filled:f}, the order was for {intent.quantity:f}"
        )
    all_seen = filled >= order.filled_quantity
    if order.state in TERMINAL and all_seen:
        return Conclusion(state=order.state, filled_quantity=filled, reason=order.reason)
    if filled > 0 or order.filled_quantity > 0:
        waiting = "" if all_seen else f"executions of {order.filled_quantity - filled:f} are not visible yet"
        return Conclusion(state=IntentState.PARTIALLY_FILLED, filled_quantity=filled, reason=waiting)
    state = order.state if order.state in OPEN else intent.state
    return Conclusion(state=state, filled_quantity=filled, reason=order.reason)
