"""Waiting that ends at once when the worker is asked to stop."""

import asyncio
from contextlib import suppress


async def stopped_within(stopping: asyncio.Event, seconds: float) -> bool:
    """Wait that long, or until asked to stop; says whether that was so. Not positive: only look."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), max(seconds, 0.0))
    return stopping.is_set()
