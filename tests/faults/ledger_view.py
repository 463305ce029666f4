"""The rig's own look at the ledger, which outlives the server's absences."""

import asyncio
import time
from typing import Any

import asyncpg

from hedgerow.ledger.connection import LEDGER_LOST, LedgerUnreachable, connect

PATIENCE_S = 120.0
RETRY_S = 0.2


class LedgerView:
    """Questions to the ledger, asked again until it answers."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: asyncpg.Connection | None = None

    async def fetch(self, query: str, *values: Any) -> list[Any]:
        rows: list[Any] = await self._asked("fetch", query, *values)
        return rows

    async def fetchval(self, query: str, *values: Any) -> Any:
        return await self._asked("fetchval", query, *values)

    async def connection(self) -> asyncpg.Connection:
        """One that works now."""
        await self.fetchval("select 1")
        assert self._connection is not None
        return self._connection

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _asked(self, how: str, query: str, *values: Any) -> Any:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                if self._connection is None:
                    self._connection = await connect(self._dsn, "rig")
                return await getattr(self._connection, how)(query, *values)
            except (*LEDGER_LOST, LedgerUnreachable):
                await self.close()
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(RETRY_S)
