"""A worker as a process of its own, for tests to start, ask, signal and end."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATIENCE_S = 60.0


def eventually(what: str, look: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
    """What `look` gives once it gives something."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {patience_s} s")


class WorkerProcess:
    """One `hedgerow worker`, as a process of its own."""

    def __init__(self, roles: str, environment: dict[str, str], log: Path) -> None:
        self.log = log
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hedgerow.cli.worker", "--roles", roles],
            env={**os.environ, **environment},
            stderr=log.open("w"),
        )

    def logged(self, event: str) -> list[dict[str, Any]]:
        lines = (json.loads(line) for line in self.log.read_text().splitlines() if line.endswith("}"))
        return [line for line in lines if line.get("event") == event]

    def get(self, path: str) -> tuple[int, str]:
        port = eventually("listening", self._listening)[0]["port"]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read().decode()

    def _listening(self) -> list[dict[str, Any]]:
        assert self._process.poll() is None, self.log.read_text()[-3000:]
        return self.logged("listening")

    def is_ready(self) -> bool:
        self._listening()
        return self.get("/ready")[0] == 200

    def wait_ready(self) -> "WorkerProcess":
        eventually("ready", self.is_ready)
        return self

    def signal(self, number: int) -> int:
        """Send it and wait; the exit code."""
        self._process.send_signal(number)
        return self._process.wait(PATIENCE_S)

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait(self) -> int:
        return self._process.wait(PATIENCE_S)

    def end(self) -> None:
        """Let it leave its group, so that the next test's worker need not wait for its session to expire."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
