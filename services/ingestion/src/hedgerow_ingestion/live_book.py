"""One instrument's live book: what a socket and REST beside it tell becomes one rising row of states. Pure.

`time_ns` of a state is when the venue last vouched for it: the receipt of the socket's message, or the question that
REST answered with the same book. A heartbeat repeats a state and never makes it younger, so a silent feed ages.

The socket's book goes out while the socket can be trusted. It loses trust when a message is missing, when it ends, or
when it has not shown within some seconds what REST showed; until it has come back, REST's book goes out.
"""

from math import inf

import msgspec

from hedgerow.adapters.ccxt_books import VenueBook
from hedgerow.analytics.measures import Depth, depth_of_levels
from hedgerow.analytics.validity import invalid_reason
from hedgerow.schemas.records import BookState
from hedgerow_ingestion.states import DEPTH_BPS, LEVELS, Pace, StateBuilder

SECOND_NS = 1_000_000_000


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long is waited for what.

    Attributes:
        behind_ns: for the socket to show what REST has shown, and for a venue to catch up with its own newer book.
        silent_ns: for any sign of life of a socket while REST says nothing either.
    """

    behind_ns: int = 3 * SECOND_NS
    silent_ns: int = 30 * SECOND_NS


class LiveBook:
    """The newest book of one instrument, and the states that are made of it."""

    def __init__(self, states: StateBuilder, first_sequence: int, patience: Patience | None = None) -> None:
        """
        Args:
            first_sequence: later starts must bring higher ones: the time of the start in ns.
        """
        self._states = states
        self._sequence = first_sequence
        self._patience = patience or Patience()
        self._pace = Pace()
        self._trusted = False
        self._book: VenueBook | None = None
        self._vouched_ns = 0
        self._changed = False
        self._newest: BookState | None = None
        self._rest: tuple[VenueBook, int] | None = None
        # What REST has shown and the socket not yet.
        self._awaited: tuple[VenueBook, int] | None = None

    @property
    def vouched_ns(self) -> int | None:
        """When the venue last vouched for what goes out; None before its first book."""
        return self._vouched_ns or None

    @property
    def trusted(self) -> bool:
        """Whether the socket's book is what goes out."""
        return self._trusted

    def from_socket(self, book: VenueBook, received_ns: int) -> str | None:
        """A book that follows from the one before it, or begins a connection.

        Returns:
            Why the socket cannot be trusted with it, and must be opened anew; None when it can.
        """
        unusable = invalid_reason(book.bids, book.asks, None, inf)
        if unusable is not None or self._is_older(book, received_ns):
            return unusable
        self._trusted = True
        if self._awaited is not None and _has_reached(book, self._awaited[0]):
            self._awaited = None
        self._take(book, received_ns)
        return None

    def from_rest(self, book: VenueBook, asked_ns: int) -> None:
        """An answer to a question that was asked at `asked_ns`."""
        self._rest = (book, asked_ns)
        if not self._trusted or self._book is None:
            self._take_from_rest()
        elif _agree(book, self._book):
            self._vouched_ns = max(self._vouched_ns, asked_ns)
            self._awaited = None
        elif not _has_passed(self._book, book) and self._awaited is None:
            self._awaited = (book, asked_ns)

    def behind(self, now_ns: int) -> str | None:
        """Why the socket must be opened anew although it is connected; None when all is well."""
        if not self._trusted:
            return None
        if self._awaited is not None and now_ns - self._awaited[1] > self._patience.behind_ns:
            return f"REST showed another book {(now_ns - self._awaited[1]) / SECOND_NS:.1f} s ago"
        if now_ns - self._vouched_ns > self._patience.silent_ns:
            return f"nobody vouched for its book for {(now_ns - self._vouched_ns) / SECOND_NS:.1f} s"
        return None

    def lost(self, now_ns: int, distrust: str | None) -> BookState | None:
        """The socket's books end here.

        Args:
            distrust: why the newest book cannot be relied on either, e.g. that a message is missing; None when it
                was right as long as it came.

        Returns:
            The invalid state to send at once, when there is distrust.
        """
        self._trusted = False
        self._awaited = None
        if distrust is None:
            self._take_from_rest()
            return None
        self._changed = False
        self._sequence += 1
        self._vouched_ns = now_ns
        self._newest = self._states.invalid(self._sequence, now_ns, now_ns, distrust)
        self._pace.sent(now_ns)
        return self._newest

    def due(self, now_ns: int) -> BookState | None:
        """The state to be sent now, if any."""
        self._pace.clock_is(now_ns)
        if self._changed and now_ns >= self._pace.change_due_ns():
            self._newest = self._judged()
        elif self._newest is None or now_ns < self._pace.repeat_due_ns():
            return None
        else:
            self._newest = _vouched(self._newest, self._vouched_ns)
        self._changed = False
        self._pace.sent(now_ns)
        return self._newest

    def next_due_ns(self) -> int | None:
        """When `due` has something to say; None when only an event can change that."""
        if self._changed:
            return self._pace.change_due_ns()
        return None if self._newest is None else self._pace.repeat_due_ns()

    def _take_from_rest(self) -> None:
        if self._rest is None:
            return
        book, asked_ns = self._rest
        overtaken = 0 <= self._vouched_ns - asked_ns <= self._patience.silent_ns
        # A question much older than what is known was not overtaken: the clock has stepped back.
        if not overtaken and not self._is_older(book, asked_ns):
            self._take(book, asked_ns)

    def _take(self, book: VenueBook, vouched_ns: int) -> None:
        self._book = book
        self._vouched_ns = vouched_ns
        self._changed = True

    def _is_older(self, book: VenueBook, now_ns: int) -> bool:
        """Whether the venue has shown a newer book. When it does not get past it, it has begun to count anew."""
        known = self._book
        if known is None or known.nonce is None or book.nonce is None or book.nonce >= known.nonce:
            return False
        return now_ns - self._vouched_ns <= self._patience.behind_ns

    def _judged(self) -> BookState:
        book = self._book
        assert book is not None  # something changed
        source_ns = self._vouched_ns if book.time_ns is None else book.time_ns
        state = self._states.judged(
            self._sequence + 1, self._vouched_ns, source_ns, book.bids, book.asks, lambda: _depth(book)
        )
        if self._newest is not None and _say_the_same(state, self._newest):
            return _vouched(self._newest, self._vouched_ns)
        self._sequence += 1
        return state


def _depth(book: VenueBook) -> Depth:
    return depth_of_levels(book.bids, book.asks, book.known_low, book.known_high, DEPTH_BPS)


def _agree(one: VenueBook, other: VenueBook) -> bool:
    """Whether the best levels that both know are equal."""
    for ours, theirs in ((one.bids, other.bids), (one.asks, other.asks)):
        common = min(len(ours), len(theirs), LEVELS)
        if not common or ours[:common] != theirs[:common]:
            return False
    return True


def _has_passed(book: VenueBook, other: VenueBook) -> bool:
    return book.nonce is not None and other.nonce is not None and book.nonce >= other.nonce


def _has_reached(book: VenueBook, awaited: VenueBook) -> bool:
    """Without update ids, a message that came after the answer is all that can be asked for."""
    return book.nonce is None or awaited.nonce is None or book.nonce >= awaited.nonce


def _vouched(state: BookState, vouched_ns: int) -> BookState:
    """The same state, as young as the venue has vouched for it."""
    return msgspec.structs.replace(state, time_ns=max(state.time_ns, vouched_ns))


def _say_the_same(one: BookState, other: BookState) -> bool:
    return (one.valid, one.reason, one.bids, one.asks) == (other.valid, other.reason, other.bids, other.asks)
