"""Real servers for tests, started when the first test asks and gone when the last has ended.

    kafka              bootstrap servers; every topic is there, with 4 partitions
    postgres           admin DSN
    ledger_dsn         a fresh, migrated ledger for one test; module_ledger_dsn for one module
    free_port          a TCP port that nobody listens on

`HEDGEROW_TEST_KAFKA` (bootstrap servers) and `HEDGEROW_TEST_POSTGRES` (admin DSN) name servers to use instead.
"""

import atexit
import os
import signal
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit, urlunsplit

import psutil
import pytest
from hypothesis import core as hypothesis_core
from hypothesis import settings as hypothesis_settings

from hedgerow.ledger.migrate import upgrade
from hedgerow.streams.topic_making import ensure_topics
from hedgerow_local import ports
from hedgerow_local.kafka import KafkaServer
from hedgerow_local.owned import end_all, marked_processes
from hedgerow_local.postgres import PostgresServer, data_folder, execute, remove_data
from hedgerow_local.redis_cluster import RedisClusterServer

PARTITIONS = 4
HYPOTHESIS_SEED = 20240808
SESSION_VARIABLE = "HEDGEROW_TEST_SESSION"
SESSION = uuid.uuid4().hex

hypothesis_settings.register_profile("hedgerow", deadline=None, print_blob=True, database=None)
hypothesis_settings.load_profile("hedgerow")


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def pytest_configure(config: pytest.Config) -> None:
    # The seed is the same in every run, so that a failure is found again; --hypothesis-seed takes another.
    if config.getoption("hypothesis_seed") is None:
        hypothesis_core.global_force_seed = HYPOTHESIS_SEED
    # Whatever a test starts inherits this mark, so that it is found even when its parent is gone.
    os.environ[SESSION_VARIABLE] = SESSION
    # Without this, a SIGTERM would skip the fixtures' ends and leave the servers behind.
    signal.signal(signal.SIGTERM, _interrupt)


def pytest_report_header() -> list[str]:
    return [
        f"hypothesis seed: {hypothesis_core.global_force_seed}",
        f"kafka: {os.environ.get('HEDGEROW_TEST_KAFKA', 'started for this session')}",
        f"redis cluster: {os.environ.get('HEDGEROW_TEST_REDIS', 'started for this session')}",
        f"postgres: {os.environ.get('HEDGEROW_TEST_POSTGRES', 'started for this session')}",
    ]


def _describe(process: psutil.Process) -> str:
    """Empty for one that has ended, though nobody asked for its exit code yet."""
    try:
        return f"{process.pid} {' '.join(process.cmdline())[:200]}"
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    left = {*marked_processes(SESSION_VARIABLE, SESSION), *psutil.Process().children(recursive=True)}
    names = [name for name in map(_describe, left) if name]
    if names:
        end_all(left, grace_s=5)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        print("\nFAILED: tests left processes behind (now ended):", *names, sep="\n  ")


class _Stoppable:
    """Stops a server once: at the fixture's end, or at interpreter exit when that was skipped."""

    def __init__(self, server: KafkaServer | PostgresServer | RedisClusterServer) -> None:
        self._server = server

    def __enter__(self) -> None:
        atexit.register(self._server.stop)
        self._server.start()

    def __exit__(self, *_: object) -> None:
        self._server.stop()
        atexit.unregister(self._server.stop)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap servers of a Kafka that has every topic, with 4 partitions."""
    given = os.environ.get("HEDGEROW_TEST_KAFKA")
    if given:
        ensure_topics(given, PARTITIONS)
        yield given
        return
    server = KafkaServer(tmp_path_factory.mktemp("kafka"), *ports.free_ports(2))
    with _Stoppable(server):
        ensure_topics(server.bootstrap, PARTITIONS)
        yield server.bootstrap


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Admin DSN of a Postgres, as durable as in production."""
    given = os.environ.get("HEDGEROW_TEST_POSTGRES")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="hedgerow-test-") as folder:
        data = data_folder(Path(folder) / "pg")
        server = PostgresServer(data, ports.free_port(), Path(folder) / "postgres.log")
        try:
            with _Stoppable(server):
                yield server.dsn
        finally:
            remove_data(data.parent)


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Nodes of a Redis Cluster of three masters, `host:port,…`. Tests share it: names of their own keep them apart."""
    given = os.environ.get("HEDGEROW_TEST_REDIS")
    if given:
        yield given
        return
    server = RedisClusterServer(tmp_path_factory.mktemp("redis"))
    with _Stoppable(server):
        yield server.addresses


@pytest.fixture
def own_redis_cluster(tmp_path: Path) -> Iterator[RedisClusterServer]:
    """A Redis Cluster that only this test sees, so that it may kill masters and flush them."""
    server = RedisClusterServer(tmp_path / "redis")
    with _Stoppable(server):
        yield server


@contextmanager
def _fresh_ledger(admin_dsn: str) -> Iterator[str]:
    name = f"ledger_{uuid.uuid4().hex}"
    dsn = urlunsplit(urlsplit(admin_dsn)._replace(path=f"/{name}"))
    execute(admin_dsn, f"CREATE DATABASE {name}")
    try:
        upgrade(dsn)
        yield dsn
    finally:
        execute(admin_dsn, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def ledger_dsn(postgres: str) -> Iterator[str]:
    """DSN of a fresh, migrated ledger that only this test sees."""
    with _fresh_ledger(postgres) as dsn:
        yield dsn


@pytest.fixture(scope="module")
def module_ledger_dsn(postgres: str) -> Iterator[str]:
    """DSN of a fresh, migrated ledger that this module's tests share."""
    with _fresh_ledger(postgres) as dsn:
        yield dsn


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Call it for a TCP port on loopback that nobody listens on."""
    return ports.free_port
