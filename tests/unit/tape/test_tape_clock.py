"""Where the tape stands is a pure function of session start, clock and speed."""

from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.adapters.recorded_tape import RecordedTape

RECORDINGS = Path(__file__).parents[3] / "recordings"
START = 1_790_000_000_000_000_000
SPEEDS = st.sampled_from([1.0, 0.5, 2.0, 10.0, 0.1, 1.7])
ELAPSED = st.integers(min_value=0, max_value=5_000 * 10**9)


@cache
def tape() -> RecordedTape:
    return RecordedTape.load(RECORDINGS, "BTC/USDT:USDT")


def numbered(elapsed_ns: int, speed: float) -> int:
    position = tape().position(START, START + elapsed_ns, speed)
    return tape().sequence(START, position.lap, position.index)


@given(ELAPSED, ELAPSED, SPEEDS)
def test_later_never_stands_earlier(one: int, other: int, speed: float) -> None:
    first, last = sorted((one, other))
    assert numbered(first, speed) <= numbered(last, speed)


@given(ELAPSED, SPEEDS, st.data())
def test_an_event_counts_from_its_due_nanosecond_on(elapsed: int, speed: float, data: st.DataObject) -> None:
    lap = data.draw(st.integers(min_value=0, max_value=50))
    index = data.draw(st.integers(min_value=1, max_value=tape().events_per_lap))
    due = tape().event_time_ns(START, speed, lap, index)
    at = tape().position(START, due, speed)
    assert (at.lap, at.index) == (lap, index)
    assert at.source_time_ns == tape().source_time_ns(index)
    before = tape().position(START, due - 1, speed)
    assert (before.lap, before.index) < (lap, index)


@given(ELAPSED, SPEEDS)
def test_a_restart_finds_the_same_place(elapsed: int, speed: float) -> None:
    restarted = RecordedTape.load(RECORDINGS, "BTC/USDT:USDT") if elapsed % 97 == 0 else tape()
    now = START + elapsed
    assert restarted.position(START, now, speed) == tape().position(START, now, speed)


def test_a_lap_begins_with_its_snapshot_and_the_next_follows_at_its_end() -> None:
    lap_ns = tape().duration_ns
    first = tape().position(START, START, 1.0)
    assert (first.lap, first.index) == (0, 0)
    end = tape().position(START, START + lap_ns - 1, 1.0)
    assert (end.lap, end.index) == (0, tape().events_per_lap)
    begun = tape().position(START, START + lap_ns, 1.0)
    assert (begun.lap, begun.index) == (1, 0)
    assert tape().event_time_ns(START, 1.0, 1, 0) == START + lap_ns


def test_the_sequence_rises_by_one_over_the_end_of_a_lap() -> None:
    last = tape().sequence(START, 0, tape().events_per_lap)
    assert tape().sequence(START, 1, 0) == last + 1


def test_gaps_are_the_recorded_ones_divided_by_the_speed() -> None:
    for index in (2, 100, 3_000):
        recorded = tape().source_time_ns(index) - tape().source_time_ns(index - 1)
        times = [tape().event_time_ns(START, 4.0, 3, number) for number in (index - 1, index)]
        assert abs(Decimal(times[1] - times[0]) - Decimal(recorded) / 4) <= 1


def test_before_the_session_the_tape_stands_at_its_beginning() -> None:
    position = tape().position(START, START - 5, 1.0)
    assert (position.lap, position.index) == (0, 0)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_a_speed_that_is_not_positive_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="replay speed"):
        tape().position(START, START, speed)


def test_an_event_that_a_lap_does_not_have_is_refused() -> None:
    with pytest.raises(IndexError, match="events 0 to"):
        tape().cursor().seek(0, tape().events_per_lap + 1)
