"""A small disk of its own for the ledger's write-ahead log, to be filled up. Not every root may mount it."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from faults.servers import Servers
from hedgerow.ledger.connection import LEDGER_LOST
from hedgerow_local.postgres import execute

SIZE_MIB = 256
SEGMENTS = 64
CAP_SYS_ADMIN = 1 << 21


def can_mount() -> bool:
    """Whether this process may mount a small file system: root in a container often may not."""
    return bool(_capabilities() & CAP_SYS_ADMIN) and shutil.which("mount") is not None


def _capabilities() -> int:
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1], 16) for line in lines if line.startswith("CapEff:")), 0)


@contextmanager
def small_wal_disk(servers: Servers) -> Iterator[Path]:
    """Move the log to a small disk for a while; the server is away while it moves."""
    data = servers.postgres.data
    owner = data.stat()
    disk, log = data.parent / "wal-disk", data / "pg_wal"
    options = f"size={SIZE_MIB}m,uid={owner.st_uid},gid={owner.st_gid},mode=0700"
    try:
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)], check=True)
        servers.postgres.stop()
        _move(log, disk / "pg_wal", owner)
        log.symlink_to(disk / "pg_wal")
        servers.postgres.start()
        try:
            yield disk
        finally:
            (disk / "ballast").unlink(missing_ok=True)
            servers.restart_postgres()
            servers.postgres.stop()
            log.unlink()
            _move(disk / "pg_wal", log, owner)
            servers.postgres.start()
    finally:
        if disk.is_mount():
            subprocess.run(["umount", str(disk)], check=True)
        disk.rmdir()


def fill(servers: Servers, disk: Path) -> None:
    """Leave not a byte, and have the server ask for more."""
    with (disk / "ballast").open("wb") as ballast, contextlib.suppress(OSError):
        while True:
            ballast.write(bytes(1 << 20))
            ballast.flush()
    for _ in range(SEGMENTS):
        try:
            execute(
                servers.postgres.dsn,
                "select pg_logical_emit_message(true, 'rig', 'more')",
                "select pg_switch_wal()",
            )
        except (*LEDGER_LOST, asyncpg.PostgresError):
            return
    raise AssertionError(f"{SEGMENTS} segments found room on a full disk")


def empty(servers: Servers, disk: Path) -> None:
    """Room again, and the server with it."""
    (disk / "ballast").unlink()
    servers.restart_postgres()


def _move(source: Path, target: Path, owner: os.stat_result) -> None:
    shutil.copytree(source, target)
    shutil.rmtree(source)
    for path in (target, *target.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
