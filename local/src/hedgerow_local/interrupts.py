"""Ctrl-C and requests to end, told apart and never lost."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SLICE_S = 0.1


class Terminated(BaseException):
    """SIGTERM or SIGHUP: end at once."""


class Interrupts:
    """What was asked of this process by signals. Only one may be in use, and only in the main thread."""

    def __init__(self) -> None:
        self._asked: type[BaseException] | None = None
        self._waiting = False

    @contextmanager
    def raised(self) -> Iterator[None]:
        """Within, Ctrl-C raises `KeyboardInterrupt` and a request to end raises `Terminated`.

        A C library that was interrupted may turn the exception into one of its own: it leaves as what it was.
        After it, signals are ignored, so that whatever cleans up is not interrupted.
        """
        for number in _STOPPING:
            signal.signal(number, self._handle)
        try:
            yield
        except Exception:
            if self._asked is not None:
                raise self._asked from None
            raise
        finally:
            for number in _STOPPING:
                signal.signal(number, signal.SIG_IGN)

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """Within, Ctrl-C only makes `sleep` return False: for work that may end between two steps but not in one."""
        self._waiting = True
        try:
            yield
        finally:
            self._waiting = False
            self._asked = None

    def sleep(self, until_s: float) -> bool:
        """Sleep until a time of `time.monotonic()`. Returns False, at once, when Ctrl-C was pressed."""
        while self._asked is None and (left := until_s - time.monotonic()) > 0:
            time.sleep(min(left, SLICE_S))
        return self._asked is None

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self._asked = KeyboardInterrupt if number == signal.SIGINT else Terminated
        if not self._waiting or self._asked is Terminated:
            raise self._asked
