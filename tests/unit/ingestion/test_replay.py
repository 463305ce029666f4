"""What ingestion sends of a small tape that is made here, and of the recorded one."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.adapters.recorded_tape import RecordedTape
from hedgerow.adapters.recording import Recording, SideChanges, Window
from hedgerow.domain.instruments import find_instrument
from hedgerow.schemas.codec import Decoder, encode
from hedgerow.schemas.records import BookState, MarketReset
from hedgerow_ingestion.replay import Replay

MS = 1_000_000
START = 1_790_000_000_000_000_000
RECORDED = 1_723_161_255_000_000_000
BID, ASK = (100.0, 1.0), (101.0, 1.0)
RECORDINGS = Path(__file__).parents[3] / "recordings"

Change = tuple[int, list[tuple[float, float]], list[tuple[float, float]]]


def make_tape(events: list[Change], lap_ms: int = 1_000) -> RecordedTape:
    """A lap that begins with BID and ASK, then (milliseconds, bid changes, ask changes) each."""
    messages: list[Change] = [(0, [BID, (99.0, 1.0)], [ASK, (102.0, 1.0)]), *events]
    return RecordedTape(
        Recording(
            find_instrument("BTC/USDT"),
            [RECORDED + ms * MS for ms, _, _ in messages],
            side([bids for _, bids, _ in messages]),
            side([asks for _, _, asks in messages]),
            known_low=99.0,
            known_high=102.0,
        ),
        Window(RECORDED, RECORDED + lap_ms * MS),
    )


def side(messages: list[list[tuple[float, float]]]) -> SideChanges:
    rows = [row for message in messages for row in message]
    ends = [sum(len(message) for message in messages[: number + 1]) for number in range(len(messages))]
    return SideChanges([price for price, _ in rows], [quantity for _, quantity in rows], ends)


def replay_of(events: list[Change], speed: float = 1.0, lap_ms: int = 1_000) -> Replay:
    return Replay(make_tape(events, lap_ms), START, speed, max_jump_bps=200)


def at(ms: float) -> int:
    return START + int(ms * MS)


def bid_size(size: float) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    return [(100.0, size)], []


def test_a_session_begins_with_the_snapshot_re_stamped_to_now() -> None:
    (state,) = replay_of([]).due(at(0))
    assert isinstance(state, BookState)
    assert (state.sequence, state.time_ns, state.source_time_ns) == (START, START, RECORDED)
    assert state.bids == (BID, (99.0, 1.0))
    assert state.asks == (ASK, (102.0, 1.0))
    assert (state.valid, state.underlying, state.depth_bps) == (True, "BTC", 20.0)
    assert state.reach_bps == pytest.approx(1.5 / 100.5 * 10_000)


def test_events_keep_their_gaps_and_say_when_they_were_recorded() -> None:
    replay = replay_of([(100, *bid_size(2.0)), (250, *bid_size(3.0))])
    replay.due(at(0))
    assert replay.due(at(99)) == []
    assert replay.next_due_ns() == at(100)
    (first,) = replay.due(at(101))
    (second,) = replay.due(at(250))
    assert (first.sequence, second.sequence) == (START + 1, START + 2)
    assert (first.time_ns, second.time_ns) == (at(100), at(250))
    assert second.source_time_ns == RECORDED + 250 * MS
    assert isinstance(second, BookState)
    assert second.bids[0] == (100.0, 3.0)


def test_twice_the_speed_halves_the_gaps() -> None:
    replay = replay_of([(100, *bid_size(2.0))], speed=2.0)
    replay.due(at(0))
    assert replay.next_due_ns() == at(50)


def test_events_within_20_ms_are_conflated_to_the_newest() -> None:
    replay = replay_of([(100, *bid_size(2.0)), (105, *bid_size(3.0)), (110, *bid_size(4.0))])
    replay.due(at(0))
    (first,) = replay.due(at(100))
    assert replay.due(at(110)) == []
    assert replay.next_due_ns() == at(120)
    (second,) = replay.due(at(120))
    assert isinstance(second, BookState)
    assert (first.sequence, second.sequence) == (START + 1, START + 3)
    assert second.bids[0] == (100.0, 4.0)


def test_a_quiet_tape_repeats_its_state_with_the_same_sequence_and_a_later_time() -> None:
    replay = replay_of([], lap_ms=60_000)
    (state,) = replay.due(at(0))
    assert replay.due(at(499)) == []
    assert replay.next_due_ns() == at(500)
    (again,) = replay.due(at(500))
    assert isinstance(again, BookState)
    assert (again.sequence, again.time_ns) == (state.sequence, at(500))
    assert again.bids == state.bids


def test_a_loop_is_announced_and_the_next_lap_begins_with_its_first_event() -> None:
    replay = replay_of([(100, *bid_size(2.0))])
    replay.due(at(0))
    replay.due(at(100))
    (reset,) = replay.due(at(1_000))
    assert isinstance(reset, MarketReset)
    assert (reset.lap, reset.reason, reset.sequence, reset.time_ns) == (1, "loop", START + 2, at(1_000))
    assert reset.source_time_ns == RECORDED
    (state,) = replay.due(at(1_100))
    assert isinstance(state, BookState)
    assert (state.sequence, state.bids[0]) == (START + 3, (100.0, 2.0))


def test_after_a_reset_nothing_old_is_repeated() -> None:
    replay = replay_of([(900, *bid_size(2.0))])
    replay.due(at(0))
    replay.due(at(900))
    replay.due(at(1_000))
    assert replay.due(at(1_899)) == []
    (state,) = replay.due(at(1_900))
    assert state.sequence == START + 3


def test_a_restart_in_a_later_lap_resumes_in_place_and_repeats_that_laps_reset() -> None:
    events = [(100, *bid_size(2.0)), (400, *bid_size(3.0))]
    running, restarted = replay_of(events), replay_of(events)
    newest = running.due(at(0))
    for ms in range(10, 2_450, 10):
        newest = running.due(at(ms)) or newest
    reset, state = restarted.due(at(2_450))
    assert isinstance(reset, MarketReset)
    assert (reset.lap, reset.sequence) == (2, START + 6)
    assert isinstance(state, BookState)
    assert state.sequence == newest[-1].sequence == START + 8
    assert state.bids == newest[-1].bids


def test_a_crossed_book_replaces_the_last_good_one_and_carries_no_numbers() -> None:
    replay = replay_of([(100, [(101.5, 1.0)], []), (200, [(101.5, 0.0)], [])])
    replay.due(at(0))
    (crossed,) = replay.due(at(100))
    assert isinstance(crossed, BookState)
    assert (crossed.valid, crossed.bids, crossed.asks, crossed.bid_depth_usd) == (False, (), (), 0.0)
    assert crossed.reason.startswith("crossed")
    (healed,) = replay.due(at(200))
    assert isinstance(healed, BookState)
    assert healed.valid


@pytest.mark.parametrize(
    ("bids", "word"),
    [
        ([(100.0, 0.0), (99.0, 0.0)], "empty"),
        ([(100.5, float("nan"))], "not finite"),
        ([(100.5, -1.0)], "zero"),
    ],
)
def test_every_unusable_book_can_be_sent_and_read(bids: list[tuple[float, float]], word: str) -> None:
    replay = replay_of([(100, bids, [])])
    replay.due(at(0))
    (state,) = replay.due(at(100))
    read: BookState = Decoder[BookState](BookState).decode(encode(state))
    assert read.reason.startswith(word)
    assert not read.valid


def test_a_jump_costs_one_state() -> None:
    up = ([(120.0, 1.0)], [(101.0, 0.0), (102.0, 0.0), (121.0, 1.0)])
    replay = replay_of([(100, *up), (200, [(119.0, 1.0)], [])])
    replay.due(at(0))
    (jump,) = replay.due(at(100))
    (after,) = replay.due(at(200))
    assert isinstance(jump, BookState)
    assert jump.reason.startswith("jump")
    assert isinstance(after, BookState)
    assert after.valid


def test_a_loop_back_to_other_prices_is_no_jump() -> None:
    up = ([(120.0, 1.0)], [(101.0, 0.0), (102.0, 0.0), (121.0, 1.0)])
    replay = replay_of([(100, *bid_size(2.0)), (900, *up)])
    for ms in (0, 100, 900):
        replay.due(at(ms))
    replay.due(at(1_000))
    (state,) = replay.due(at(1_100))
    assert isinstance(state, BookState)
    assert state.valid


def test_a_clock_that_steps_back_repeats_nothing_old() -> None:
    replay = replay_of([(100, *bid_size(2.0)), (400, *bid_size(3.0))])
    replay.due(at(0))
    replay.due(at(450))
    assert replay.due(at(150)) == []


@settings(max_examples=40)
@given(st.lists(st.integers(min_value=1, max_value=700), min_size=1, max_size=60))
def test_sequences_and_times_of_the_recorded_session_never_fall(steps_ms: list[int]) -> None:
    replay = Replay(RECORDED_TAPE, START, 5.0, 200)
    now, sent = at(0), []
    for step in steps_ms:
        now += step * MS
        sent += replay.due(now)
        assert replay.next_due_ns() > now - 1
    assert sorted(sent, key=lambda record: (record.sequence, record.time_ns)) == sent
    assert all(record.time_ns <= now for record in sent)
    assert all(record.valid for record in sent if isinstance(record, BookState))


RECORDED_TAPE = RecordedTape.load(RECORDINGS, "BTC/USDT:USDT")
