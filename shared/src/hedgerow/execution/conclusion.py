"""What the venue's answer makes of an intent."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from hedgerow.domain.money import ZERO
from hedgerow.execution.intents import Intent, VenueFill, VenueOrder
from hedgerow.execution.order_life import TERMINAL, IntentState


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
    may come after an intent is concluded. An answer that is older than what is known changes nothing.

    Args:
        fills: every execution known of this order, old and new.

    Raises:
        Contradiction: the order and its executions exceed each other or the intent, a rejected order has
            executions, a filled one is not whole, or executions come after the intent was concluded.
    """
    filled = sum((fill.quantity for fill in fills), ZERO)
    _require_possible(intent, order, filled)
    if intent.state in TERMINAL and intent.state is not IntentState.ABANDONED:
        return Conclusion(state=intent.state, filled_quantity=intent.filled_quantity, reason=intent.reason)
    all_seen = filled >= order.filled_quantity
    if order.state in TERMINAL and all_seen:
        return Conclusion(state=order.state, filled_quantity=filled, reason=order.reason)
    if filled > 0 or order.filled_quantity > 0 or intent.state is IntentState.PARTIALLY_FILLED:
        waiting = "" if all_seen else f"executions of {order.filled_quantity - filled:f} are not visible yet"
        return Conclusion(state=IntentState.PARTIALLY_FILLED, filled_quantity=filled, reason=waiting)
    return Conclusion(state=order.state, filled_quantity=filled, reason=order.reason)


def _require_possible(intent: Intent, order: VenueOrder, filled: Decimal) -> None:
    most = max(filled, order.filled_quantity)
    problem = None
    if most > intent.quantity:
        problem = f"the order was for {intent.quantity:f}"
    elif order.state in TERMINAL and filled > order.filled_quantity:
        problem = f"the venue calls the order {order.state}"
    elif order.state is IntentState.REJECTED and most > 0:
        problem = "the venue calls the order Rejected"
    elif order.state is IntentState.FILLED and order.filled_quantity < intent.quantity:
        problem = f"the venue calls the order Filled, which was for {intent.quantity:f}"
    elif intent.state in TERMINAL - {IntentState.ABANDONED} and most > intent.filled_quantity:
        problem = f"it was concluded as {intent.state} with {intent.filled_quantity:f}"
    if problem is not None:
        raise Contradiction(
            f"intent {intent.id}: executions add up to {filled:f}, the venue's order says "
            f"{order.filled_quantity:f}, but {problem}"
        )
