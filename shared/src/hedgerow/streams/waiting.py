"""Waiting that a cancellation ends.

Python 3.11's `asyncio.wait_for` returns what it waited for when that comes together with a cancellation, which is then
forgotten: a loop around it goes on, and whoever waits for its end waits for ever. It is not used here.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

_ASK_AGAIN_S = 1.0


async def set_within(event: asyncio.Event, seconds: float | None) -> bool:
    """Wait that long for the event, for ever if None; says whether it is set. Not positive: only look."""
    with suppress(TimeoutError):
        async with asyncio.timeout(None if seconds is None else max(seconds, 0.0)):
            await event.wait()
    return event.is_set()


async def stopped_within(stopping: asyncio.Event, seconds: float) -> bool:
    """Wait that long, or until asked to stop; says whether that was so. Not positive: only look."""
    return await set_within(stopping, seconds)


async def end_all(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel these until each has ended. A cancellation that meets a connection which was just lost comes out as that
    connection's error, and a task may live through the error."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        ended, pending = await asyncio.wait(pending, timeout=_ASK_AGAIN_S)
        for task in ended:
            # Looked at, or Python complains of an exception that nobody retrieved.
            task.cancelled() or task.exception()
