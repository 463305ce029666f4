"""Connections to the ledger's Postgres."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import structlog

_log = structlog.get_logger()
# Every transaction that could let an order out takes this lock shared, a halt takes it alone: when a halt's
# commit is done, no claim or decision that did not see it can still commit.
HALT_GATE = 0x6865_6467_6500
# Strategies are published one at a time, so that two publishers neither make one twice nor wait for each
# other's legs in a circle.
PUBLISH_GATE = HALT_GATE + 1

# What a lost ledger looks like from inside a query. A server that is shut down or starting up says so with errors
# that asyncpg does not count as connection errors, and a rollback on a connection that dies under it gets confused. One
# that is full, closed to new connections, or only a standby is no ledger either; nor one that gave this connection up.
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
    asyncpg.exceptions.IdleInTransactionSessionTimeoutError,
)

CONNECT_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 30.0
# A worker that was stopped inside a transaction holds its locks, and a halt has a second to land. Between two of its
# statements a worker waits for nothing but its own processor, some milliseconds: the server ends a connection that is
# silent for longer than this inside a transaction.
SILENT_IN_TRANSACTION_MS = 750
# The server does not count the silence between a statement's parts (asyncpg prepares, then executes), so a halt that
# has waited for so long ends the connections that keep it from landing.
GATE_PATIENCE_MS = 750
_END_HOLDERS = """
    select pid, application_name, pg_terminate_backend(pid) from pg_stat_activity
    where usename = current_user and xact_start < clock_timestamp() - $2 * interval '1 millisecond' and pid in (
        select pid from pg_locks where locktype = 'advisory' and granted and pid <> pg_backend_pid()
        and database = (select oid from pg_database where datname = current_database())
        and (classid::bigint << 32) + objid::bigint = $1 and objsubid = 1
    )
"""


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
            server_settings=_session(application_name),
        )
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise LedgerUnreachable(
            f"the ledger's Postgres at {address_of(dsn)} cannot be reached: {error or type(error).__name__}; "
            "check that it runs and that HEDGEROW_LEDGER_DSN points to it"
        ) from error
    await _require_durable(connection, dsn)
    return connection


async def create_pool(
    dsn: str,
    application_name: str,
    size: int,
    patience_s: float = COMMAND_TIMEOUT_S,
    on_connect: Callable[[Any], Awaitable[None]] | None = None,
) -> asyncpg.Pool:
    """A pool of such connections.

    Args:
        patience_s: after which a statement counts as lost.
        on_connect: asked of each new connection; what it raises refuses the connection.

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
        init=on_connect,
        server_settings=_session(application_name),
    )


async def allow_silence(connection: Any) -> None:
    """Let the transaction that was begun be silent for as long as it likes. For readers, who may reckon between two
    fetches; whoever takes a lock must not."""
    await connection.execute("set local idle_in_transaction_session_timeout = 0")


async def ledger_id(connection: Any) -> uuid.UUID:
    """The ledger's own name, part of every client order id."""
    value: uuid.UUID = await connection.fetchval("select id from ledger_identity")
    return value


async def take_halt_gate(connection: Any) -> None:
    """Share the gate until the transaction ends. A statement of its own: the next one sees what a halt committed."""
    await connection.execute("select pg_advisory_xact_lock_shared($1)", HALT_GATE)


async def close_halt_gate(connection: Any) -> None:
    """Hold the gate alone until the transaction ends: waits for claims and decisions that are under way, but for none
    longer than `GATE_PATIENCE_MS`. What is ended then is not committed, and its worker finds its ledger lost."""
    while True:
        try:
            async with connection.transaction():  # a savepoint: only the wait is given up
                await connection.execute(f"set local lock_timeout = {GATE_PATIENCE_MS}")
                await connection.execute("select pg_advisory_xact_lock($1)", HALT_GATE)
                await connection.execute("set local lock_timeout to default")
            return
        except asyncpg.LockNotAvailableError:
            for row in await connection.fetch(_END_HOLDERS, HALT_GATE, GATE_PATIENCE_MS):
                _log.warning(
                    "a connection kept a halt from landing: ended", pid=row["pid"], of=row["application_name"]
                )


async def take_publish_gate(connection: Any) -> None:
    """Be the only publisher until the transaction ends."""
    await connection.execute("select pg_advisory_xact_lock($1)", PUBLISH_GATE)


def _session(application_name: str) -> dict[str, str]:
    return {
        "application_name": application_name,
        "idle_in_transaction_session_timeout": str(SILENT_IN_TRANSACTION_MS),
    }


async def _require_durable(connection: asyncpg.Connection, dsn: str) -> None:
    waits = await connection.fetchval("show synchronous_commit")
    if waits in ("local", "remote_write") and await connection.fetchval("show synchronous_standby_names"):
        await connection.close()
        raise LedgerUnreachable(
            f"the Postgres at {address_of(dsn)} has synchronous_commit {waits}, which does not wait until its "
            "synchronous standby has a commit on disk: a promotion would lose orders; set it to on"
        )
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
