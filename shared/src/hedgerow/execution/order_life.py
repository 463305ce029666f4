"""The life of an intent: one decided leg of a hedge, sent to the venue as at most one order, forever."""

from enum import StrEnum


class IntentState(StrEnum):
    DECIDED = "Decided"
    SENDING = "Sending"
    ACCEPTED = "Accepted"
    PARTIALLY_FILLED = "PartiallyFilled"
    FILLED = "Filled"
    CANCELLED = "Cancelled"
    REJECTED = "Rejected"
    REFUSED = "Refused"
    EXPIRED = "Expired"
    UNKNOWN = "Unknown"
    ABANDONED = "Abandoned"


class IllegalTransition(ValueError):
    """An intent was asked to make a step that its life does not have."""


_S = IntentState

# Every legal step. Abandoned is left only when the venue, against its own promise, shows the order late:
# what the venue executed is true whatever we had concluded.
EDGES: frozenset[tuple[IntentState, IntentState]] = frozenset(
    {
        (_S.DECIDED, _S.SENDING),
        (_S.DECIDED, _S.REFUSED),
        (_S.DECIDED, _S.EXPIRED),
        (_S.SENDING, _S.ACCEPTED),
        (_S.SENDING, _S.PARTIALLY_FILLED),
        (_S.SENDING, _S.FILLED),
        (_S.SENDING, _S.CANCELLED),
        (_S.SENDING, _S.REJECTED),
        (_S.SENDING, _S.EXPIRED),
        (_S.SENDING, _S.UNKNOWN),
        (_S.ACCEPTED, _S.PARTIALLY_FILLED),
        (_S.ACCEPTED, _S.FILLED),
        (_S.ACCEPTED, _S.CANCELLED),
        (_S.ACCEPTED, _S.REJECTED),
        (_S.ACCEPTED, _S.EXPIRED),
        (_S.PARTIALLY_FILLED, _S.FILLED),
        (_S.PARTIALLY_FILLED, _S.CANCELLED),
        (_S.PARTIALLY_FILLED, _S.EXPIRED),
        (_S.UNKNOWN, _S.ACCEPTED),
        (_S.UNKNOWN, _S.PARTIALLY_FILLED),
        (_S.UNKNOWN, _S.FILLED),
        (_S.UNKNOWN, _S.CANCELLED),
        (_S.UNKNOWN, _S.REJECTED),
        (_S.UNKNOWN, _S.EXPIRED),
        (_S.UNKNOWN, _S.ABANDONED),
        (_S.ABANDONED, _S.ACCEPTED),
        (_S.ABANDONED, _S.PARTIALLY_FILLED),
        (_S.ABANDONED, _S.FILLED),
        (_S.ABANDONED, _S.CANCELLED),
        (_S.ABANDONED, _S.REJECTED),
        (_S.ABANDONED, _S.EXPIRED),
    }
)

OPEN: frozenset[IntentState] = frozenset(
    {_S.DECIDED, _S.SENDING, _S.ACCEPTED, _S.PARTIALLY_FILLED, _S.UNKNOWN}
)
TERMINAL: frozenset[IntentState] = frozenset(IntentState) - OPEN

# States in which the venue may hold the order, so that limits must count it as filled.
AT_VENUE: frozenset[IntentState] = OPEN - {_S.DECIDED}


def require_edge(before: IntentState, after: IntentState) -> None:
    """Let a legal step pass.

    Raises:
        IllegalTransition: the life of an intent has no such step.
    """
    if (before, after) not in EDGES:
        raise IllegalTransition(f"an intent does not go from {before} to {after}")
