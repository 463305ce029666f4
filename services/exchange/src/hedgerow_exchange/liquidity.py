"""Keeps the makers' quotes on the tape: the position is where ingestion's is, by the same clock."""

import asyncio
import time
from collections.abc import Sequence

from hedgerow.adapters.tape import Tape
from hedgerow.streams.waiting import stopped_within
from hedgerow_exchange.engine import Engine
from hedgerow_exchange.maker import Maker

LEVELS = 50
_LONGEST_WAIT_S = 0.5
_SHORTEST_WAIT_S = 0.001


class _Mirror:
    """One instrument: its tape, where its book stands, and its maker."""

    def __init__(self, engine: Engine, tape: Tape, session_start_ns: int, speed: float) -> None:
        self._engine = engine
        self._tape = tape
        self._start_ns = session_start_ns
        self._speed = speed
        self._cursor = tape.cursor()
        self._maker = Maker(engine.listings[tape.instrument], engine.books[tape.instrument])
        self._shown: tuple[int, int] | None = None

    def mirror(self, now_ns: int) -> None:
        """Quote what is recorded now, unless that is what was quoted last."""
        position = self._tape.position(self._start_ns, now_ns, self._speed)
        if self._shown == (position.lap, position.index):
            return
        self._cursor.seek(position.lap, position.index)
        bids, asks = self._cursor.top(LEVELS)
        self._maker.mirror(bids, asks, self._engine.touch_of_orders(self._tape.instrument))
        self._shown = (position.lap, position.index)

    def next_due_ns(self) -> int:
        """When the next recorded update happens."""
        lap, index = self._shown or (0, 0)
        following = (lap, index + 1) if index < self._tape.events_per_lap else (lap + 1, 0)
        return self._tape.event_time_ns(self._start_ns, self._speed, *following)


class Liquidity:
    """The maker's quotes in every book that has a tape."""

    def __init__(self, engine: Engine, tapes: Sequence[Tape], session_start_ns: int, speed: float) -> None:
        """
        Args:
            session_start_ns: when the session began, on today's clock.
            speed: seconds of tape per second of clock.
        """
        self._mirrors = [_Mirror(engine, tape, session_start_ns, speed) for tape in tapes]

    def mirror(self, now_ns: int) -> None:
        """Bring all quotes to where the tapes stand."""
        for mirror in self._mirrors:
            mirror.mirror(now_ns)

    async def run(self, stopping: asyncio.Event) -> None:
        """Follow the tapes until asked to stop."""
        while not stopping.is_set():
            self.mirror(time.time_ns())
            due_ns = min(mirror.next_due_ns() for mirror in self._mirrors)
            wait_s = min(max((due_ns - time.time_ns()) / 1e9, _SHORTEST_WAIT_S), _LONGEST_WAIT_S)
            await stopped_within(stopping, wait_s)
