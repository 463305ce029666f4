"""Connections to the ledger's Postgres."""

import uuid
from typing import Any

import asyncpg

# Every transaction that could let an order out takes this lock shared, a halt takes it alone: when a halt's
# commit is done, no claim or decision that did not see it can still commit.
HALT_GATE = 0x6865_6467_6500
# Strategies are published one at a time, so that two publishers neither make one twice nor wait for each
# other's legs in a circle.
PUBLISH_GATE = HALT_GATE + 1

# What a lost ledger looks like from inside a query. A server that is shut down or starting up says so with errors
# that asyncpg does not count as connection errors, and a rollback on a connection that dies under it gets confused. One
# that is full, closed to new connections, or only a standby is no ledger either.
LEDGER_LOST: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.ObjectNotInPrerequisiteStateError,
    asyncpg.exceptions.ReadOnlySQLTransactionError,
)

CONNECT_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 30.0


class LedgerUnreachable(ConnectionError):
    """The ledger's Postgres cannot be reached, or is not one that a ledger may run on."""


def address_of(dsn: str) -> str:
    """Host, port and database of a DSN, without its password."""
    return dsn.rsplit("@", 1)[-1].split("?", 1)[0]


async def connect(dsn: str, application_name: str) -> asyncpg.Connection:
    """One connection, checked to be durable.

    Raises:
        LedgerUnreachable: no server answers, or it acknowledges commits before they are on disk.
    """
    try:
        connection = await asyncpg.connect(
            dsn,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=COMMAND_TIMEOUT_S,
            server_settings={"application_name": application_name},
        )
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise LedgerUnreachable(
            f"the ledger's Postgres at {address_of(dsn)} cannot be reached: {error or type(error).__name__}; "
            "check that it runs and that HEDGEROW_LEDGER_DSN points to it"
        ) from error
    await _require_durable(connection, dsn)
    return connection


async def create_pool(
    dsn: str, application_name: str, size: int, patience_s: float = COMMAND_TIMEOUT_S
) -> asyncpg.Pool:
    """A pool of such connections.

    Args:
        patience_s: after which a statement counts as lost.

    Raises:
        LedgerUnreachable: as `connect`.
    """
    probe = await connect(dsn, application_name)
    await probe.close()
    return await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=size,
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=patience_s,
        server_settings={"application_name": application_name},
    )


async def ledger_id(connection: Any) -> uuid.UUID:
    """The ledger's own name, part of every client order id."""
    value: uuid.UUID = await connection.fetchval("select id from ledger_identity")
    return value


async def take_halt_gate(connection: Any) -> None:
    """Share the gate until the transaction ends. A statement of its own: the next one sees what a halt committed."""
    await connection.execute("select pg_advisory_xact_lock_shared($1)", HALT_GATE)


async def close_halt_gate(connection: Any) -> None:
    """Hold the gate alone until the transaction ends: waits for claims and decisions that are under way."""
    await connection.execute("select pg_advisory_xact_lock($1)", HALT_GATE)


async def take_publish_gate(connection: Any) -> None:
    """Be the only publisher until the transaction ends."""
    await connection.execute("select pg_advisory_xact_lock($1)", PUBLISH_GATE)


async def _require_durable(connection: asyncpg.Connection, dsn: str) -> None:
    off = [
        name
        for name in ("synchronous_commit", "fsync", "full_page_writes")
        if await connection.fetchval(f"show {name}") == "off"
    ]
    if off:
        await connection.close()
        raise LedgerUnreachable(
            f"the Postgres at {address_of(dsn)} runs with {', '.join(off)} off; "
            "a ledger must not lose a commit: turn it on"
        )
