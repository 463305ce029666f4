"""The servers of one rig: Kafka, Postgres with a replica to promote, Redis; and each worker's own doors to them."""

import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import msgspec
from redis import Redis

from faults.tcp_proxy import Proxies, TcpProxy
from hedgerow.ledger.migrate import upgrade
from hedgerow.streams.topic_making import ensure_topics
from hedgerow_local import ports
from hedgerow_local.errors import LocalError
from hedgerow_local.kafka import KafkaServer
from hedgerow_local.postgres import SUPERUSER, PostgresServer, data_folder, execute, fetch_value, remove_data
from hedgerow_local.postgres_programs import packaged
from hedgerow_local.redis_cluster import RedisClusterServer

PARTITIONS = 4
LEDGER = "ledger"
RESTART_DEADLINE_S = 60.0


class Doors(msgspec.Struct, frozen=True):
    """One worker's ways out."""

    kafka: TcpProxy
    ledger: TcpProxy
    venue: TcpProxy

    def heal(self) -> None:
        for door in (self.kafka, self.ledger, self.venue):
            door.heal()


class Servers:
    """Started when entered through `running`, gone afterwards."""

    def __init__(self, folder: Path, room: Path, workers: tuple[str, ...]) -> None:
        self._folder, self._room = folder, room
        self._proxies = Proxies()
        kafka_port, controller_port, postgres_port, *listening = ports.free_ports(3 + len(workers))
        self.doors: Mapping[str, Doors] = {
            worker: Doors(
                kafka=self._proxies.door(port),
                ledger=self._proxies.door(postgres_port),
                # Where the exchange listens is not known before the rig is made.
                venue=self._proxies.door(0),
            )
            for worker, port in zip(workers, listening, strict=True)
        }
        # The rig's own way, so that it follows a promotion as the workers do.
        self._own_door = self._proxies.door(postgres_port)
        self.kafka = KafkaServer(
            folder / "kafka",
            kafka_port,
            controller_port,
            [(port, self.doors[worker].kafka.port) for worker, port in zip(workers, listening, strict=True)],
        )
        self.redis = RedisClusterServer(folder / "redis")
        self.postgres = self._postgres("primary", postgres_port)

    @property
    def ledger_dsn(self) -> str:
        """The ledger, wherever it is now."""
        return dsn_at("postgresql://" + SUPERUSER + "@127.0.0.1/" + LEDGER, self._own_door.port)

    def start(self) -> None:
        self.kafka.start()
        ensure_topics(self.kafka.bootstrap, PARTITIONS)
        self.redis.start()
        self.postgres.start()
        execute(self.postgres.dsn, f"create database {LEDGER}")
        upgrade(dsn_at(self.ledger_dsn, self.postgres.port))

    def stop(self) -> None:
        self.kafka.stop()
        self.redis.stop()
        self.postgres.stop()
        self._proxies.close()

    def restart_postgres(self) -> None:
        """End what is left of it and start it again; its last children may hold its folder for a moment."""
        deadline = time.monotonic() + RESTART_DEADLINE_S
        self.postgres.stop()
        while True:
            try:
                self.postgres.start()
                return
            except LocalError:
                if time.monotonic() > deadline:
                    raise
                self.postgres.stop()
                time.sleep(0.2)

    def flush_redis(self) -> None:
        """Empty every master."""
        for master in self.redis.masters:
            with Redis(port=master.port, host="127.0.0.1", socket_timeout=5.0) as link:
                link.flushall()

    @contextmanager
    def replica(self) -> Iterator["Replica"]:
        """A streaming replica of the ledger, behind a door of its own; asynchronous, as one that lags."""
        link = self._proxies.door(self.postgres.port)
        server = self._postgres(f"replica-{link.port}", ports.free_port())
        programs = packaged()
        subprocess.run(
            programs.command(
                "pg_basebackup",
                *("-D", str(programs.inside(server.data)), "-X", "stream", "-R", "-c", "fast"),
                *("-d", dsn_at(self.postgres.dsn, link.port)),
            ),
            cwd="/",
            check=True,
            capture_output=True,
            user=programs.user,
            group=programs.user,
            extra_groups=None if programs.user is None else [],
        )
        server.start()
        promoted = Replica(server=server, link=link)
        try:
            yield promoted
        finally:
            if self.postgres is not server:
                server.stop()

    def promote(self, replica: "Replica") -> None:
        """The replica becomes the ledger's server; the old one is dead already."""
        fetch_value(replica.server.dsn, "select pg_promote()")
        self.postgres = replica.server
        for door in (self._own_door, *(doors.ledger for doors in self.doors.values())):
            door.lead_to(replica.server.port)

    def _postgres(self, name: str, port: int) -> PostgresServer:
        data = data_folder(self._room / name, packaged())
        return PostgresServer(data, port, self._folder / f"postgres-{name}.log")


class Replica(msgspec.Struct, frozen=True):
    """A server that follows the ledger's through `link`; cut the link and it lags."""

    server: PostgresServer
    link: TcpProxy


@contextmanager
def running(folder: Path, workers: tuple[str, ...]) -> Iterator[Servers]:
    """Every server, with doors for these workers."""
    with tempfile.TemporaryDirectory(prefix="hedgerow-faults-") as room:
        servers = Servers(folder, Path(room), workers)
        try:
            servers.start()
            yield servers
        finally:
            servers.stop()
            for link in Path(room).iterdir():
                remove_data(link.resolve().parent if link.is_symlink() else link)


def dsn_at(dsn: str, port: int) -> str:
    """The same database at another port."""
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(netloc=f"{parts.username}@{parts.hostname}:{port}"))
