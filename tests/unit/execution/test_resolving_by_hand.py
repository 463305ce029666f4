"""A person concludes only what the venue left open too long, and never says what only executions can."""

import hedge_examples as example
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.execution.order_life import EDGES, IntentState
from hedgerow.execution.resolution import BY_HAND, ResolutionRefused, require_resolvable

DEADLINE_NS = 60 * example.SECOND_NS
LATE_NS = example.NOW_NS + DEADLINE_NS
MAY = {
    (IntentState.UNKNOWN, IntentState.ABANDONED),
    (IntentState.UNKNOWN, IntentState.CANCELLED),
    (IntentState.ACCEPTED, IntentState.CANCELLED),
    (IntentState.PARTIALLY_FILLED, IntentState.CANCELLED),
}


def refusal(before: IntentState, after: IntentState, now_ns: int = LATE_NS) -> str | None:
    intent = example.intent(state=before, claimed_ns=example.NOW_NS)
    try:
        require_resolvable(intent, after, DEADLINE_NS, now_ns)
    except ResolutionRefused as error:
        return str(error)
    return None


@given(st.sampled_from(IntentState), st.sampled_from(IntentState))
def test_exactly_these_steps_may_be_taken_and_each_is_of_an_intents_life(
    before: IntentState, after: IntentState
) -> None:
    assert (refusal(before, after) is None) == ((before, after) in MAY)
    assert MAY <= EDGES
    assert {after for _, after in MAY} == BY_HAND


def test_not_before_the_deadline() -> None:
    assert refusal(IntentState.UNKNOWN, IntentState.ABANDONED, LATE_NS) is None
    early = refusal(IntentState.UNKNOWN, IntentState.ABANDONED, LATE_NS - example.SECOND_NS)
    assert early is not None
    assert "was claimed 59.0 s ago, and execution.unknownDeadline is 60 s: wait 1.0 s more" in early


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (IntentState.UNKNOWN, IntentState.FILLED, "only by what the venue tells"),
        (IntentState.FILLED, IntentState.CANCELLED, "is Filled already"),
        (IntentState.DECIDED, IntentState.CANCELLED, "was never sent"),
        (IntentState.SENDING, IntentState.CANCELLED, "see whether the executor runs"),
        (IntentState.ACCEPTED, IntentState.ABANDONED, "the venue has the order"),
    ],
)
def test_a_refusal_says_why(before: IntentState, after: IntentState, said: str) -> None:
    assert said in (refusal(before, after) or "")


def test_what_was_never_claimed_is_refused() -> None:
    with pytest.raises(ResolutionRefused, match="never sent"):
        require_resolvable(
            example.intent(state=IntentState.UNKNOWN), IntentState.ABANDONED, DEADLINE_NS, LATE_NS
        )
