"""The one tape: whoever knows when a session began knows where its replay stands.

Ingestion and the exchange each compute the position from the session's start and the clock, so both show the
same book, and a restart of either resumes in place. What a tape holds may be recorded or synthetic.
"""

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Sequence
from typing import Protocol

import msgspec

from hedgerow.analytics.measures import Depth
from hedgerow.analytics.orderbook import Level
from hedgerow.domain.instruments import Instrument


class TapePosition(msgspec.Struct, frozen=True):
    """Where the replay stands: in which lap, after how many of its events, and when that one happened on the tape."""

    lap: int
    index: int
    source_time_ns: int


class TapeCursor(Protocol):
    """A book walking along a tape."""

    lap: int
    index: int

    @property
    def closed(self) -> str | None:
        """Why there is no market at this event; None while there is one."""
        ...

    def seek(self, lap: int, index: int) -> None:
        """Let the book stand as it does after this event; forwards is cheap.

        Raises:
            IndexError: a lap has no such event.
        """
        ...

    def top(self, levels: int = 50) -> tuple[list[Level], list[Level]]:
        """Bids and asks as (price, quantity), best first."""
        ...

    def depth(self, bps: float) -> Depth:
        """Value resting within ±`bps` of the mid.

        Raises:
            ValueError: a side is empty, so there is no mid.
        """
        ...


class Tape(ABC):
    """One instrument's events on a lap clock. Event 0 stands for the lap's start.

    Attributes:
        duration_ns: length of a lap on the tape's clock.
        events_per_lap: how many events follow the lap's start.
    """

    def __init__(
        self, instrument: Instrument, start_ns: int, duration_ns: int, offsets_ns: Sequence[int]
    ) -> None:
        """
        Args:
            start_ns: the lap's start on the tape's own clock.
            offsets_ns: when each event happens after the lap's start, ascending; the first is 0.
        """
        self.instrument = instrument.symbol
        self.underlying = instrument.underlying
        self.duration_ns = duration_ns
        self.events_per_lap = len(offsets_ns) - 1
        self._start_ns = start_ns
        self._offsets = offsets_ns

    @abstractmethod
    def cursor(self) -> TapeCursor:
        """A book of its own that walks along this tape, standing at the lap's start."""

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
        """When the event happened on the tape's own clock; for event 0, the lap's start.

        Raises:
            IndexError: a lap has no such event.
        """
        return self._start_ns + self._offset_ns(index)

    def check_index(self, index: int) -> None:
        """
        Raises:
            IndexError: a lap has no such event.
        """
        if not 0 <= index <= self.events_per_lap:
            raise IndexError(f"{self.instrument}: a lap has events 0 to {self.events_per_lap}, not {index}")

    def _offset_ns(self, index: int) -> int:
        self.check_index(index)
        return self._offsets[index]


def _ratio(speed: float) -> tuple[int, int]:
    """The speed as an exact fraction, so that positions and event times agree to the nanosecond."""
    if not 0 < speed < float("inf"):
        raise ValueError(f"replay speed {speed} should be a positive number")
    return speed.as_integer_ratio()
