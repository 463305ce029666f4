"""Finds what a database refuses in a batch, so that the rest goes in."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


async def write_all_but_refused(
    items: Sequence[T],
    write: Callable[[Sequence[T]], Awaitable[None]],
    refuses: tuple[type[Exception], ...],
) -> list[tuple[T, Exception]]:
    """Write the items in their order, in as few calls as possible; those that are refused by themselves are returned.

    Args:
        write: writes all of what it is given, or nothing and raises.
        refuses: what it raises when something in there is to blame.

    Raises:
        Exception: whatever else `write` raises.
    """
    if not items:
        return []
    try:
        await write(items)
    except refuses as error:
        if len(items) == 1:
            return [(items[0], error)]
        half = len(items) // 2
        return [
            *await write_all_but_refused(items[:half], write, refuses),
            *await write_all_but_refused(items[half:], write, refuses),
        ]
    return []
