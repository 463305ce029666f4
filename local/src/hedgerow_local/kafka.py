"""One Kafka node from the official jars: broker and controller in one process, on loopback."""

import base64
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from hedgerow_local.errors import LocalError
from hedgerow_local.owned import OwnedProcess
from hedgerow_local.ports import LOOPBACK

VERSION = "4.1.1"
HEAP = "512m"
START_DEADLINE_S = 90.0
STOP_GRACE_S = 20.0
# Ports that the node also listens on, each with the port of the proxy that clients reach it by.
Doors = Sequence[tuple[int, int]]


def jars_folder(environment: dict[str, str] | os._Environ[str] = os.environ) -> Path:
    """Where the install script keeps Kafka's jars, shared by every checkout."""
    cache = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "hedgerow" / f"kafka-{VERSION}"


def java_command() -> str:
    """The Java to run: `JAVA_HOME`'s, else the one on PATH.

    Raises:
        LocalError: there is none.
    """
    home = os.environ.get("JAVA_HOME")
    if home and (Path(home) / "bin" / "java").is_file():
        return str(Path(home) / "bin" / "java")
    found = shutil.which("java")
    if found is None:
        raise LocalError("no java on PATH and none in JAVA_HOME; scripts/install.sh installs it or says how")
    return found


def _java(*arguments: str) -> list[str]:
    jars = jars_folder()
    if not (jars / f"kafka_2.13-{VERSION}.jar").is_file():
        raise LocalError(f"Kafka's jars are not in {jars}; scripts/install.sh fetches them")
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    return [java_command(), f"-Xmx{HEAP}", quiet, "-cp", f"{jars}/*", *arguments]


def _properties(logs: Path, port: int, controller_port: int, doors: Doors) -> str:
    names = [f"DOOR{number}" for number in range(len(doors))]
    listeners = [f"{name}://{LOOPBACK}:{own}" for name, (own, _) in zip(names, doors, strict=True)]
    advertised = [f"{name}://{LOOPBACK}:{other}" for name, (_, other) in zip(names, doors, strict=True)]
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "listeners": ",".join(
            [f"PLAINTEXT://{LOOPBACK}:{port}", f"CONTROLLER://{LOOPBACK}:{controller_port}", *listeners]
        ),
        "advertised.listeners": ",".join([f"PLAINTEXT://{LOOPBACK}:{port}", *advertised]),
        "listener.security.protocol.map": ",".join(
            f"{name}:PLAINTEXT" for name in ("PLAINTEXT", "CONTROLLER", *names)
        ),
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "log.dirs": str(logs),
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        # A killed worker's partitions move on within seconds; brokers refuse sessions below 6 s unless told.
        "group.min.session.timeout.ms": "1000",
        "group.initial.rebalance.delay.ms": "0",
        # The default takes a quarter of this heap for compaction.
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def prepare(home: Path, port: int, controller_port: int, doors: Doors = ()) -> None:
    """Write the node's settings for these ports, and format its storage unless that was done before.

    The storage is formatted aside and renamed, so half a format is never used.

    Raises:
        LocalError: the jars or Java are missing, or formatting failed.
    """
    home.mkdir(parents=True, exist_ok=True)
    data = home / "data"
    if not data.exists():
        aside = home / "data.new"
        shutil.rmtree(aside, ignore_errors=True)
        format_settings = home / "format.properties"
        format_settings.write_text(_properties(aside, port, controller_port, doors))
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        tool = (
            "kafka.tools.StorageTool",
            "format",
            f"--cluster-id={cluster}",
            "--config",
            str(format_settings),
        )
        result = subprocess.run(_java(*tool), capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise LocalError(f"formatting Kafka's storage in {home} failed:\n{result.stdout}{result.stderr}")
        aside.rename(data)
    (home / "server.properties").write_text(_properties(data, port, controller_port, doors))


def server_command(home: Path) -> list[str]:
    """How to run the node in the foreground, once `prepare` was called.

    Raises:
        LocalError: the jars or Java are missing.
    """
    return _java("kafka.Kafka", str(home / "server.properties"))


def admin_client(bootstrap: str) -> AdminClient:
    """An admin client that stays silent while the server is still coming up."""
    settings: dict[str, Any] = {
        "bootstrap.servers": bootstrap,
        "log_level": 0,
        "error_cb": lambda _: None,
    }
    return AdminClient(settings)


def _cluster(home: Path) -> str:
    """The cluster id that the storage was formatted with."""
    lines = (home / "data" / "meta.properties").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)["cluster.id"]


def wait_until_ready(bootstrap: str, home: Path, require_alive: Callable[[], None]) -> None:
    """Wait until the node of this home answers as a broker; another one on its port does not count.

    Raises:
        LocalError: it did not within the deadline, or `require_alive` found that it ended.
    """
    deadline = time.monotonic() + START_DEADLINE_S
    admin = admin_client(bootstrap)
    cluster = _cluster(home)
    while time.monotonic() < deadline:
        require_alive()
        try:
            answer = admin.list_topics(timeout=1)
            if answer.brokers and answer.cluster_id == cluster:
                return
        except KafkaException:
            pass  # not listening yet
        time.sleep(0.1)
    raise LocalError(f"Kafka in {home} did not answer at {bootstrap} in {START_DEADLINE_S:.0f} s")


class KafkaServer:
    """A node that lives as long as its owner: for tests. It can be killed and started again."""

    def __init__(self, home: Path, port: int, controller_port: int, doors: Doors = ()) -> None:
        self.home = home
        self._ports = (port, controller_port)
        self._doors = doors
        self._process: OwnedProcess | None = None

    @property
    def bootstrap(self) -> str:
        return f"{LOOPBACK}:{self._ports[0]}"

    def start(self) -> None:
        prepare(self.home, *self._ports, self._doors)
        self._process = OwnedProcess("Kafka", server_command(self.home), log=self.home / "kafka.log")
        wait_until_ready(self.bootstrap, self.home, self._process.require_alive)

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            self._process.kill()

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop(STOP_GRACE_S)
            self._process = None
