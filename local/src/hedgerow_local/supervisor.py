"""Speaks with supervisord over its unix socket."""

import http.client
import re
import socket
import sys
import time
import xmlrpc.client
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from hedgerow_local.errors import LocalError
from hedgerow_local.layout import Layout
from hedgerow_local.owned import OwnedProcess

START_DEADLINE_S = 20.0
ANSWER_TIMEOUT_S = 30.0
POLL_S = 0.1
_SPAWNED = re.compile(r"spawned: '([^']+)' with pid \d+")
_STOPPED_STATES = frozenset({"STOPPED", "EXITED", "FATAL"})
_NOT_RUNNING = 70  # supervisor's fault code


class ProgramStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One program as supervisord sees it. `state` in its words: RUNNING, STARTING, BACKOFF, STOPPED, …"""

    name: str
    state: str
    pid: int
    description: str


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=ANSWER_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _UnixConnection(self._path)


class Supervisor:
    """supervisord's commands.

    Raises:
        LocalError: by each of them, when it does not answer or refuses.
    """

    def __init__(self, socket_path: Path) -> None:
        proxy = xmlrpc.client.ServerProxy("http://localhost", transport=_UnixTransport(socket_path))
        self._proxy: Any = proxy.supervisor

    def _call(self, command: str, *arguments: object) -> Any:
        try:
            return getattr(self._proxy, command)(*arguments)
        except OSError as problem:
            raise LocalError(
                f"the supervisor does not answer: {problem}; `make stop` ends its stack"
            ) from None
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == _NOT_RUNNING and command == "stopProcess":
                return None
            raise LocalError(f"the supervisor refuses {command} {arguments}: {fault.faultString}") from None

    def answers(self) -> bool:
        try:
            return bool(self._call("getState")["statename"] == "RUNNING")
        except LocalError:
            return False

    def status(self) -> dict[str, ProgramStatus]:
        return {
            info["name"]: ProgramStatus(
                name=info["name"],
                state=info["statename"],
                pid=info["pid"],
                description=info["description"],
            )
            for info in self._call("getAllProcessInfo")
        }

    def start(self, name: str) -> None:
        """Begin to start a program; it is not awaited."""
        self._call("startProcess", name, False)

    def stop(self, names: Iterable[str], deadline_s: float) -> None:
        """Stop programs together and wait for them. supervisord kills what outstays its own grace.

        Raises:
            LocalError: they are not stopped within `deadline_s` seconds.
        """
        wanted = set(names)
        for name in wanted:
            self._call("stopProcess", name, False)
        deadline = time.monotonic() + deadline_s
        while left := {n for n, info in self.status().items() if n in wanted and _is_up(info)}:
            if time.monotonic() > deadline:
                raise LocalError(f"not stopped within {deadline_s:.0f} s: {', '.join(sorted(left))}")
            time.sleep(POLL_S)

    def shut_down(self) -> None:
        self._call("shutdown")


def _is_up(info: ProgramStatus) -> bool:
    return info.state not in _STOPPED_STATES


def restarts(supervisor_log: Path) -> dict[str, int]:
    """How often each program was started again after its first start, counted in supervisord's own log."""
    spawned = Counter(_SPAWNED.findall(supervisor_log.read_text()))
    return {name: count - 1 for name, count in spawned.items()}


def start_supervisor(layout: Layout, environment: Mapping[str, str]) -> OwnedProcess:
    """Run supervisord on the configuration that is there, and wait until it answers.

    It gets a session of its own, so that Ctrl-C on the terminal reaches only the command that ends it in order.

    Raises:
        LocalError: it ended, or did not answer within the deadline.
    """
    layout.supervisor_socket.unlink(missing_ok=True)
    layout.log("supervisor").unlink(missing_ok=True)
    process = OwnedProcess(
        "supervisord",
        [str(Path(sys.executable).parent / "supervisord"), "-c", str(layout.supervisor_config)],
        log=layout.log("supervisor-output"),
        environment=environment,
    )
    supervisor = Supervisor(layout.supervisor_socket)
    deadline = time.monotonic() + START_DEADLINE_S
    while not supervisor.answers():
        process.require_alive()
        if time.monotonic() > deadline:
            process.stop(grace_s=1)
            raise LocalError(f"supervisord did not answer within {START_DEADLINE_S:.0f} s; see {process.log}")
        time.sleep(0.05)
    return process
