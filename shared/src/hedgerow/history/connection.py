"""Connections to the history database, which is a server of its own: ticks never fill the ledger's disk."""

from enum import StrEnum
from typing import Any

import asyncpg

from hedgerow.history.migrate import require_current
from hedgerow.ledger.connection import CONNECT_TIMEOUT_S, address_of


class HistoryUnreachable(ConnectionError):
    """The history's Postgres cannot be reached."""


class Edition(StrEnum):
    """What the server offers. The Apache edition of TimescaleDB has hypertables, but no compression."""

    POSTGRES = "Postgres"
    TIMESCALE_APACHE = "TimescaleDB, Apache edition"
    TIMESCALE_COMMUNITY = "TimescaleDB, Community edition"


async def connect(
    dsn: str, application_name: str, command_timeout_s: float | None = None
) -> asyncpg.Connection:
    """A connection to a history of the schema that this version knows.

    Raises:
        HistoryUnreachable: no server answers.
        SchemaMismatch: see `migrate.require_current`.
    """
    connection = await open_server(dsn, application_name, command_timeout_s)
    try:
        await require_current(connection)
    except BaseException:
        connection.terminate()
        raise
    return connection


async def open_server(
    dsn: str, application_name: str, command_timeout_s: float | None = None
) -> asyncpg.Connection:
    """A connection to the history's server, whatever its schema.

    Raises:
        HistoryUnreachable: no server answers.
    """
    try:
        return await asyncpg.connect(
            dsn,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=command_timeout_s,
            server_settings={"application_name": application_name},
        )
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise HistoryUnreachable(
            f"the history's Postgres at {address_of(dsn)} cannot be reached: {error or type(error).__name__}; "
            "check that it runs and that HEDGEROW_HISTORY_DSN points to it"
        ) from error


async def edition(connection: Any) -> Edition:
    """What this server offers, asked of its catalogue."""
    installed = await connection.fetchval(
        "select exists (select 1 from pg_extension where extname = 'timescaledb')"
    )
    if not installed:
        return Edition.POSTGRES
    licence = await connection.fetchval("select current_setting('timescaledb.license')")
    return Edition.TIMESCALE_COMMUNITY if licence == "timescale" else Edition.TIMESCALE_APACHE


async def hypertables(connection: Any) -> frozenset[str]:
    """Names of the tables that TimescaleDB cuts into chunks; empty on a plain Postgres."""
    if await edition(connection) is Edition.POSTGRES:
        return frozenset()
    rows = await connection.fetch("select hypertable_name from timescaledb_information.hypertables")
    return frozenset(row["hypertable_name"] for row in rows)
