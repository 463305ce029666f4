"""Ends a process that has work and does none, so that another takes its partitions."""

import asyncio
import os
import threading
import time

import structlog

_log = structlog.get_logger(__name__)

PATIENCE_S = 30.0


class Watchdog:
    """One role's progress. Pure: time comes in.

    Args:
        patience_s: how long there may be lag without progress while no declared server is away.
    """

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._processed = -1
        self._since_s: float | None = None
        self.lag = 0

    def observe(self, now_s: float, processed: int, lag: int, outage: bool) -> bool:
        """Take a reading; True when the role has been stuck for longer than patience allows."""
        self.lag = lag
        if outage or lag <= 0 or processed != self._processed or self._since_s is None:
            self._processed = processed
            self._since_s = now_s
        return self.stuck_s(now_s) > self._patience_s

    def stuck_s(self, now_s: float) -> float:
        """Seconds of lag without progress, as of the last reading."""
        return 0.0 if self._since_s is None else now_s - self._since_s


class LoopGuard:
    """Ends the process when its event loop stands still: a step that never returns cannot end itself."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._beat_s = time.monotonic()
        self._over = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._watch, name="loop-guard", daemon=True).start()

    def stop(self) -> None:
        self._over.set()

    async def beat(self) -> None:
        """Show, until cancelled, that the loop turns."""
        while True:
            self._beat_s = time.monotonic()
            await asyncio.sleep(1)

    def _watch(self) -> None:
        while not self._over.wait(1):
            still_s = time.monotonic() - self._beat_s
            if still_s > self._patience_s:
                _log.critical("worker failed", reason=f"the event loop has stood still for {still_s:.0f} s")
                os._exit(1)
