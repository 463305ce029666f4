"""A stepper's state, kept in the ledger's database with the offset it belongs to.

A checkpoint is a consistent pair: the state after message n, and n + 1. Which worker wrote it does not matter, since
the state is a function of the log up to there; the one that is further on stays.
"""

import asyncio

import asyncpg
import msgspec

from hedgerow.ledger.connection import LEDGER_LOST, LedgerUnreachable, connect
from hedgerow.streams.faust_app import Partition

_LOAD = "select next_offset, state from checkpoints where role = $1 and topic = $2 and partition = $3"
_SAVE = """
    insert into checkpoints (role, topic, partition, next_offset, state) values ($1, $2, $3, $4, $5)
    on conflict (role, topic, partition) do update
    set next_offset = excluded.next_offset, state = excluded.state, saved_at = now()
    where checkpoints.next_offset < excluded.next_offset
"""
_DROP = """
    delete from checkpoints where role = $1 and topic = $2 and partition = $3 and next_offset = $4
"""


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    next_offset: int
    state: bytes


class CheckpointStore:
    """Checkpoints of one role.

    Every method raises `LedgerUnreachable` when the database is away; the next call connects anew.
    """

    def __init__(self, dsn: str, role: str) -> None:
        self._dsn = dsn
        self._role = role
        self._connection: asyncpg.Connection | None = None
        self._lock = asyncio.Lock()

    async def load(self, partition: Partition) -> Checkpoint | None:
        rows = await self._run(_LOAD, *partition)
        if not rows:
            return None
        return Checkpoint(next_offset=rows[0]["next_offset"], state=rows[0]["state"])

    async def save(self, partition: Partition, checkpoint: Checkpoint) -> None:
        """Keep this checkpoint, unless one that is further on is kept already."""
        await self._run(_SAVE, *partition, checkpoint.next_offset, checkpoint.state)

    async def drop(self, partition: Partition, checkpoint: Checkpoint) -> None:
        """Forget this checkpoint: it is of no use."""
        await self._run(_DROP, *partition, checkpoint.next_offset)

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _run(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        async with self._lock:
            if self._connection is None or self._connection.is_closed():
                self._connection = await connect(self._dsn, f"hedgerow-{self._role}-checkpoints")
            try:
                rows: list[asyncpg.Record] = await self._connection.fetch(statement, self._role, *arguments)
            except LEDGER_LOST as error:
                self._connection.terminate()
                self._connection = None
                raise LedgerUnreachable(
                    f"checkpoints of {self._role}: {error or type(error).__name__}"
                ) from error
            return rows
