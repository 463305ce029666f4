"""An asyncio event loop without a clock and without I/O: when nothing is ready, time jumps to the next timer.

Callbacks run in the order in which they were made ready, so a run depends on nothing but its seed.
"""

import asyncio
from typing import Any


class Deadlock(RuntimeError):
    """Every task waits for another, and no timer is set: a run would never end."""


class _Selector:
    """Stands where the loop waits for sockets; there are none."""

    def __init__(self, loop: "SimulatedLoop") -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise Deadlock("no timer is set and nothing is ready")
        self._loop.seconds += timeout
        return []


class SimulatedLoop(asyncio.BaseEventLoop):
    """`seconds`: since the run began."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self._selector = _Selector(self)

    def time(self) -> float:
        return self.seconds

    def _process_events(self, event_list: list[Any]) -> None:
        """No socket, no event."""

    def _write_to_self(self) -> None:
        """No other thread wakes this loop."""
