"""When a person may conclude an intent whose end the venue has not told. Pure."""

from hedgerow.execution.intents import Intent
from hedgerow.execution.order_life import EDGES, TERMINAL, IntentState

# What a person may say. That an order filled is told by its executions alone: nobody can make them up.
BY_HAND: frozenset[IntentState] = frozenset({IntentState.CANCELLED, IntentState.ABANDONED})


class ResolutionRefused(ValueError):
    """A person may not conclude this intent so, or not yet; the message says why and what to do."""


def require_resolvable(intent: Intent, state: IntentState, unknown_deadline_ns: int, now_ns: int) -> None:
    """Let a person conclude an intent that is at the venue, once its strategy's `unknownDeadline` has passed.

    Args:
        unknown_deadline_ns: counted from the claim.

    Raises:
        ResolutionRefused: it is over, was never sent, is still in time, or its life has no such step.
    """
    if state not in BY_HAND:
        raise ResolutionRefused(
            f"an intent becomes {state} only by what the venue tells of its order and executions; a person can "
            "conclude it as cancelled or abandoned, with the quantity that the ledger already has"
        )
    if intent.state in TERMINAL:
        raise ResolutionRefused(f"intent {intent.id} is {intent.state} already; there is nothing to resolve")
    if intent.state is IntentState.DECIDED or intent.claimed_ns is None:
        raise ResolutionRefused(
            f"intent {intent.id} is {intent.state}: it was never sent, and expires by itself; see whether the "
            "executor runs"
        )
    if intent.state is IntentState.SENDING:
        raise ResolutionRefused(
            f"intent {intent.id} is {intent.state}: its answer may come any moment; the executor makes it Unknown "
            "when none does, so see whether the executor runs"
        )
    left_ns = intent.claimed_ns + unknown_deadline_ns - now_ns
    if left_ns > 0:
        raise ResolutionRefused(
            f"intent {intent.id} was claimed {(now_ns - intent.claimed_ns) / 1e9:.1f} s ago, and "
            f"execution.unknownDeadline is {unknown_deadline_ns / 1e9:g} s: wait {left_ns / 1e9:.1f} s more, it may "
            "conclude by itself"
        )
    if (intent.state, state) not in EDGES:
        raise ResolutionRefused(
            f"intent {intent.id} is {intent.state}: the venue has the order, so it can end as cancelled, not as "
            "abandoned"
        )
