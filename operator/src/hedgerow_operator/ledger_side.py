"""The operator's way to the ledger: a pool that outlives the ledger's absences."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from hedgerow.domain.money import plain
from hedgerow.ledger.connection import LEDGER_LOST, LedgerUnreachable, create_pool
from hedgerow.ledger.halts import halts_against
from hedgerow.ledger.migrate import SchemaMismatch, require_current
from hedgerow.ledger.snapshot import read_snapshot
from hedgerow.ledger.strategies import find_readable_strategy
from hedgerow.ledger.venues import find_venues
from hedgerow_operator.observed import Held, Ledger

POOL_SIZE = 8
APPLICATION = "hedgerow-operator"


class LedgerSide:
    """See the module."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._pool: Any = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """A connection.

        Raises:
            LedgerUnreachable: the ledger is away, or is not of the version that this code knows.
        """
        pool: Any = self._pool
        try:
            if pool is None:
                pool = await self._connected()
            async with pool.acquire() as connection:
                yield connection
        except SchemaMismatch as error:
            raise LedgerUnreachable(str(error)) from error
        except LEDGER_LOST as error:
            self._lose(pool)
            if isinstance(error, LedgerUnreachable):
                raise
            raise LedgerUnreachable(
                f"the connection to the ledger was lost: {error or type(error).__name__}"
            ) from error

    async def close(self) -> None:
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None

    async def _connected(self) -> asyncpg.Pool:
        pool: asyncpg.Pool = await create_pool(self._dsn, APPLICATION, POOL_SIZE)
        async with pool.acquire() as connection:
            await require_current(connection)
        if self._pool is not None:
            # Another one connected meanwhile.
            pool.terminate()
            return self._pool
        self._pool = pool
        return pool

    def _lose(self, pool: Any) -> None:
        if pool is not None and self._pool is pool:
            pool.terminate()
            self._pool = None


async def read_ledger(connection: Any, key: str, venues: Iterable[str]) -> Ledger:
    """What the ledger knows of one strategy, and of these venues."""
    live = await find_readable_strategy(connection, key)
    hedged_on = sorted({leg.venue for leg in live.config.hedge_with}) if live is not None else []
    counted = {source.venue for source in live.config.accounts} if live is not None else set()
    found = await find_venues(connection, {*venues, *hedged_on, *counted})
    return Ledger(
        live=live,
        venues={venue.key: venue for venue in found},
        halts=await halts_against(connection, key, hedged_on),
    )


async def read_held(connection: Any, uid: str, now_ns: int) -> Held:
    """What a strategy's hedge still holds."""
    snapshot = await read_snapshot(connection, uid, now_ns)
    if snapshot is None:
        return Held(positions=(), open_intents=())
    return Held(
        positions=tuple(
            f"{plain(held.quantity)} contracts of {held.instrument} on account {held.account}"
            for held in snapshot.positions
            if held.quantity
        ),
        open_intents=tuple(intent.id for intent in snapshot.open_intents),
    )
