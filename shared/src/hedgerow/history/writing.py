"""Writes one batch of messages: their rows, and how far they bring history, in one transaction."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import asyncpg
import msgspec

from hedgerow.history.bisect import write_all_but_refused
from hedgerow.history.offsets import Partition, move_offsets
from hedgerow.history.rows import Row, by_table, touched_minutes
from hedgerow.history.tables import Table

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
    bad = [(message, message.problem) for message in batch.messages if message.problem is not None]
    if bad:
        return await _write_around(connection, batch, bad, bury)
    try:
        return await _write_whole(connection, batch)
    except REFUSED:
        return await _write_around(connection, batch, bad, bury)


async def _write_whole(connection: Any, batch: Batch) -> Written:
    rows = by_table(row for message in batch.messages for row in message.rows)
    async with connection.transaction():
        await _copy(connection, rows)
        await move_offsets(connection, batch.was, batch.to, touched_minutes(rows))
    return Written(rows=_counts(rows))


async def _write_around(
    connection: Any, batch: Batch, bad: list[tuple[Message, Exception]], bury: Bury
) -> Written:
    """Some of it cannot be recorded: find which, a savepoint for each try."""
    taken: list[Row] = []

    async def write(messages: Sequence[Message]) -> None:
        rows = [row for message in messages for row in message.rows]
        async with connection.transaction():
            await _copy(connection, by_table(rows))
        taken.extend(rows)

    sound = [message for message in batch.messages if message.problem is None]
    async with connection.transaction():
        refused = await write_all_but_refused(sound, write, REFUSED)
        rows = by_table(taken)
        await move_offsets(connection, batch.was, batch.to, touched_minutes(rows))
        await bury([*bad, *refused])
    return Written(rows=_counts(rows))


async def _copy(connection: Any, rows: Mapping[Table, list[tuple[Any, ...]]]) -> None:
    for table, records in rows.items():
        await connection.copy_records_to_table(table.name, records=records, columns=table.columns)


def _counts(rows: Mapping[Table, list[tuple[Any, ...]]]) -> dict[str, int]:
    return {table.name: len(records) for table, records in rows.items()}
