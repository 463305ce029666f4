"""What an answer of the venue, or its absence, makes of an intent that the ledger holds. Pure: the ledger's one
transaction reads the intent, asks here, and writes what comes out."""

from collections.abc import Sequence

import msgspec

from hedgerow.execution.conclusion import Conclusion, Contradiction, conclude
from hedgerow.execution.intents import Intent, VenueFill, VenueOrder
from hedgerow.execution.order_life import OPEN, IntentState, require_edge


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue's order and executions come to.

    Attributes:
        new: executions to be booked; executions: all that are known then.
        conclusion: where the intent stands then; None when it stands there already.
    """

    new: tuple[VenueFill, ...]
    executions: tuple[VenueFill, ...]
    conclusion: Conclusion | None


def answered(intent: Intent) -> Conclusion | None:
    """The venue took the order; None when that is no news."""
    if intent.state not in (IntentState.SENDING, IntentState.UNKNOWN):
        return None
    return Conclusion(state=IntentState.ACCEPTED, filled_quantity=intent.filled_quantity, reason="")


def stated(intent: Intent, state: IntentState, reason: str) -> Conclusion | None:
    """An outcome without fills; None when it is no news.

    That an answer did not come says nothing of an intent of which more is known by then: another executor may have
    found its order while the sender still waited.
    """
    if intent.state is state or (state is IntentState.UNKNOWN and intent.state is not IntentState.SENDING):
        return None
    return Conclusion(state=state, filled_quantity=intent.filled_quantity, reason=reason)


def told(
    intent: Intent,
    known: Sequence[VenueFill],
    order: VenueOrder,
    fills: Sequence[VenueFill],
    leg_taken: bool,
) -> Told:
    """Count each execution once, and bring the intent to where they and the order leave it.

    Args:
        known: executions of this intent that the ledger holds; fills: all that the venue shows.
        leg_taken: another intent is open on this one's leg. A leg has one open intent: an abandoned order that shows
            up late stays abandoned then, and its fills count all the same.

    Raises:
        Contradiction: order and executions cannot both be true of the intent.
    """
    new = _not_yet_known(intent, known, fills)
    executions = (*known, *new)
    conclusion = conclude(intent, order, executions)
    if intent.state is IntentState.ABANDONED and conclusion.state in OPEN and leg_taken:
        conclusion = msgspec.structs.replace(conclusion, state=IntentState.ABANDONED)
    stands = (conclusion.state, conclusion.filled_quantity) == (intent.state, intent.filled_quantity)
    return Told(new=new, executions=executions, conclusion=None if stands else conclusion)


def step(intent: Intent, conclusion: Conclusion) -> Intent:
    """The intent after one legal step of its life.

    Raises:
        IllegalTransition: its life has no such step.
    """
    if conclusion.state is not intent.state:
        require_edge(intent.state, conclusion.state)
    return msgspec.structs.replace(
        intent,
        state=conclusion.state,
        filled_quantity=conclusion.filled_quantity,
        reason=conclusion.reason,
    )


def booked_elsewhere(intent: Intent, fill: VenueFill) -> Contradiction:
    """The error of an execution that another intent has."""
    return Contradiction(
        f"intent {intent.id}: execution {fill.execution_id} was booked before, for another intent"
    )


def _not_yet_known(
    intent: Intent, known: Sequence[VenueFill], told: Sequence[VenueFill]
) -> tuple[VenueFill, ...]:
    by_id = {fill.execution_id: fill for fill in known}
    new = []
    for fill in told:
        before = by_id.get(fill.execution_id)
        if before is None:
            by_id[fill.execution_id] = fill
            new.append(fill)
        elif (before.quantity, before.price) != (fill.quantity, fill.price):
            raise Contradiction(
                f"intent {intent.id}: execution {fill.execution_id} was {before.quantity:f} at {before.price:f}, "
                f"and is now told as {fill.quantity:f} at {fill.price:f}"
            )
    return tuple(new)
