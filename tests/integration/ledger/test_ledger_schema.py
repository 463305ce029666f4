import asyncio
import subprocess
import sys
import uuid
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from hedgerow.ledger.connection import LedgerUnreachable, connect, create_pool, ledger_id
from hedgerow.ledger.migrate import SchemaMismatch, require_current, upgrade
from hedgerow_local.postgres import execute


async def _shape(connection: asyncpg.Connection) -> list[tuple[object, ...]]:
    rows = await connection.fetch(
        "select table_name, column_name, data_type, is_nullable, column_default from information_schema.columns "
        "where table_schema = 'public' order by table_name, ordinal_position"
    )
    indexes = await connection.fetch("select indexname, indexdef from pg_indexes order by 1")
    return [tuple(row) for row in [*rows, *indexes]]


async def test_migrating_twice_changes_nothing(ledger_dsn: str, pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        before = await _shape(connection), await ledger_id(connection)
        upgrade(ledger_dsn)
        assert (await _shape(connection), await ledger_id(connection)) == before
        await require_current(connection)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("update alembic_version set version_num = '9999'", "9999"),
        ("delete from alembic_version", "nothing"),
        ("drop table alembic_version", "nothing"),
    ],
)
async def test_a_schema_of_another_version_is_refused_with_what_to_do(
    pool: asyncpg.Pool, statement: str, found: str
) -> None:
    async with pool.acquire() as connection:
        await connection.execute(statement)
        with pytest.raises(
            SchemaMismatch, match=f"is at {found}, this version needs 0013; run `hedgerow migrate`"
        ):
            await require_current(connection)


async def test_two_that_migrate_one_ledger_at_once_take_turns(postgres: str) -> None:
    name = f"test_{uuid.uuid4().hex}"
    dsn = urlunsplit(urlsplit(postgres)._replace(path=f"/{name}"))
    execute(postgres, f"CREATE DATABASE {name}")
    try:
        await asyncio.gather(*(asyncio.to_thread(_migrate_apart, dsn) for _ in range(3)))
        connection = await connect(dsn, "ledger-tests")
        await require_current(connection)
        await connection.close()
    finally:
        execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


def _migrate_apart(dsn: str) -> None:
    """In a process of its own, as two pods would."""
    command = "import sys; from hedgerow.ledger.migrate import upgrade; upgrade(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", command, dsn], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("waits", ["local", "remote_write"])
async def test_without_a_synchronous_standby_nobody_need_wait_for_one(
    ledger_dsn: str, pool: asyncpg.Pool, waits: str
) -> None:
    database = ledger_dsn.rsplit("/", 1)[-1]
    async with pool.acquire() as connection:
        await connection.execute(f'alter database "{database}" set synchronous_commit = {waits}')
    # Without a synchronous standby there is nobody to wait for.
    await (await connect(ledger_dsn, "ledger-tests")).close()


async def test_a_ledger_has_one_name_and_cannot_get_a_second(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        name = await ledger_id(connection)
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute("insert into ledger_identity default values")
        assert await ledger_id(connection) == name


async def test_a_server_that_is_not_there_is_named_without_its_password(free_port) -> None:
    address = f"127.0.0.1:{free_port()}/ledger"
    with pytest.raises(LedgerUnreachable, match=address) as caught:
        await connect(f"postgresql://desk:secret@{address}", "ledger-tests")
    assert "secret" not in str(caught.value)


async def test_a_ledger_that_may_lose_commits_is_refused(ledger_dsn: str, pool: asyncpg.Pool) -> None:
    database = ledger_dsn.rsplit("/", 1)[-1]
    async with pool.acquire() as connection:
        await connection.execute(f'alter database "{database}" set synchronous_commit = off')
    for refuse in (connect(ledger_dsn, "ledger-tests"), create_pool(ledger_dsn, "ledger-tests", 2)):
        with pytest.raises(LedgerUnreachable, match="synchronous_commit off"):
            await refuse
