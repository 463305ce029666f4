"""What an answer, or its absence, makes of an intent that may have moved on meanwhile."""

import pytest
from hedge_examples import fill, intent, order

from hedgerow.execution.order_life import IllegalTransition, IntentState
from hedgerow.execution.recording import answered, stated, step, told

KNOWN = sorted(set(IntentState) - {IntentState.DECIDED, IntentState.SENDING})


def test_an_answer_that_did_not_come_makes_a_sent_intent_unknown() -> None:
    said = stated(intent(state=IntentState.SENDING), IntentState.UNKNOWN, "no reply in time")
    assert said is not None
    assert (said.state, said.reason) == (IntentState.UNKNOWN, "no reply in time")


@pytest.mark.parametrize("state", KNOWN)
def test_an_answer_that_did_not_come_is_no_news_once_more_is_known(state: IntentState) -> None:
    """Two executors, one of which has lost its lock and does not know it: the other may have found the order."""
    assert stated(intent(state=state), IntentState.UNKNOWN, "no reply in time") is None


def test_an_intent_that_was_never_sent_cannot_be_rejected() -> None:
    said = stated(intent(state=IntentState.DECIDED), IntentState.REJECTED, "no")
    assert said is not None
    with pytest.raises(IllegalTransition):
        step(intent(state=IntentState.DECIDED), said)


@pytest.mark.parametrize("state", sorted(set(IntentState) - {IntentState.SENDING, IntentState.UNKNOWN}))
def test_a_late_acceptance_is_no_news(state: IntentState) -> None:
    assert answered(intent(state=state)) is None


def test_an_abandoned_order_that_shows_up_counts_its_fills_but_leaves_a_taken_leg_alone() -> None:
    abandoned = intent(state=IntentState.ABANDONED)
    shown = order(IntentState.PARTIALLY_FILLED, "0.2")
    alone = told(abandoned, [], shown, [fill("e1", "0.2")], leg_taken=False)
    beside = told(abandoned, [], shown, [fill("e1", "0.2")], leg_taken=True)
    assert alone.conclusion is not None
    assert beside.conclusion is not None
    assert alone.conclusion.state is IntentState.PARTIALLY_FILLED
    assert beside.conclusion.state is IntentState.ABANDONED
    assert alone.new == beside.new == (fill("e1", "0.2"),)
