"""Every pair of states: legal exactly when the life of an intent has that step."""

import itertools

import pytest

from hedgerow.execution.order_life import (
    AT_VENUE,
    EDGES,
    OPEN,
    TERMINAL,
    IllegalTransition,
    IntentState,
    require_edge,
)

# Written out a second time, by state, so that an edge that is added or lost by mistake is seen.
ANSWERS = {"Accepted", "PartiallyFilled", "Filled", "Cancelled", "Rejected", "Expired"}
STEPS: dict[str, set[str]] = {
    "Decided": {"Sending", "Refused", "Expired"},
    "Sending": ANSWERS | {"Unknown"},
    "Unknown": ANSWERS | {"Abandoned"},
    "Accepted": {"PartiallyFilled", "Filled", "Cancelled", "Rejected", "Expired"},
    "PartiallyFilled": {"Filled", "Cancelled", "Expired"},
    "Abandoned": ANSWERS,
    "Filled": set(),
    "Cancelled": set(),
    "Rejected": set(),
    "Refused": set(),
    "Expired": set(),
}
PAIRS = list(itertools.product(IntentState, IntentState))


@pytest.mark.parametrize(("before", "after"), PAIRS, ids=[f"{one}-{other}" for one, other in PAIRS])
def test_a_step_is_legal_exactly_when_it_is_in_the_table(before: IntentState, after: IntentState) -> None:
    if after.value in STEPS[before.value]:
        require_edge(before, after)
    else:
        with pytest.raises(IllegalTransition, match=f"from {before} to {after}"):
            require_edge(before, after)


def test_every_state_can_be_reached_from_decided() -> None:
    reached = {IntentState.DECIDED}
    while more := {after for before, after in EDGES if before in reached} - reached:
        reached |= more
    assert reached == set(IntentState)


def test_every_open_state_has_a_way_to_an_end() -> None:
    ending = set(TERMINAL)
    while more := {before for before, after in EDGES if after in ending} - ending:
        ending |= more
    assert ending == set(IntentState)


def test_nothing_leaves_an_end_but_a_late_sighting_of_what_was_abandoned() -> None:
    assert {before for before, _ in EDGES if before in TERMINAL} == {IntentState.ABANDONED}


def test_nothing_comes_back_to_where_it_was_not_yet_sent() -> None:
    assert not any(after is IntentState.DECIDED for _, after in EDGES)
    assert {before for before, after in EDGES if after is IntentState.SENDING} == {IntentState.DECIDED}
    assert {before for before, after in EDGES if after is IntentState.UNKNOWN} == {IntentState.SENDING}
    assert {before for before, after in EDGES if after is IntentState.REFUSED} == {IntentState.DECIDED}


def test_states_are_open_or_terminal_and_what_was_sent_may_be_at_the_venue() -> None:
    assert set(IntentState) == OPEN | TERMINAL
    assert not OPEN & TERMINAL
    assert {IntentState.DECIDED} == OPEN - AT_VENUE
