"""Writes one batch of messages: their rows, and how far they bring history, in one transaction."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
import msgspec

from hedgerow.history.bisect import write_all_but_refused
from hedgerow.history.marks import mark_minutes
from hedgerow.history.offsets import Partition, move_offsets
from hedgerow.history.rows import Row, by_table, touched_minutes

# The row is to blame, not the server: refused by its types, constraints or limits, or already on the way to it.
REFUSED: tuple[type[Exception], ...] = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    OverflowError,
    ValueError,
    TypeError,
)


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message: where it was, as it was, and what it becomes. `problem` says why it becomes nothing.

    `timestamp_ms` is when Kafka took it in.
    """

    partition: Partition
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Any
    timestamp_ms: int
    rows: tuple[Row, ...] = ()
    problem: Exception | None = None


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Messages in the order of their partitions. `was`, `to`: next offsets before and after it."""

    messages: tuple[Message, ...]
    was: dict[Partition, int]
    to: dict[Partition, int]


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows went into each table."""

    rows: dict[str, int]


Bury = Callable[[list[tuple[Message, Exception]]], Awaitable[None]]


async def write_batch(connection: Any, batch: Batch, bury: Bury) -> Written:
    """Write a batch once, however often it is tried.

    Args:
        bury: called inside the transaction with what cannot be recorded; it raises to stop the commit.

    Raises:
        Moved: somebody else recorded these messages; nothing was written.
    """
    counted: dict[str, int] = {}
    minutes: set[tuple[str, int]] = set()

    async def copy(messages: Sequence[Message]) -> None:
        rows = by_table(row for message in messages for row in message.rows)
        async with connection.transaction():
            for table, records in rows.items():
                await connection.copy_records_to_table(table.name, records=records, columns=table.columns)
        minutes.update(touched_minutes(rows))
        for table, records in rows.items():
            counted[table.name] = counted.get(table.name, 0) + len(records)

    async with connection.transaction():
        await move_offsets(connection, batch.was, batch.to)
        sound = [message for message in batch.messages if message.problem is None]
        refused = await write_all_but_refused(sound, copy, REFUSED)
        bad = [(message, message.problem) for message in batch.messages if message.problem is not None]
        if bad or refused:
            await bury([*bad, *refused])
        await mark_minutes(connection, minutes)
    return Written(rows=counted)
