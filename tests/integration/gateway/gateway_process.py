"""A gateway as a process of its own, on a real ledger and a real Kafka, and a feed of quotes for it."""

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from confluent_kafka import Producer

from hedgerow.domain.money import exact_decimal, plain
from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import Quote
from hedgerow.schemas.topics import MARKET_ENRICHED

PATIENCE_S = 60.0
KEYS = {
    "alice": ("trader", "alice-0123456789abcdef"),
    "tom": ("trader", "tom-0123456789abcdef"),
    "rita": ("risk", "rita-0123456789abcdef"),
    "ralf": ("risk", "ralf-0123456789abcdef"),
    "vera": ("viewer", "vera-0123456789abcdef"),
}


class Answer(msgspec.Struct, frozen=True):
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def problem(self) -> str:
        """The end of the problem's type."""
        assert self.headers["content-type"] == "application/problem+json", self
        assert self.body["status"] == self.status
        return self.body["type"].rsplit("/", 1)[1]

    @property
    def fields(self) -> list[str]:
        return [error["field"] for error in self.body["errors"]]


def write_keys(folder: Path) -> Path:
    for name, (role, key) in KEYS.items():
        home = folder / name
        home.mkdir(parents=True)
        (home / "key").write_text(key + "\n")
        (home / "role").write_text(role + "\n")
    return folder


async def eventually(what: str, look: Callable[[], Awaitable[Any]]) -> Any:
    """What `look` gives once it gives something."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = await look()
        if found:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"{what}: not within {PATIENCE_S} s")


class Gateway:
    """One `hedgerow worker --roles gateway`."""

    def __init__(
        self, folder: Path, kafka: str, ledger_dsn: str, roles: str = "gateway", **other: str
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        keys = folder / "keys"
        if not keys.exists():
            write_keys(keys)
        self._log = folder / f"gateway-{time.time_ns()}.log"
        settings = {
            "HEDGEROW_KAFKA": kafka,
            "HEDGEROW_LEDGER_DSN": ledger_dsn,
            "HEDGEROW_EXCHANGE_URL": "http://127.0.0.1:1",
            "HEDGEROW_KEYS_DIR": str(folder),
            "HEDGEROW_RECORDINGS": str(folder),
            "HEDGEROW_DATA_DIR": str(folder),
            "HEDGEROW_GATEWAY_KEYS_DIR": str(keys),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hedgerow.cli.worker", "--roles", roles],
            env={**os.environ, **settings, **other},
            stderr=self._log.open("w"),
        )

    def port(self, event: str) -> int | None:
        lines = (json.loads(line) for line in self._log.read_text().splitlines() if line.endswith("}"))
        return next((line["port"] for line in lines if line.get("event") == event), None)

    async def url(self) -> str:
        async def opened() -> int | None:
            assert self._process.poll() is None, self.log_end()
            return self.port("gateway open")

        return f"http://127.0.0.1:{await eventually('gateway open', opened)}"

    async def ready(self) -> "Gateway":
        await self.url()

        async def is_ready() -> bool:
            return (await self.health("/ready"))[0] == 200

        await eventually("ready", is_ready)
        return self

    async def health(self, path: str) -> tuple[int, str]:
        """What the worker's own server says."""
        url = f"http://127.0.0.1:{self.port('listening')}{path}"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status, await answer.text()

    async def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that carry these labels."""
        _, text = await self.health("/metrics")
        samples = re.findall(rf"^{name}(?:\{{(.*)\}})? (\S+)$", text, re.MULTILINE)
        wanted = {f'{key}="{value}"' for key, value in labels.items()}
        return sum(float(value) for found, value in samples if wanted <= set(found.split(",")))

    async def call(
        self, method: str, path: str, who: str | None = "alice", json_body: Any = None, **options: Any
    ) -> Answer:
        headers = dict(options.pop("headers", {}))
        if who is not None:
            headers["Authorization"] = f"Bearer {KEYS[who][1]}"
        if json_body is not None:
            options["data"] = json.dumps(json_body)
            headers.setdefault("Content-Type", "application/json")
        url = await self.url() + path
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, headers=headers, **options) as answer,
        ):
            text = await answer.text()
            named = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, named, json.loads(text) if text else None)

    def log_end(self) -> str:
        return self._log.read_text()[-3000:]

    def signal(self, number: int) -> int:
        self._process.send_signal(number)
        return self._process.wait(PATIENCE_S)

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def make_quote(symbol: str, bid: float, ask: float, time_ns: int, valid: bool = True) -> Quote:
    return Quote(
        instrument=symbol,
        underlying="BTC",
        sequence=time_ns,
        time_ns=time_ns,
        source_time_ns=time_ns,
        bid=bid if valid else 0.0,
        ask=ask if valid else 0.0,
        bid_size=1.0,
        ask_size=1.0,
        mid=(bid + ask) / 2 if valid else 0.0,
        spread_bps=1.0,
        imbalance=0.0,
        depth_bps=20.0,
        bid_depth_usd=1e6,
        ask_depth_usd=1e6,
        reach_bps=25.0,
        valid=valid,
        reason="" if valid else "crossed",
    )


class Quotes:
    """Repeats the newest quote of each instrument, as ingestion does, so that it stays fresh."""

    def __init__(self, kafka: str) -> None:
        self._producer = Producer({"bootstrap.servers": kafka, "partitioner": "murmur2_random"})
        self._quotes: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._repeat, daemon=True)
        self._thread.start()

    def repeat(self, symbol: str, bid: float, ask: float) -> None:
        """From now on."""
        with self._lock:
            self._quotes[symbol] = (bid, ask)

    async def show(self, gateway: Gateway, symbol: str, bid: float, ask: float) -> None:
        """Return when the gateway has seen this quote."""
        self.repeat(symbol, bid, ask)

        async def seen() -> bool:
            return f"at {plain(exact_decimal(ask))}," in await self._probe(gateway, symbol)

        await eventually("the quote is seen", seen)

    async def withdraw(self, gateway: Gateway, symbol: str, quote: Quote | None = None) -> None:
        """Repeat it no more, let a last quote stand, and return when the gateway has seen it."""
        with self._lock:
            self._quotes.pop(symbol, None)
            self._send(quote or make_quote(symbol, 0, 0, time.time_ns(), valid=False))
        self._producer.flush(30)

        async def seen() -> bool:
            words = await self._probe(gateway, symbol)
            return "not valid" in words or " s old" in words

        await eventually("the last quote is seen", seen)

    def close(self) -> None:
        self._stopping.set()
        self._thread.join()
        self._producer.flush(30)

    async def _probe(self, gateway: Gateway, symbol: str) -> str:
        """What the gateway says to an order that is too large for it: the price, or why there is none."""
        order = {
            "asset_class": "CRYPTO",
            "symbol": symbol,
            "side": "BUY",
            "quantity": "1000",
            "order_type": "MARKET",
            "client_id": "probe",
        }
        return json.dumps((await gateway.call("POST", "/orders", json_body=order)).body)

    def _send(self, quote: Quote) -> None:
        self._producer.produce(MARKET_ENRICHED.name, encode(quote), quote.underlying.encode())
        self._producer.poll(0)

    def _repeat(self) -> None:
        while not self._stopping.wait(0.1):
            with self._lock:
                for symbol, (bid, ask) in self._quotes.items():
                    self._send(make_quote(symbol, bid, ask, time.time_ns()))
