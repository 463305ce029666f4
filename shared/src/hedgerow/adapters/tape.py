"""The one tape: whoever knows when a session began knows where its replay stands.

Ingestion and the exchange each compute the position from the session's start and the clock, so both show the
same book, and a restart of either resumes in place. All instruments of a session share one lap clock.
"""

from bisect import bisect_right
from pathlib import Path

import msgspec

from hedgerow.adapters.recording import Recording, SideChanges, Window, common_window, load_recording
from hedgerow.analytics.measures import Depth, depth
from hedgerow.analytics.orderbook import Ladder, Level, OrderBook


class TapePosition(msgspec.Struct, frozen=True):
    """Where the replay stands: in which lap, after how many of its events, and when that one was recorded."""

    lap: int
    index: int
    source_time_ns: int


class Tape:
    """One instrument's recording. An event is one recorded depth message; event 0 stands for the lap's start.

    Attributes:
        duration_ns: length of a lap on the recording's clock.
        events_per_lap: how many events follow the lap's start.
    """

    def __init__(self, recording: Recording, window: Window) -> None:
        if recording.recv_ns[0] > window.start_ns:
            raise ValueError(
                f"{recording.instrument.symbol}: its snapshot at {recording.recv_ns[0]} is later than the "
                f"session's start at {window.start_ns}"
            )
        self.instrument = recording.instrument.symbol
        self.underlying = recording.instrument.underlying
        self.duration_ns = window.end_ns - window.start_ns
        self._recording = recording
        self._start_ns = window.start_ns
        # Messages up to the window's start only bring the snapshot up to date.
        self._first = bisect_right(recording.recv_ns, window.start_ns) - 1
        within = [time_ns for time_ns in recording.recv_ns[self._first + 1 :] if time_ns < window.end_ns]
        self._offsets = [0, *(time_ns - window.start_ns for time_ns in within)]
        self.events_per_lap = len(within)

    @classmethod
    def load(cls, folder: Path, symbol: str) -> "Tape":
        """Read an instrument's recording; blocks for a few hundred milliseconds.

        Raises:
            KeyError: the symbol is not listed.
            FileNotFoundError: the folder holds no recording of it.
            ValueError: the recording has a gap (`BookGap`) or cannot be used; the message says why.
        """
        return cls(load_recording(folder, symbol), common_window(folder, symbol))

    def position(self, session_start_ns: int, now_ns: int, speed: float) -> TapePosition:
        """Where the tape stands at `now_ns`; before the session starts it stands at its beginning.

        Args:
            speed: seconds of tape per second of clock.

        Raises:
            ValueError: the speed is not positive.
        """
        numerator, denominator = _ratio(speed)
        played_ns = max(0, now_ns - session_start_ns) * numerator // denominator
        lap, offset_ns = divmod(played_ns, self.duration_ns)
        index = bisect_right(self._offsets, offset_ns) - 1
        return TapePosition(lap, index, self.source_time_ns(index))

    def event_time_ns(self, session_start_ns: int, speed: float, lap: int, index: int) -> int:
        """The first nanosecond of today's clock at which `position` counts this event as happened.

        Raises:
            ValueError: the speed is not positive.
            IndexError: a lap has no such event.
        """
        numerator, denominator = _ratio(speed)
        tape_ns = lap * self.duration_ns + self._offset_ns(index)
        return session_start_ns - (-tape_ns * denominator // numerator)

    def sequence(self, session_start_ns: int, lap: int, index: int) -> int:
        """The event's number in its session: rises along the tape, over laps and over later sessions."""
        return session_start_ns + lap * (self.events_per_lap + 1) + index

    def source_time_ns(self, index: int) -> int:
        """When the event was recorded; for event 0, the start of the recording's window.

        Raises:
            IndexError: a lap has no such event.
        """
        return self._start_ns + self._offset_ns(index)

    def cursor(self) -> "TapeCursor":
        """A book of its own that walks along this tape, standing at the lap's start."""
        return TapeCursor(self)

    def _offset_ns(self, index: int) -> int:
        self.check_index(index)
        return self._offsets[index]

    def check_index(self, index: int) -> None:
        if not 0 <= index <= self.events_per_lap:
            raise IndexError(f"{self.instrument}: a lap has events 0 to {self.events_per_lap}, not {index}")

    def book_at_start(self) -> OrderBook:
        """A new book as it stands at the lap's start."""
        recording = self._recording
        return OrderBook(
            _ladder(recording.bids, recording.bids.ends[self._first]),
            _ladder(recording.asks, recording.asks.ends[self._first]),
            recording.known_low,
            recording.known_high,
        )

    def advance(self, book: OrderBook, done: int, until: int) -> None:
        """Apply the events after `done` up to and with `until` to a book that stands at `done`."""
        for ladder, changes in ((book.bids, self._recording.bids), (book.asks, self._recording.asks)):
            rows = slice(changes.ends[self._first + done], changes.ends[self._first + until])
            ladder.apply(changes.prices[rows], changes.quantities[rows])


class TapeCursor:
    """A book walking along a tape."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._book = tape.book_at_start()
        self.lap = 0
        self.index = 0

    def seek(self, lap: int, index: int) -> None:
        """Let the book stand as it does after this event; forwards costs only the events in between.

        Raises:
            IndexError: a lap has no such event.
        """
        self._tape.check_index(index)
        if lap != self.lap or index < self.index:
            self._book = self._tape.book_at_start()
            self.index = 0
        self._tape.advance(self._book, self.index, index)
        self.lap, self.index = lap, index

    def top(self, levels: int = 50) -> tuple[list[Level], list[Level]]:
        """Bids and asks as (price, quantity), best first."""
        return self._book.top(levels)

    def depth(self, bps: float) -> Depth:
        """Value resting within ±`bps` of the mid.

        Raises:
            ValueError: a side is empty, so there is no mid.
        """
        return depth(self._book, bps)


def _ladder(changes: SideChanges, end: int) -> Ladder:
    return Ladder(changes.prices[:end], changes.quantities[:end])


def _ratio(speed: float) -> tuple[int, int]:
    """The speed as an exact fraction, so that positions and event times agree to the nanosecond."""
    if not 0 < speed < float("inf"):
        raise ValueError(f"replay speed {speed} should be a positive number")
    return speed.as_integer_ratio()
