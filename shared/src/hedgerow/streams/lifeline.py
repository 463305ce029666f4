"""How a process is asked to stop, and why it has to die."""

import asyncio

import structlog

_log = structlog.get_logger(__name__)


class WorkerFailed(RuntimeError):
    """The process is ending because of a failure; nothing more may be acknowledged."""


class Lifeline:
    """One per process. `stopping` asks every role to end; `reason` says that it ends in failure, and why."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self.reason: str | None = None

    def stop(self) -> None:
        self.stopping.set()

    def fail(self, reason: str, error: BaseException | None = None) -> None:
        """End the process with a failure. The first reason is the one that counts. Call it in the loop's thread."""
        if self.reason is None:
            self.reason = reason
            _log.critical("worker failed", reason=reason, exc_info=error)
        self.stopping.set()

    def check(self) -> None:
        """Raises:
        WorkerFailed: the process is ending in failure.
        """
        if self.reason is not None:
            raise WorkerFailed(self.reason)
