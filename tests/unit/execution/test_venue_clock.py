"""The venue's clock, told from an answer that took its time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.execution.venue_clock import MAX_ROUND_TRIP_NS, ClockUncertain, clock_offset_ns

SECOND_NS = 1_000_000_000


@given(
    ahead_ns=st.integers(-3600 * SECOND_NS, 3600 * SECOND_NS),
    there_ns=st.integers(0, MAX_ROUND_TRIP_NS),
    back_ns=st.integers(0, MAX_ROUND_TRIP_NS),
)
def test_the_offset_is_wrong_by_at_most_half_of_the_longest_round_trip(
    ahead_ns: int, there_ns: int, back_ns: int
) -> None:
    """I1, however unevenly the way there and back share the time; a longer round trip tells nothing."""
    asked_ns = 1_900_000_000 * SECOND_NS
    answer = (asked_ns, asked_ns + there_ns + ahead_ns, asked_ns + there_ns + back_ns)
    if there_ns + back_ns > MAX_ROUND_TRIP_NS:
        with pytest.raises(ClockUncertain, match="took"):
            clock_offset_ns(*answer)
    else:
        assert abs(clock_offset_ns(*answer) - ahead_ns) <= MAX_ROUND_TRIP_NS // 2 + 1


def test_a_clock_that_was_set_back_meanwhile_tells_nothing() -> None:
    with pytest.raises(ClockUncertain, match=r"took -1\.000 s"):
        clock_offset_ns(10 * SECOND_NS, 10 * SECOND_NS, 9 * SECOND_NS)
