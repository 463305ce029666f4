"""Connections to the ledger: a request gets an answer or a refusal at once, never a wait for better days."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
import structlog

from hedgerow.ledger.connection import LEDGER_LOST, LedgerUnreachable, create_pool
from hedgerow.ledger.migrate import SchemaMismatch, require_current
from hedgerow.streams.context import Readiness
from hedgerow_gateway.problems import ledger_away

_log = structlog.get_logger(__name__)

T = TypeVar("T")

POOL_SIZE = 8
PATIENCE_S = 5.0
_LOST: tuple[type[Exception], ...] = (
    LedgerUnreachable,
    SchemaMismatch,
    asyncpg.exceptions.TooManyConnectionsError,
    *LEDGER_LOST,
)


class LedgerPool:
    """The condition `ledger` tells how it is."""

    def __init__(self, dsn: str, readiness: Readiness) -> None:
        self._dsn = dsn
        self._readiness = readiness
        self._pool: asyncpg.Pool | None = None
        self._detail = "not connected yet"
        self._opening = asyncio.Lock()
        readiness.set("ledger", False, self._detail, outage=True)

    async def run(self, action: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        """The action's result. It runs once, on one connection.

        Raises:
            Problem: 503, the ledger cannot be reached or took too long. What a lost answer leaves open is whether a
                transaction was committed.
        """
        try:
            async with asyncio.timeout(PATIENCE_S):
                pool = self._pool or await self._open()
                connection = await _acquire(pool)
                try:
                    result = await action(connection)
                finally:
                    await pool.release(connection)
        except _LOST as error:
            self._lost(str(error) or f"no answer within {PATIENCE_S:g} s")
            raise ledger_away(f"the ledger is away, nothing can be recorded: {self._detail}") from error
        self._readiness.set("ledger", True)
        return result

    async def close(self) -> None:
        if self._pool is None:
            return
        try:
            async with asyncio.timeout(1.0):
                await self._pool.close()
        except _LOST:
            self._pool.terminate()

    async def _open(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                pool = await create_pool(self._dsn, "hedgerow-gateway", POOL_SIZE)
                try:
                    async with pool.acquire() as connection:
                        await require_current(connection)
                except BaseException:
                    pool.terminate()
                    raise
                self._pool = pool
            return self._pool

    def _lost(self, detail: str) -> None:
        self._detail = detail
        _log.warning("ledger away", error=detail)
        self._readiness.set("ledger", False, detail, outage=True)


async def _acquire(pool: asyncpg.Pool) -> asyncpg.Connection:
    """
    Raises:
        LedgerUnreachable: the server is there, and lets nobody in.
    """
    try:
        return await pool.acquire()
    except asyncpg.PostgresError as error:
        raise LedgerUnreachable(str(error)) from error
