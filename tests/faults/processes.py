"""Worker processes of a rig: started, killed, and started again as a supervisor would."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil


class Worker:
    """One worker process; `start` again after it died."""

    def __init__(self, name: str, roles: Sequence[str], environment: Mapping[str, str], logs: Path) -> None:
        self.name = name
        self._command = [sys.executable, "-m", "hedgerow.cli.worker", "--roles", ",".join(roles)]
        self._environment = {**os.environ, **environment}
        self._log = logs / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    def start(self, **environment: str) -> None:
        """Run it, for this life with these variables besides."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env={**self._environment, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL, and gone when this returns."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def pause(self) -> None:
        """SIGSTOP: it neither works nor ends."""
        os.kill(self.pid, signal.SIGSTOP)

    def is_paused(self) -> bool:
        return psutil.Process(self.pid).status() == psutil.STATUS_STOPPED

    def resume(self) -> None:
        """SIGCONT to one that was stopped."""
        os.kill(self.pid, signal.SIGCONT)

    def has_loaded(self, library: str) -> bool:
        """Whether a library of this name is in its memory (Linux)."""
        return library in Path(f"/proc/{self.pid}/maps").read_text()

    def logged(self, text: str) -> bool:
        return text in self._log.read_text(errors="replace")

    def stop(self) -> None:
        """SIGTERM, then SIGKILL after a while."""
        if not self.is_alive():
            return
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()

    def tail(self, lines: int = 30) -> str:
        if not self._log.exists():
            return "(no log)"
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])
