"""Whether the operator gets through its work, and what it misses: what `/healthz` and `/ready` say."""

import time
from collections.abc import Mapping
from typing import Any

INTERVALS = 3


class Pulse:
    """When the operator last got through everything, and which server it misses."""

    def __init__(self, interval_s: float) -> None:
        self._patience_s = INTERVALS * interval_s
        self._last_s = time.monotonic()
        self.missing: dict[str, str] = {"resources": "nothing was listed yet"}

    def beat(self) -> None:
        """A pass over everything has ended, even if a server was away."""
        self._last_s = time.monotonic()

    def set(self, server: str, problem: str | None) -> None:
        """Say what is wrong with a server, or that nothing is."""
        if problem is None:
            self.missing.pop(server, None)
        else:
            self.missing[server] = problem

    def silent_s(self) -> float:
        return time.monotonic() - self._last_s

    def stalled(self, stuck_s: float) -> bool:
        """No pass ended, or nothing was taken from the queue, for too long."""
        return max(self.silent_s(), stuck_s) > self._patience_s

    def alive(self, stuck_s: float) -> tuple[bool, Mapping[str, Any]]:
        """Whether it is not stalled, and by which figures."""
        stalled = self.stalled(stuck_s)
        return not stalled, {
            "stalled": stalled,
            "last_pass_s": round(self.silent_s(), 1),
            "stuck_s": round(stuck_s, 1),
        }
