"""A Postgres server of our own: its data in a folder of ours, on loopback, as durable as in production.

The packaged server that may already run on this machine is left alone.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import psutil  # type: ignore[import-untyped]

from hedgerow_local.errors import LocalError
from hedgerow_local.owned import OwnedProcess, ProcessId
from hedgerow_local.ports import LOOPBACK
from hedgerow_local.postgres_programs import Programs, packaged

SUPERUSER = "hedgerow"
STOP_SIGNAL = signal.SIGINT  # fast shutdown: SIGTERM would wait for every client to leave
START_DEADLINE_S = 60.0
STOP_GRACE_S = 20.0


def data_folder(wanted: Path, programs: Programs | None = None) -> Path:
    """A folder for the server's data that its programs can reach: `wanted`, or for root one elsewhere.

    A checkout may lie below a folder that only root may enter (`/root`, a temporary folder of mode 0700), so as root
    the data goes to a folder of its own and `wanted` becomes a link to it. When the link is gone, what it pointed to
    belongs to state that was deleted, and is deleted too.

    Raises:
        LocalError: the folder there belongs to somebody else.
    """
    programs = programs or packaged()
    wanted.parent.mkdir(parents=True, exist_ok=True)
    room = programs.room(wanted)
    if room is None:
        return wanted
    user, group = programs.owner()
    data = room / "pg"
    if room.exists() and room.lstat().st_uid != user:
        raise LocalError(f"{room} is needed for Postgres but belongs to somebody else; remove it")
    if not wanted.is_symlink() or wanted.readlink() != data:
        remove_data(room)
        wanted.unlink(missing_ok=True)
        wanted.symlink_to(data)
    if not room.exists():
        room.mkdir(mode=0o700)
        os.chown(room, user, group)
    return data


def remove_data(folder: Path) -> None:
    """Delete a server's folder.

    Raises:
        LocalError: a server is still running in it.
    """
    if not folder.exists():
        return
    running = running_postmaster(folder / "pg")
    if running is not None:
        raise LocalError(f"a Postgres server (process {running.pid}) still runs in {folder}; end it first")
    shutil.rmtree(folder)


def running_postmaster(data: Path) -> psutil.Process | None:
    """The server that runs in this data folder, by the lock file that it keeps there."""
    try:
        pid, _, started, *_ = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    return ProcessId(int(pid), float(started)).find()


def initialise(data: Path, programs: Programs | None = None) -> None:
    """Make a data folder unless there is one. It is made aside and renamed, so half a folder is never used.

    Raises:
        LocalError: initdb failed; the message has what it said.
    """
    if (data / "PG_VERSION").exists():
        return
    aside = data.with_name(data.name + ".new")
    if aside.exists():
        shutil.rmtree(aside)
    programs = programs or packaged()
    user = programs.user
    result = subprocess.run(
        programs.command(
            "initdb",
            f"--pgdata={programs.inside(aside)}",
            f"--username={SUPERUSER}",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
        ),
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    if result.returncode != 0:
        raise LocalError(f"initdb for {data} failed:\n{result.stdout}{result.stderr}")
    aside.rename(data)


def server_command(data: Path, port: int, programs: Programs | None = None) -> list[str]:
    """How to run the server in the foreground: on loopback only, without a socket file to collide on."""
    programs = programs or packaged()
    settings = {
        "listen_addresses": LOOPBACK,
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "200",
        "log_line_prefix": "%m [%p] ",
        **programs.settings,
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return programs.command("postgres", "-D", str(programs.inside(data)), *options)


def server_dsn(port: int, database: str = "postgres") -> str:
    return f"postgresql://{SUPERUSER}@{LOOPBACK}:{port}/{database}"


def execute(dsn: str, *statements: str) -> None:
    """Run statements one by one, each on its own (so `CREATE DATABASE` is possible), from any thread or loop.

    Raises:
        asyncpg.PostgresError, OSError: as the server or the connection said.
    """

    async def run(connection: Any) -> None:
        for statement in statements:
            await connection.execute(statement)

    _connected(dsn, run)


def fetch_value(dsn: str, query: str) -> Any:
    """The first column of the first row, from any thread or loop.

    Raises:
        asyncpg.PostgresError, OSError: as the server or the connection said.
    """

    async def run(connection: Any) -> Any:
        return await connection.fetchval(query)

    return _connected(dsn, run)


def _connected(dsn: str, work: Callable[[Any], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        connection = await asyncpg.connect(dsn, timeout=5)
        try:
            return await work(connection)
        finally:
            await connection.close()

    # A thread of its own: the caller may already be inside an event loop.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, run()).result()


def ensure_database(admin_dsn: str, name: str) -> None:
    """Make a database unless it is there."""
    try:
        execute(admin_dsn, f'CREATE DATABASE "{name}"')
    except asyncpg.DuplicateDatabaseError:
        return


def wait_until_ready(
    dsn: str, data: Path, require_alive: Callable[[], None], programs: Programs | None = None
) -> None:
    """Wait until the server on this data folder answers a query; another one on its port does not count.

    Raises:
        LocalError: it did not within the deadline, or `require_alive` found that it ended.
    """
    seen = str((programs or packaged()).inside(data))
    deadline = time.monotonic() + START_DEADLINE_S
    while True:
        require_alive()
        try:
            if fetch_value(dsn, "SHOW data_directory") == seen:
                return
        except (OSError, asyncpg.PostgresError, TimeoutError):
            pass  # not listening yet, or still recovering
        if time.monotonic() > deadline:
            raise LocalError(f"Postgres on {data} did not answer at {dsn} in {START_DEADLINE_S:.0f} s")
        time.sleep(0.1)


class PostgresServer:
    """A server that lives as long as its owner: for tests."""

    def __init__(self, data: Path, port: int, log: Path, programs: Programs | None = None) -> None:
        self.data = data
        self._programs = programs or packaged()
        self.port = port
        self._log = log
        self._process: OwnedProcess | None = None

    @property
    def dsn(self) -> str:
        return server_dsn(self.port)

    def start(self) -> None:
        initialise(self.data, self._programs)
        self._process = OwnedProcess(
            "Postgres",
            server_command(self.data, self.port, self._programs),
            log=self._log,
            user=self._programs.user,
            stop_signal=STOP_SIGNAL,
        )
        wait_until_ready(self.dsn, self.data, self._process.require_alive, self._programs)

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            self._process.kill()

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop(STOP_GRACE_S)
            self._process = None
