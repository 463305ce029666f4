"""Ladders against a plain dictionary, and Binance's chaining rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.analytics.orderbook import BookGap, DiffChain, Ladder, OrderBook

PRICES = st.integers(min_value=1, max_value=40).map(float)
CHANGES = st.lists(st.tuples(PRICES, st.sampled_from([0.0, 0.5, 1.0, 2.0])), max_size=60)


@given(CHANGES, st.lists(CHANGES, max_size=4))
def test_a_ladder_holds_what_was_set_last_and_is_sorted(first: list, later: list) -> None:
    ladder = Ladder(*columns(first))
    expected: dict[float, float] = {}
    for changes in [first, *later]:
        if changes is not first:
            ladder.apply(*columns(changes))
        expected.update(changes)
    levels = sorted((price, quantity) for price, quantity in expected.items() if quantity)
    assert ladder.lowest(100) == levels
    assert ladder.highest(100) == levels[::-1]
    assert ladder.highest(3) == levels[::-1][:3]


def test_many_changes_at_once_end_as_the_same_changes_one_by_one() -> None:
    changes = [(float(number * 7 % 300), float(number % 3)) for number in range(5_000)]
    bulk, single = Ladder(), Ladder()
    bulk.apply(*columns(changes))
    for change in changes:
        single.apply(*columns([change]))
    assert bulk.lowest(1_000) == single.lowest(1_000)
    assert len(bulk) == len(single) > 0


def test_a_snapshot_needs_both_sides() -> None:
    with pytest.raises(ValueError, match="0 asks"):
        OrderBook.from_snapshot([(1.0, 1.0)], [])


def test_messages_that_the_snapshot_already_holds_are_stale() -> None:
    chain = DiffChain(100)
    assert not chain.accept(80, 90)
    assert not chain.accept(90, 100)
    assert chain.accept(100, 110)


def test_the_first_used_message_may_overlap_the_snapshot_and_the_next_must_follow_it() -> None:
    chain = DiffChain(100)
    assert chain.accept(95, 105)
    assert chain.accept(105, 120)
    with pytest.raises(BookGap, match="links to 125"):
        chain.accept(125, 130)


def test_a_first_message_that_begins_after_the_snapshot_is_a_gap() -> None:
    with pytest.raises(BookGap):
        DiffChain(100).accept(101, 110)


def test_a_repeated_message_is_a_gap_and_not_applied_twice() -> None:
    chain = DiffChain(100)
    chain.accept(100, 110)
    with pytest.raises(BookGap):
        chain.accept(100, 110)


def columns(changes: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [price for price, _ in changes], [quantity for _, quantity in changes]
