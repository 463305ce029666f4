"""Processes that we started, and only those: found again by id and start time, never by name."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
import psutil  # type: ignore[import-untyped]

from hedgerow_local.errors import LocalError

LOG_TAIL_LINES = 20
# Start times count from boot, and the clock may be set meanwhile: the same process can seem to move this far.
SAME_START_S = 2.0


class ProcessId(msgspec.Struct, frozen=True):
    """A process id means nothing without its start time (seconds since the epoch): ids are used again."""

    pid: int
    started: float

    def find(self) -> psutil.Process | None:
        """The process, while it is still the same one and not a zombie."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < SAME_START_S
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


def identify(pid: int) -> ProcessId:
    """The lasting name of a running process.

    Raises:
        psutil.NoSuchProcess: it is not running.
    """
    return ProcessId(pid, psutil.Process(pid).create_time())


def log_tail(log: Path) -> str:
    """The last lines of a log file, indented, for an error message."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return "  (no log)"
    return "\n".join(f"  {line}" for line in lines[-LOG_TAIL_LINES:]) or "  (empty log)"


class OwnedProcess:
    """A server of ours, in a session of its own, with its output in a log file.

    Args:
        user: run as this system user; only root may ask for it.
        stop_signal: what asks the program to end in order; it goes to the program alone, the group is
            only killed when that was not enough.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.log = log
        self._stop_signal = stop_signal
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if environment is None else dict(environment),
                cwd="/",
                start_new_session=True,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    def require_alive(self) -> None:
        """Raises:
        LocalError: the process has ended; the message has its exit code and the end of its log.
        """
        code = self._popen.poll()
        if code is not None:
            raise LocalError(f"{self.name} ended with code {code}; {self.log} says:\n{log_tail(self.log)}")

    def kill(self) -> None:
        """End it as a crash would: SIGKILL to its whole group."""
        self._kill_group()
        self._popen.wait()

    def stop(self, grace_s: float) -> None:
        """Ask it to end, wait `grace_s` seconds, then kill its group. Nothing of it is left on return."""
        if self._popen.poll() is None:
            self._popen.send_signal(self._stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(grace_s)
        self._kill_group()
        self._popen.wait()

    def _kill_group(self) -> None:
        # macOS answers "not permitted" for a group whose members are all gone.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, signal.SIGKILL)


def marked_processes(variable: str, value: str) -> list[psutil.Process]:
    """Every process, except this one, that was started with `variable=value` in its environment.

    The value must be unique to whoever set it: then this finds also those whose parent is gone.
    """
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(variable) == value:
                found.append(process)
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess, OSError):
            # Not ours to read, or already gone: both mean that it is not one we must end.
            continue
    return found


def end_all(processes: Iterable[psutil.Process], grace_s: float) -> None:
    """Terminate these processes, wait `grace_s` seconds, kill what is left."""
    remaining = list(processes)
    for ask in (psutil.Process.terminate, psutil.Process.kill):
        for process in remaining:
            with contextlib.suppress(psutil.NoSuchProcess):
                ask(process)
        remaining = still_running(remaining, grace_s)
        if not remaining:
            return


def still_running(processes: Iterable[psutil.Process], timeout_s: float) -> list[psutil.Process]:
    """Wait until these processes have ended; those that have not after `timeout_s` seconds.

    A zombie has ended: it may be nobody's child any more, or its parent may never ask.
    """
    deadline = time.monotonic() + timeout_s
    remaining = list(processes)
    while remaining := [process for process in remaining if _runs(process)]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return remaining


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
