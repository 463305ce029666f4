"""Real servers for tests, started when the first test asks and gone when the last has ended.

    kafka              bootstrap servers; every topic is there, with 4 partitions
    postgres           admin DSN
    ledger_dsn         a fresh, migrated ledger for one test; module_ledger_dsn for one module
    timescale          admin DSN of a server with TimescaleDB; skips where there is none
    history_dsn        a fresh, migrated history for one test: once on TimescaleDB, once on plain Postgres
    kube_apiserver     kubeconfig of a real API server that has the CRDs; no controllers run
    free_port          a TCP port that nobody listens on

`HEDGEROW_TEST_KAFKA` (bootstrap servers), `HEDGEROW_TEST_POSTGRES` and `HEDGEROW_TEST_TIMESCALE` (admin DSNs) name
servers to use instead.
"""

import atexit
import os
import signal
import subprocess
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
from kube_server import ROOT, KubeServer, program

from hedgerow.history.migrate import upgrade as upgrade_history
from hedgerow.ledger.migrate import upgrade
from hedgerow.streams.topic_making import ensure_topics
from hedgerow_local import ports
from hedgerow_local.kafka import KafkaServer
from hedgerow_local.owned import end_all, marked_processes
from hedgerow_local.postgres import PostgresServer, data_folder, execute, remove_data
from hedgerow_local.postgres_programs import Programs, for_history, packaged
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
    """Empty for one that has ended, though nobody asked for its exit code yet, and for the helper that Python's own
    multiprocessing keeps until this process ends."""
    try:
        command = " ".join(process.cmdline())
        return "" if "multiprocessing.resource_tracker" in command else f"{process.pid} {command[:200]}"
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

    def __init__(self, server: KafkaServer | PostgresServer | RedisClusterServer | KubeServer) -> None:
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
    with _running_kafka(tmp_path_factory.mktemp("kafka")) as bootstrap:
        yield bootstrap


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Kafka whose topics hold nothing but one module's messages: a new ledger counts its books from one again."""
    with _running_kafka(tmp_path_factory.mktemp("kafka")) as bootstrap:
        yield bootstrap


@contextmanager
def _running_kafka(folder: Path) -> Iterator[str]:
    server = KafkaServer(folder, *ports.free_ports(2))
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
    with _own_postgres(packaged()) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def timescale() -> Iterator[str]:
    """Admin DSN of a Postgres with TimescaleDB."""
    given = os.environ.get("HEDGEROW_TEST_TIMESCALE")
    if given:
        yield given
        return
    programs = for_history()
    if not programs.has_timescaledb:
        pytest.skip("TimescaleDB is not here; scripts/install.sh installs it where it can be had")
    with _own_postgres(programs) as dsn:
        yield dsn


@contextmanager
def _own_postgres(programs: Programs) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="hedgerow-test-") as folder:
        data = data_folder(Path(folder) / "pg", programs)
        server = PostgresServer(data, ports.free_port(), Path(folder) / "postgres.log", programs)
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


@pytest.fixture(scope="session")
def kube_apiserver() -> Iterator[Path]:
    """Kubeconfig, with every right, of a real API server that has the CRDs. No controllers run."""
    with tempfile.TemporaryDirectory(prefix="hedgerow-test-") as folder:
        server = KubeServer(Path(folder))
        with _Stoppable(server):
            kubectl = [str(program("kubectl")), f"--kubeconfig={server.kubeconfig}"]
            crds = str(ROOT / "k8s/crds")
            subprocess.run([*kubectl, "apply", "-f", crds], check=True, capture_output=True)
            wait = [*kubectl, "wait", "--for=condition=Established", "--timeout=120s", "-f", crds]
            subprocess.run(wait, check=True, capture_output=True)
            yield server.kubeconfig


@contextmanager
def _fresh_database(admin_dsn: str, upgraded: Callable[[str], None]) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    dsn = urlunsplit(urlsplit(admin_dsn)._replace(path=f"/{name}"))
    execute(admin_dsn, f"CREATE DATABASE {name}")
    try:
        upgraded(dsn)
        yield dsn
    finally:
        execute(admin_dsn, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def ledger_dsn(postgres: str) -> Iterator[str]:
    """DSN of a fresh, migrated ledger that only this test sees."""
    with _fresh_database(postgres, upgrade) as dsn:
        yield dsn


@pytest.fixture(scope="module")
def module_ledger_dsn(postgres: str) -> Iterator[str]:
    """DSN of a fresh, migrated ledger that this module's tests share."""
    with _fresh_database(postgres, upgrade) as dsn:
        yield dsn


@pytest.fixture(params=["timescale", "postgres"])
def history_dsn(request: pytest.FixtureRequest) -> Iterator[str]:
    """DSN of a fresh, migrated history that only this test sees, on either kind of server."""
    with _fresh_database(request.getfixturevalue(request.param), upgrade_history) as dsn:
        yield dsn


@pytest.fixture(scope="module", params=["timescale", "postgres"])
def module_history_dsn(request: pytest.FixtureRequest) -> Iterator[str]:
    """As `history_dsn`, shared by this module's tests."""
    with _fresh_database(request.getfixturevalue(request.param), upgrade_history) as dsn:
        yield dsn


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Call it for a TCP port on loopback that nobody listens on."""
    return ports.free_port
