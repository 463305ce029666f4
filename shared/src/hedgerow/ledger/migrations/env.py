"""Alembic's entry: runs the migrations over asyncpg."""

import asyncio

import asyncpg
from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()


async def _upgrade() -> None:
    dsn = context.config.attributes["dsn"]
    # Not as SQLAlchemy's URL, whose query would be asyncpg's arguments: a DSN's `sslmode` is none.
    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(dsn))
    async with engine.connect() as connection:
        await connection.run_sync(_run)
    await engine.dispose()


asyncio.run(_upgrade())
