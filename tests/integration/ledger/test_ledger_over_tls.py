"""A ledger whose DSN asks for TLS: its migrations, its connections and its pools all heed it."""

import os
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import trusted_servers

from hedgerow.ledger.connection import LedgerUnreachable, connect, create_pool
from hedgerow.ledger.migrate import require_current, upgrade

OVER_TLS = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"


@pytest.fixture
async def authority(postgres: str, tmp_path: Path) -> Any:
    """The session's server with a certificate; the authority that signed it."""
    if os.environ.get("HEDGEROW_TEST_POSTGRES"):
        pytest.skip("the server is not ours to change")
    admin = await asyncpg.connect(postgres)
    data = Path(await admin.fetchval("show data_directory"))
    signed_by, identity = trusted_servers.make(tmp_path)
    file = data / "test-identity.pem"
    _hand_over(identity, file)
    settings = {"ssl_cert_file": f"'{file}'", "ssl_key_file": f"'{file}'", "ssl": "on"}
    for name, value in settings.items():
        await admin.execute(f"alter system set {name} = {value}")
    await admin.execute("select pg_reload_conf()")
    yield signed_by
    for name in settings:
        await admin.execute(f"alter system reset {name}")
    await admin.execute("select pg_reload_conf()")
    await admin.close()
    file.unlink()


def _hand_over(identity: Path, file: Path) -> None:
    """To the server's own user, and to nobody else."""
    shutil.copy(identity, file)
    file.chmod(0o600)
    owner = file.parent.stat()
    os.chown(file, owner.st_uid, owner.st_gid)


def guarded(dsn: str, authority: Path) -> str:
    return urlunsplit(urlsplit(dsn)._replace(query=f"sslmode=verify-full&sslrootcert={authority}"))


async def test_everything_that_opens_the_ledger_does_so_over_tls(ledger_dsn: str, authority: Path) -> None:
    dsn = guarded(ledger_dsn, authority)
    upgrade(dsn)
    connection = await connect(dsn, "test")
    try:
        await require_current(connection)
        assert await connection.fetchval(OVER_TLS)
    finally:
        await connection.close()
    pool = await create_pool(dsn, "test", 1)
    try:
        assert await pool.fetchval(OVER_TLS)
    finally:
        pool.terminate()


async def test_a_server_that_nobody_vouches_for_is_refused(
    ledger_dsn: str, authority: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other, _ = trusted_servers.make(tmp_path / "other")
    with pytest.raises(LedgerUnreachable, match=r"(?i)certificate"):
        await connect(guarded(ledger_dsn, other), "test")
