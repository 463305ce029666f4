"""Which states of one instrument's replay are due now. Pure: the clock comes in, records go out."""

import msgspec

from hedgerow.adapters.tape import Tape
from hedgerow.schemas.records import BookState, MarketReset
from hedgerow_ingestion.states import DEPTH_BPS, LEVELS, Pace, StateBuilder


class Replay:
    """Follows one tape: the newest book at most every 20 ms, and again every 500 ms while nothing happens.

    A lap of the tape after the first begins with a reset, which takes the sequence of the lap's start; so does
    the first call, in case nobody heard that reset. What repeats a state is told by its later `time_ns`.
    """

    def __init__(self, tape: Tape, session_start_ns: int, speed: float, max_jump_bps: float) -> None:
        self._tape = tape
        self._session_start_ns = session_start_ns
        self._speed = speed
        self._states = StateBuilder(tape.instrument, tape.underlying, max_jump_bps)
        self._pace = Pace()
        self._cursor = tape.cursor()
        self._at: tuple[int, int] = (0, -1)
        self._newest: BookState | None = None

    def due(self, now_ns: int) -> list[BookState | MarketReset]:
        """What is to be sent now, in order. A clock that stepped back brings nothing until it has caught up."""
        position = self._tape.position(self._session_start_ns, now_ns, self._speed)
        records: list[BookState | MarketReset] = []
        if position.lap > self._at[0]:
            records.append(self._begin_lap(position.lap))
        if (position.lap, position.index) > self._at:
            if now_ns >= self._pace.change_due_ns():
                self._newest = self._move_to(position.lap, position.index)
                records.append(self._newest)
                self._pace.sent(now_ns)
        elif self._newest is not None and now_ns >= self._pace.repeat_due_ns():
            self._newest = msgspec.structs.replace(self._newest, time_ns=now_ns)
            records.append(self._newest)
            self._pace.sent(now_ns)
        return records

    def next_due_ns(self) -> int:
        """When `due` has something to say again."""
        lap, index = self._at
        next_event = (lap, index + 1) if index < self._tape.events_per_lap else (lap + 1, 0)
        event_ns = self._tape.event_time_ns(self._session_start_ns, self._speed, *next_event)
        # A reset does not wait for the conflation to pass, every other event does.
        change_ns = event_ns if next_event[1] == 0 else max(event_ns, self._pace.change_due_ns())
        return change_ns if self._newest is None else min(change_ns, self._pace.repeat_due_ns())

    def _begin_lap(self, lap: int) -> MarketReset:
        self._at = (lap, 0)
        self._newest = None
        self._states.forget()
        return MarketReset(
            instrument=self._tape.instrument,
            underlying=self._tape.underlying,
            sequence=self._tape.sequence(self._session_start_ns, lap, 0),
            time_ns=self._tape.event_time_ns(self._session_start_ns, self._speed, lap, 0),
            source_time_ns=self._tape.source_time_ns(0),
            lap=lap,
            reason="loop",
        )

    def _move_to(self, lap: int, index: int) -> BookState:
        self._at = (lap, index)
        self._cursor.seek(lap, index)
        bids, asks = self._cursor.top(LEVELS)
        return self._states.judged(
            self._tape.sequence(self._session_start_ns, lap, index),
            self._tape.event_time_ns(self._session_start_ns, self._speed, lap, index),
            self._tape.source_time_ns(index),
            bids,
            asks,
            lambda: self._cursor.depth(DEPTH_BPS),
            closed=self._cursor.closed,
        )
