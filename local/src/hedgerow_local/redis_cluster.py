"""A Redis Cluster of three masters on loopback, for the cache: nothing in it must outlive a start of the stack."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from redis import Redis
from redis.exceptions import RedisError

from hedgerow_local.errors import LocalError
from hedgerow_local.owned import OwnedProcess
from hedgerow_local.ports import LOOPBACK, free_ports

MASTERS = 3
SLOTS = 16_384
START_DEADLINE_S = 60.0
STOP_GRACE_S = 10.0
# What the masters give up on each other after; a dead one's slots are refused from then on, the others serve.
NODE_TIMEOUT_MS = 2_000
MEMORY = "128mb"
# Sharded pub/sub, and a port of one's own choice for the masters' talk, came with 7.
OLDEST_MAJOR = 7
_PROGRAMS = ("redis-server", "valkey-server")
_VERSION = re.compile(r"v=(\d+)\.")


class Master(msgspec.Struct, frozen=True):
    """One master: where clients reach it, where the other masters do, and its folder."""

    home: Path
    port: int
    bus_port: int


def masters(home: Path, ports: Sequence[int], bus_ports: Sequence[int]) -> tuple[Master, ...]:
    """The masters of a cluster in this folder, on these ports."""
    return tuple(
        Master(home / str(number), port, bus_port)
        for number, (port, bus_port) in enumerate(zip(ports, bus_ports, strict=True), 1)
    )


def addresses(cluster: Sequence[Master]) -> str:
    """As `HEDGEROW_REDIS` has them."""
    return ",".join(f"{LOOPBACK}:{master.port}" for master in cluster)


def server_program() -> str:
    """The server to run: Redis, else Valkey.

    Raises:
        LocalError: there is none, or it is too old for sharded pub/sub.
    """
    found = next((path for name in _PROGRAMS if (path := shutil.which(name))), None)
    if found is None:
        raise LocalError(
            "no redis-server and no valkey-server on PATH: scripts/install.sh installs it or says how"
        )
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    version = _VERSION.search(said)
    if version is None or int(version[1]) < OLDEST_MAJOR:
        raise LocalError(
            f"{found} says {said.strip()!r}; sharded pub/sub needs Redis {OLDEST_MAJOR} or newer, or Valkey"
        )
    return found


def prepare(cluster: Sequence[Master]) -> None:
    """Empty every master's folder and write its settings. Ports change with each start, so no map is kept; a
    master that is started again meanwhile finds its own in `nodes.conf`."""
    for master in cluster:
        shutil.rmtree(master.home, ignore_errors=True)
        master.home.mkdir(parents=True)
        (master.home / "redis.conf").write_text(_settings(master))


def _settings(master: Master) -> str:
    settings = {
        "bind": LOOPBACK,
        "port": master.port,
        "dir": f'"{master.home}"',
        "cluster-enabled": "yes",
        "cluster-port": master.bus_port,
        "cluster-config-file": "nodes.conf",
        "cluster-node-timeout": NODE_TIMEOUT_MS,
        "cluster-require-full-coverage": "no",
        "save": '""',
        "appendonly": "no",
        # Every key ends by itself; should there be too many, those that end soonest go first.
        "maxmemory": MEMORY,
        "maxmemory-policy": "volatile-ttl",
    }
    return "".join(f"{name} {value}\n" for name, value in settings.items())


def server_command(master: Master) -> list[str]:
    """How to run a master in the foreground, once `prepare` was called.

    Raises:
        LocalError: see `server_program`.
    """
    return [server_program(), str(master.home / "redis.conf")]


def form(cluster: Sequence[Master], require_alive: Callable[[], None]) -> None:
    """Have the masters meet and share the slots; what is done already is left. Returns when each sees all slots served.

    Raises:
        LocalError: they did not within the deadline, or `require_alive` found that one ended.
    """
    deadline = time.monotonic() + START_DEADLINE_S
    links: list[Any] = [Redis(port=master.port, host=LOOPBACK, socket_timeout=2.0) for master in cluster]
    try:
        for number, (master, link) in enumerate(zip(cluster, links, strict=True)):
            _until(deadline, require_alive, partial(_take_share, link, number, len(cluster)), master)
        first = cluster[0]
        for link in links[1:]:
            link.execute_command("CLUSTER MEET", LOOPBACK, first.port, first.bus_port)
        for master, link in zip(cluster, links, strict=True):
            _until(deadline, require_alive, partial(_is_whole, link, len(cluster)), master)
    finally:
        for link in links:
            link.close()


def _until(
    deadline: float, require_alive: Callable[[], None], done: Callable[[], bool], master: Master
) -> None:
    problem = "its cluster is not whole"
    while time.monotonic() < deadline:
        require_alive()
        try:
            if done():
                return
        except RedisError as error:
            problem = str(error)
        time.sleep(0.05)
    raise LocalError(
        f"Redis at {LOOPBACK}:{master.port} was not part of a whole cluster in {START_DEADLINE_S:.0f} s: {problem}"
    )


def _take_share(link: Any, number: int, count: int) -> bool:
    """Its own even part of the slots, unless it has slots already."""
    if int(_info(link)["cluster_slots_assigned"]) == 0:
        # Masters whose epochs differ from the start need not settle it between them.
        link.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
        link.execute_command(
            "CLUSTER ADDSLOTSRANGE", SLOTS * number // count, SLOTS * (number + 1) // count - 1
        )
    return True


def _is_whole(link: Any, count: int) -> bool:
    info = _info(link)
    return (
        info["cluster_state"] == "ok"
        and int(info["cluster_slots_ok"]) == SLOTS
        and int(info["cluster_size"]) == count
    )


def _info(link: Any) -> dict[str, str]:
    answer = link.execute_command("CLUSTER INFO")
    return {str(name): str(value) for name, value in answer.items()}


class RedisClusterServer:
    """A cluster that lives as long as its owner: for tests. A master can be killed and started again."""

    def __init__(self, home: Path) -> None:
        ports = free_ports(2 * MASTERS)
        self.masters = masters(home, ports[:MASTERS], ports[MASTERS:])
        self._processes: dict[Master, OwnedProcess] = {}

    @property
    def addresses(self) -> str:
        return addresses(self.masters)

    def start(self) -> None:
        prepare(self.masters)
        for master in self.masters:
            self.start_master(master)
        form(self.masters, self._require_alive)

    def start_master(self, master: Master) -> None:
        """Run it, or run it again with what it remembers of its cluster."""
        self._processes[master] = OwnedProcess(
            f"Redis {master.port}", server_command(master), log=master.home / "redis.log"
        )

    def kill_master(self, master: Master) -> None:
        """End it as a crash would."""
        self._processes.pop(master).kill()

    def hang_master(self, master: Master) -> None:
        """Let it neither answer nor end."""
        os.kill(self._processes[master].pid, signal.SIGSTOP)

    def wait_until_whole(self) -> None:
        """Start whatever was killed, wake what hangs, and return when all slots are served again."""
        for master in self.masters:
            if master not in self._processes:
                self.start_master(master)
            os.kill(self._processes[master].pid, signal.SIGCONT)
        form(self.masters, self._require_alive)

    def stop(self) -> None:
        for process in self._processes.values():
            process.stop(STOP_GRACE_S)
        self._processes.clear()

    def _require_alive(self) -> None:
        for process in self._processes.values():
            process.require_alive()
