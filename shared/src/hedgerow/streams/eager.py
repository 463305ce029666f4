"""Starts a coroutine at once, and makes a task of it only when it has to wait.

Faust hands each message to its streams in a task of its own beside three more that watch for a stop, though the
message nearly always goes straight into a queue. That was a quarter of the worker's time.
"""

from collections.abc import Coroutine, Generator
from typing import Any


class Waiting:
    """The rest of a coroutine that has begun: await it to go on where it waits."""

    def __init__(self, begun: Coroutine[Any, Any, Any], waits_for: Any) -> None:
        self._begun = begun
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, Any]:
        waits_for = self._waits_for
        try:
            while True:
                try:
                    answer = yield waits_for
                except BaseException as error:
                    waits_for = self._begun.throw(error)
                else:
                    waits_for = self._begun.send(answer)
        except StopIteration as end:
            return end.value


def begin(work: Coroutine[Any, Any, Any]) -> Coroutine[Any, Any, Any] | None:
    """Run `work` up to where it first waits; what is left of it, or None when it is done.

    Raises:
        Whatever `work` raises before it waits.
    """
    try:
        waits_for = work.send(None)
    except StopIteration:
        return None
    return _rest(Waiting(work, waits_for))


async def _rest(waiting: Waiting) -> Any:
    return await waiting
