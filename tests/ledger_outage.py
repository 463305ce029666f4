"""Nobody gets into a ledger for a while."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg


@asynccontextmanager
async def ledger_away(admin_dsn: str, ledger_dsn: str) -> AsyncIterator[None]:
    """Nobody gets in, and whoever was in is out."""
    name = ledger_dsn.rsplit("/", 1)[1].split("?")[0]
    connection = await asyncpg.connect(admin_dsn)
    try:
        await connection.execute(f"alter database {name} with allow_connections false")
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name
        )
        yield
    finally:
        await connection.execute(f"alter database {name} with allow_connections true")
        await connection.close()
