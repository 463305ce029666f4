from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.analytics.validity import invalid_reason, seen_mid

GOOD_BIDS = [(99.0, 1.0), (98.0, 2.0)]
GOOD_ASKS = [(101.0, 1.0), (102.0, 2.0)]


def test_a_sound_book_has_no_reason() -> None:
    assert invalid_reason(GOOD_BIDS, GOOD_ASKS, None, 200) is None
    assert invalid_reason(GOOD_BIDS, GOOD_ASKS, 99.0, 200) is None


@pytest.mark.parametrize(
    ("bids", "asks", "word"),
    [
        ([], GOOD_ASKS, "empty"),
        (GOOD_BIDS, [], "empty"),
        ([(102.0, 1.0)], GOOD_ASKS, "crossed"),
        ([(101.0, 1.0)], GOOD_ASKS, "locked"),
        ([(nan, 1.0)], GOOD_ASKS, "not finite"),
        (GOOD_BIDS, [(101.0, inf)], "not finite"),
        (GOOD_BIDS, [*GOOD_ASKS, (nan, 1.0)], "not finite"),
        ([(0.0, 1.0)], GOOD_ASKS, "zero"),
        ([(-5.0, 1.0)], GOOD_ASKS, "zero"),
        (GOOD_BIDS, [(101.0, 0.0)], "zero"),
        (GOOD_BIDS, [(101.0, -1.0)], "zero"),
        ([(1e308, 1.0)], [(1.7e308, 1.0)], "not finite"),
    ],
)
def test_an_unusable_book_says_why_and_leaves_the_seen_mid(bids: list, asks: list, word: str) -> None:
    reason = invalid_reason(bids, asks, None, 200)
    assert reason is not None
    assert reason.startswith(word)
    assert seen_mid(bids, asks, 77.0) == 77.0


def test_a_move_above_the_limit_is_a_jump_in_both_directions() -> None:
    for last in (97.0, 103.0):
        reason = invalid_reason(GOOD_BIDS, GOOD_ASKS, last, 200)
        assert reason is not None
        assert reason.startswith("jump")


@given(st.floats(min_value=0.01, max_value=1e6), st.floats(min_value=0.01, max_value=1e6))
def test_a_real_move_costs_one_book_and_no_more(before: float, after: float) -> None:
    bids, asks = [(after * 0.999, 1.0)], [(after * 1.001, 1.0)]
    seen = seen_mid(bids, asks, before)
    assert seen == pytest.approx(after)
    assert invalid_reason(bids, asks, seen, 1.0) is None
