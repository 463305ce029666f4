"""What goes out of a live book, whatever a socket and REST tell in whatever order."""

from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.adapters.ccxt_books import VenueBook
from hedgerow.analytics.orderbook import Level
from hedgerow.schemas.records import BookState
from hedgerow_ingestion.live_book import LiveBook, Patience
from hedgerow_ingestion.states import StateBuilder

MS = 1_000_000
START = 1_790_000_000_000_000_000


def at(ms: float) -> int:
    return START + int(ms * MS)


def book(version: int, nonce: bool = True, bid: float = 100.0) -> VenueBook:
    """The venue's book number `version`, told by its bid's size."""
    return venue_book([(bid, 1.0 + version), (99.0, 1.0)], [(101.0, 1.0)], version if nonce else None)


def venue_book(bids: list[Level], asks: list[Level], nonce: int | None) -> VenueBook:
    return VenueBook(bids=bids, asks=asks, nonce=nonce, time_ns=None, known_low=99.0, known_high=101.0)


def version_of(state: BookState) -> int:
    return int(state.bids[0][1]) - 1


def live_book() -> LiveBook:
    return LiveBook(StateBuilder("BTC/USDT", "BTC", 200.0), START)


def due(live: LiveBook, ms: float) -> BookState:
    state = live.due(at(ms))
    assert state is not None
    return state


def test_before_the_first_book_there_is_nothing_to_say() -> None:
    live = live_book()
    assert (live.due(at(0)), live.next_due_ns(), live.vouched_ns) == (None, None, None)


def test_a_message_goes_out_with_the_time_of_its_receipt_and_a_higher_sequence() -> None:
    live = live_book()
    live.from_socket(book(1), at(10))
    first = due(live, 11)
    live.from_socket(book(2), at(40))
    second = due(live, 41)
    assert (first.time_ns, second.time_ns) == (at(10), at(40))
    assert START < first.sequence < second.sequence
    assert second.source_time_ns == at(40)


def test_changes_within_20_ms_are_conflated_to_the_newest() -> None:
    live = live_book()
    live.from_socket(book(1), at(0))
    due(live, 0)
    live.from_socket(book(2), at(5))
    live.from_socket(book(3), at(10))
    assert live.due(at(10)) is None
    assert live.next_due_ns() == at(20)
    assert version_of(due(live, 20)) == 3


def test_a_heartbeat_repeats_the_state_and_does_not_make_it_younger() -> None:
    live = live_book()
    live.from_socket(book(1), at(0))
    state = due(live, 0)
    assert live.next_due_ns() == at(500)
    assert due(live, 500) == due(live, 1_000) == state


def test_a_heartbeat_is_as_young_as_the_question_that_rest_answered_with_the_same_book() -> None:
    live = live_book()
    live.from_socket(book(1), at(0))
    state = due(live, 0)
    live.from_rest(book(1), at(300))
    again = due(live, 500)
    assert (again.sequence, again.time_ns) == (state.sequence, at(300))


def test_another_book_from_rest_vouches_for_nothing() -> None:
    live = live_book()
    live.from_socket(book(1), at(0))
    due(live, 0)
    live.from_rest(book(2), at(300))
    assert due(live, 500).time_ns == at(0)


def test_a_socket_that_does_not_reach_what_rest_showed_is_behind_and_rest_takes_over() -> None:
    live = live_book()
    live.from_socket(book(1), at(0))
    due(live, 0)
    live.from_rest(book(3), at(100))
    live.from_socket(book(2), at(200))
    live.from_rest(book(4), at(1_100))
    assert live.behind(at(3_100)) is None
    assert live.behind(at(3_101)) == "REST showed another book 3.0 s ago"
    assert live.lost(at(3_101), None) is None
    state = due(live, 3_101)
    assert (version_of(state), state.time_ns) == (4, at(1_100))


def test_a_socket_that_reaches_what_rest_showed_is_not_behind() -> None:
    live = live_book()
    live.from_socket(book(1), at(0))
    live.from_rest(book(3), at(100))
    live.from_socket(book(3), at(200))
    assert live.behind(at(10_000)) is None


def test_without_update_ids_any_later_message_is_a_sign_of_life() -> None:
    live = live_book()
    live.from_socket(book(1, nonce=False), at(0))
    live.from_rest(book(3, nonce=False), at(100))
    assert live.behind(at(3_200)) is not None
    live.from_socket(book(2, nonce=False), at(3_200))
    assert live.behind(at(3_300)) is None


def test_a_socket_for_which_nobody_vouches_is_behind_in_the_end() -> None:
    live = live_book()
    live.from_socket(book(1), at(0))
    assert live.behind(at(30_000)) is None
    assert live.behind(at(30_001)) == "nobody vouched for its book for 30.0 s"


