"""The exchange as a process of its own, for tests: `python exchange_process.py` with HEDGEROW_… variables set."""

import asyncio
import http.client
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import prometheus_client
import uvloop

from hedgerow.streams.context import Context, Headers
from hedgerow.streams.settings import read_settings
from hedgerow_exchange.role import role

RECORDINGS = Path(__file__).parents[3] / "recordings"
START_TIMEOUT_S = 60.0


class _NoProducer:
    """The exchange sends nothing to Kafka."""

    def send(self, topic: str, key: str, value: bytes | None, headers: Headers) -> None:
        raise AssertionError("the exchange sent a message")

    def flush(self, timeout_s: float) -> None:
        raise AssertionError("the exchange flushed a producer")


class _Conditions:
    def set(self, name: str, ok: bool, detail: str = "", outage: bool = False) -> None:
        print(f"condition {name} {ok} {detail}", flush=True)


async def _serve() -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await role.run(
        Context(
            role="exchange",
            worker="test",
            settings=read_settings(),
            producer=_NoProducer(),
            readiness=_Conditions(),
            metrics=prometheus_client.CollectorRegistry(),
            stopping=stopping,
        )
    )


class ExchangeProcess:
    """A running exchange. Its data folder outlives it, so that the next one resumes from its journal."""

    def __init__(self, folder: Path, port: int, speed: float = 1e-6, recordings: Path = RECORDINGS) -> None:
        """
        Args:
            folder: holds `keys/` and the journal's `data/`.
            speed: of the replay; almost standing still by default, so that tests meet one known book.
        """
        self.url = f"http://127.0.0.1:{port}"
        self.data, self.keys = folder / "data", folder / "keys"
        self.log = folder / "exchange.log"
        self._environment = {
            "HEDGEROW_KAFKA": "unused:1",
            "HEDGEROW_LEDGER_DSN": "unused",
            "HEDGEROW_EXCHANGE_URL": self.url,
            "HEDGEROW_EXCHANGE_FAULTS": "On",
            "HEDGEROW_KEYS_DIR": str(self.keys),
            "HEDGEROW_RECORDINGS": str(recordings),
            "HEDGEROW_DATA_DIR": str(self.data),
            "HEDGEROW_SESSION_START_NS": str(time.time_ns()),
            "HEDGEROW_REPLAY_SPEED": str(speed),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> subprocess.Popen[bytes]:
        """Start without waiting."""
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, __file__],
                env={**os.environ, **self._environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return self._process

    def start(self) -> Self:
        """Start and wait until it answers."""
        process = self.launch()
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"the exchange did not start:\n{self.log.read_text()}")
            time.sleep(0.05)
        return self

    def kill(self) -> None:
        """As `kill -9`."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """As the worker stops it; its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(number)
        try:
            return self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/v5/market/time", timeout=5):
                return True
        except (OSError, http.client.HTTPException):  # refused, reset, timed out, or not the exchange
            return False


def write_keys(folder: Path, accounts: Mapping[str, tuple[str, str]]) -> None:
    """Keys as a mounted Secret has them: `keys/<account>/apiKey` and `secret`."""
    for account, (api_key, secret) in accounts.items():
        place = folder / "keys" / account
        place.mkdir(parents=True)
        (place / "apiKey").write_text(f"{api_key}\n")
        (place / "secret").write_text(f"{secret}\n")


if __name__ == "__main__":
    uvloop.run(_serve())
