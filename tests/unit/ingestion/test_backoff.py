"""Waits between attempts."""

from hypothesis import given
from hypothesis import strategies as st

from hedgerow_ingestion.backoff import Backoff

chances = st.floats(min_value=0, max_value=1, exclude_max=True)


@given(st.lists(chances, min_size=1, max_size=2_000))
def test_waits_double_from_one_second_to_a_minute_each_between_half_and_all(chosen: list[float]) -> None:
    """I1: the n-th wait is in [w/2, w] with w = min(60, 2^n), however many there are."""
    backoff = Backoff()
    for attempt, chance in enumerate(chosen):
        whole = min(60.0, 2.0 ** min(attempt, 10))
        assert whole / 2 <= backoff.next_s(chance) <= whole


def test_only_what_held_as_long_as_the_longest_wait_begins_anew() -> None:
    backoff = Backoff()
    waits = [backoff.next_s(0.999) for _ in range(3)]
    backoff.stood(59.0)
    waits.append(backoff.next_s(0.999))
    backoff.stood(60.0)
    waits.append(backoff.next_s(0.999))
    assert [round(wait) for wait in waits] == [1, 2, 4, 8, 1]
