"""A circuit breaker with exactly one probe.

Own code, because of the libraries for asyncio (purgatory, aiobreaker, circuitbreaker; pybreaker is for threads and
tornado) none holds the other calls back while the probe is on its way: half open, they let every call through.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class CircuitOpen(Exception):
    """The call was not made. `retry_after_s`: when the next one may be, at least a second."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"not asked again for {retry_after_s:.0f} s")
        self.retry_after_s = retry_after_s


class Breaker:
    """After `failures` in a row nothing is called for `rest_s`; then one call, and all others once it came back well.

    Args:
        clock: seconds that never go back.
    """

    def __init__(
        self, failures: int = 3, rest_s: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = failures
        self._rest_s = rest_s
        self._clock = clock
        self._failures = 0
        self._rests_until = 0.0
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether calls are held back, a probe on its way or not."""
        return self._failures >= self._limit

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Around one call; whatever it raises, a cancellation included, is a failure.

        Raises:
            CircuitOpen: the call must not be made.
        """
        is_probe = self._admitted()
        try:
            yield
        except BaseException:
            self._ended(is_probe, well=False)
            raise
        self._ended(is_probe, well=True)

    def _admitted(self) -> bool:
        """Whether the call is the probe."""
        if not self.is_open:
            return False
        rest_s = self._rests_until - self._clock()
        if self._probing or rest_s > 0:
            raise CircuitOpen(max(rest_s, 1.0))
        self._probing = True
        return True

    def _ended(self, is_probe: bool, *, well: bool) -> None:
        if is_probe:
            self._probing = False
        elif self.is_open:
            return  # it began before the circuit opened, and says nothing about now
        if well:
            self._failures = 0
            return
        self._failures += 1
        if self.is_open:
            self._rests_until = self._clock() + self._rest_s