def test_a_gap_is_an_invalid_state_at_once_and_lasts_until_a_later_book() -> None:
    live = live_book()
    live.from_socket(book(1), at(0))
    first = due(live, 0)
    live.from_rest(book(1), at(4))
    gap = live.lost(at(5), "gap: a message is missing")
    assert gap is not None
    assert (gap.valid, gap.reason, gap.bids) == (False, "gap: a message is missing", ())
    assert gap.sequence > first.sequence
    # An answer to a question from before the gap says nothing about now.
    live.from_rest(book(1), at(4))
    assert due(live, 505) == gap
    live.from_rest(book(2), at(510))
    assert version_of(due(live, 530)) == 2


@pytest.mark.parametrize(
    ("bids", "word"),
    [
        ([(102.0, 1.0)], "crossed"),
        ([(float("nan"), 1.0)], "not finite"),
        ([], "empty"),
        ([(99.0, -1.0)], "zero"),
    ],
)
def test_a_socket_with_an_unusable_book_is_not_trusted(bids: list[Level], word: str) -> None:
    live = live_book()
    live.from_socket(book(1), at(0))
    due(live, 0)
    reason = live.from_socket(venue_book(bids, [(101.0, 1.0)], 2), at(100))
    assert reason is not None
    assert reason.startswith(word)
    assert live.lost(at(100), reason) is not None
    assert not live.trusted


def test_an_unusable_answer_replaces_the_last_good_book() -> None:
    live = live_book()
    live.from_rest(book(1), at(0))
    due(live, 0)
    live.from_rest(venue_book([(102.0, 1.0)], [(101.0, 1.0)], 2), at(100))
    assert due(live, 100).reason.startswith("crossed")


def test_an_older_answer_does_not_take_the_book_back_unless_the_venue_counts_anew() -> None:
    live = live_book()
    live.from_rest(book(9), at(0))
    due(live, 0)
    live.from_rest(book(8), at(1_000))
    assert version_of(due(live, 1_000)) == 9
    live.from_rest(book(2), at(3_500))
    assert version_of(due(live, 3_500)) == 2


def test_a_clock_that_stepped_back_does_not_silence_the_feed() -> None:
    live = live_book()
    live.from_rest(book(1), at(3_600_000))
    due(live, 3_600_000)
    live.from_rest(book(2), at(0))
    assert live.due(at(0)) is None
    state = due(live, 20)
    assert (version_of(state), state.time_ns) == (2, at(0))


class Step(NamedTuple):
    """What happens next: how long after the last, what, and how many versions behind the venue it is."""

    wait_ms: int
    kind: str
    lag: int


steps = st.lists(
    st.builds(
        Step,
        st.integers(min_value=1, max_value=900),
        st.sampled_from(["change", "change", "socket", "socket", "rest", "rest", "gap", "closed"]),
        st.integers(min_value=0, max_value=3),
    ),
    max_size=60,
)


@settings(max_examples=300)
@given(steps)
def test_whatever_is_told_states_rise_and_are_never_younger_than_their_source(story: list[Step]) -> None:
    """I1: (sequence, time) never fall, and equal sequences have equal content.
    I2: a valid state is a book that the venue told, and its time is one at which the venue was heard to have it.
    I3: after a gap nothing is valid until the venue has told a book since.
    I4: once the socket tells the venue's newest book, that book goes out.
    """
    live = LiveBook(StateBuilder("BTC/USDT", "BTC", 1e9), START, Patience())
    now_ms, newest, connected = 0, 1, -1
    heard: dict[int, set[int]] = {}
    sent: list[BookState] = []
    silent_since_gap = False

    def send(state: BookState | None) -> None:
        if state is not None:
            assert not (silent_since_gap and state.valid)
            sent.append(state)

    for step in [*story, Step(25, "socket", 0)]:
        now_ms += step.wait_ms
        version = max(newest - step.lag, 1)
        if step.kind == "change":
            newest += 1
        elif step.kind == "socket":
            # A socket's books follow each other: it is never behind what it has told.
            connected = max(connected, version)
            heard.setdefault(connected, set()).add(at(now_ms))
            silent_since_gap = False
            live.from_socket(book(connected), at(now_ms))
        elif step.kind == "rest":
            heard.setdefault(version, set()).add(at(now_ms))
            silent_since_gap = False
            live.from_rest(book(version), at(now_ms))
        else:
            connected = -1
            silent_since_gap = step.kind == "gap"
            send(live.lost(at(now_ms), "gap" if step.kind == "gap" else None))
        send(live.due(at(now_ms)))
        if live.behind(at(now_ms)) is not None:
            send(live.lost(at(now_ms), None))
    send(live.due(at(now_ms + 20)))
    for before, after in pairwise(sent):
        assert (before.sequence, before.time_ns) <= (after.sequence, after.time_ns)
        if before.sequence == after.sequence:
            assert (before.bids, before.valid) == (after.bids, after.valid)
    for state in sent:
        assert not state.valid or state.time_ns in heard[version_of(state)]
    assert version_of(sent[-1]) == newest
