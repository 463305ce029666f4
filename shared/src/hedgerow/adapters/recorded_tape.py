"""A tape of one instrument's recording: an event is one recorded depth message."""

from bisect import bisect_right
from pathlib import Path

from hedgerow.adapters.recording import Recording, SideChanges, Window, common_window, load_recording
from hedgerow.adapters.tape import Tape
from hedgerow.analytics.measures import Depth, depth
from hedgerow.analytics.orderbook import Ladder, Level, OrderBook


class RecordedTape(Tape):
    """The messages of a window, after those that only bring the snapshot up to date."""

    def __init__(self, recording: Recording, window: Window) -> None:
        if recording.recv_ns[0] > window.start_ns:
            raise ValueError(
                f"{recording.instrument.symbol}: its snapshot at {recording.recv_ns[0]} is later than the "
                f"session's start at {window.start_ns}"
            )
        self._recording = recording
        # Messages up to the window's start only bring the snapshot up to date.
        self._first = bisect_right(recording.recv_ns, window.start_ns) - 1
        within = [time_ns for time_ns in recording.recv_ns[self._first + 1 :] if time_ns < window.end_ns]
        offsets_ns = [0, *(time_ns - window.start_ns for time_ns in within)]
        super().__init__(recording.instrument, window.start_ns, window.end_ns - window.start_ns, offsets_ns)

    @classmethod
    def load(cls, folder: Path, symbol: str) -> "RecordedTape":
        """Read an instrument's recording; blocks for a few hundred milliseconds.

        Raises:
            KeyError: the symbol is not listed.
            FileNotFoundError: the folder holds no recording of it.
            ValueError: the recording has a gap (`BookGap`) or cannot be used; the message says why.
        """
        return cls(load_recording(folder, symbol), common_window(folder, symbol))

    def cursor(self) -> "RecordedCursor":
        return RecordedCursor(self)

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


class RecordedCursor:
    """A book walking along a recorded tape; going back begins the lap anew."""

    # What was recorded was open.
    closed: str | None = None

    def __init__(self, tape: RecordedTape) -> None:
        self._tape = tape
        self._book = tape.book_at_start()
        self.lap = 0
        self.index = 0

    def seek(self, lap: int, index: int) -> None:
        """See `TapeCursor`; forwards costs only the events in between."""
        self._tape.check_index(index)
        if lap != self.lap or index < self.index:
            self._book = self._tape.book_at_start()
            self.index = 0
        self._tape.advance(self._book, self.index, index)
        self.lap, self.index = lap, index

    def top(self, levels: int = 50) -> tuple[list[Level], list[Level]]:
        return self._book.top(levels)

    def depth(self, bps: float) -> Depth:
        return depth(self._book, bps)


def _ladder(changes: SideChanges, end: int) -> Ladder:
    return Ladder(changes.prices[:end], changes.quantities[:end])
