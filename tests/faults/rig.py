"""The whole pipeline on real servers, to be hurt at named steps while clients trade."""

import asyncio
import json
import secrets
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import hedge_examples as example
from faults.processes import Worker

from hedgerow.ledger.connection import connect
from hedgerow.ledger.strategies import publish_strategy, publish_venue
from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import StrategyPublished
from hedgerow.schemas.topics import STRATEGIES
from hedgerow.strategy.compiled import BandUnit, CompiledStrategy, Freshness
from hedgerow_local import ports
from hedgerow_local.keys import GENERATOR, ensure_gateway_keys

ACCOUNT = example.ACCOUNT
VENUE = example.venue(
    namespace="default", name="paper", max_gross_notional=Decimal(100_000_000), orders_per_second=50
)
STRATEGY = example.strategy(
    namespace="default",
    name="btc-band",
    hedge_with=(example.leg(venue=VENUE.key, account=VENUE.account),),
    bands=(example.band("-15000", "15000", BandUnit.NOTIONAL),),
    freshness=Freshness(quote_ns=3_000_000_000, book_ns=5_000_000_000),
    execution=example.execution(
        clip_notional=Decimal(30_000), max_slippage_bps=Decimal(20), cooldown_ns=100_000_000
    ),
    limits=example.limits(max_position_notional=Decimal(50_000_000), max_orders_per_minute=3_000),
)
# Every role apart, but those that only carry states and client orders: they are not hurt here.
GROUPS = {
    "exchange": ("exchange",),
    "states": ("ingestion", "enrichment", "router", "risk", "gateway", "books"),
    "hedging": ("hedging",),
    "executor": ("executor",),
    "order-generator": ("order-generator",),
}
START_DEADLINE_S = 120.0
RECOVERY_DEADLINE_S = 60.0


class Rig:
    """A running pipeline, each group of roles a process. `restarts` counts what the rig started again."""

    def __init__(
        self,
        kafka: str,
        ledger_dsn: str,
        folder: Path,
        recordings: Path,
        groups: Mapping[str, tuple[str, ...]] = GROUPS,
        strategy: CompiledStrategy = STRATEGY,
    ) -> None:
        self._groups, self._strategy = groups, strategy
        self.kafka, self.ledger_dsn, self.folder = kafka, ledger_dsn, folder
        self.steps = folder / "steps"
        self.journal = folder / "exchange" / "exchange-journal.jsonl"
        self.exchange_url = f"http://127.0.0.1:{ports.free_port()}"
        self.restarts = 0
        self.session_start_ns = time.time_ns()
        keys = folder / "keys" / ACCOUNT
        for made in (self.steps, keys, folder / "logs"):
            made.mkdir(parents=True)
        (keys / "apiKey").write_text(secrets.token_hex(9))
        (keys / "secret").write_text(secrets.token_hex(18))
        ensure_gateway_keys(folder / "gateway-keys")
        gateway_port = ports.free_port()
        self._http = {name: ports.free_port() for name in groups}
        self._shared = {
            "HEDGEROW_KAFKA": kafka,
            "HEDGEROW_LEDGER_DSN": ledger_dsn,
            "HEDGEROW_EXCHANGE_URL": self.exchange_url,
            "HEDGEROW_EXCHANGE_FAULTS": "On",
            "HEDGEROW_KEYS_DIR": str(folder / "keys"),
            "HEDGEROW_RECORDINGS": str(recordings),
            "HEDGEROW_SESSION_START_NS": str(self.session_start_ns),
            "HEDGEROW_STEPS_DIR": str(self.steps),
            "HEDGEROW_GATEWAY_KEYS_DIR": str(folder / "gateway-keys"),
            "HEDGEROW_GATEWAY_PORT": str(gateway_port),
            "HEDGEROW_GATEWAY_URL": f"http://127.0.0.1:{gateway_port}",
            "HEDGEROW_ORDERS_KEY_FILE": str(folder / "gateway-keys" / GENERATOR / "key"),
            "HEDGEROW_ORDERS_PER_SECOND": "4",
            "HEDGEROW_ORDERS_SIZES": "BTC/USDT=20000",
        }
        self.workers = {name: self._worker(name, roles) for name, roles in groups.items()}

    def _worker(self, name: str, roles: tuple[str, ...]) -> Worker:
        own = {
            "HEDGEROW_DATA_DIR": str(self.folder / name),
            "HEDGEROW_HTTP_PORT": str(self._http[name]),
        }
        return Worker(name, roles, {**self._shared, **own}, self.folder / "logs")

    async def start(self) -> None:
        """Publish venue and strategy, start every worker, wait until all are ready."""
        connection = await connect(self.ledger_dsn, "rig")
        try:
            await publish_venue(connection, VENUE, time.time_ns())
            published = await publish_strategy(connection, self._strategy, "rig", time.time_ns())
        finally:
            await connection.close()
        self._publish(published)
        for worker in self.workers.values():
            worker.start()
        for name in self.workers:
            await self.until(lambda name=name: self._ready(name), f"{name} is ready", START_DEADLINE_S)

    def stop(self) -> None:
        answering = ("exchange", "order-generator")
        for name in ("order-generator", *(set(self.workers) - set(answering)), "exchange"):
            if name in self.workers:
                self.workers[name].stop()

    @contextmanager
    def armed(self, step: str, signal_name: str = "SIGKILL") -> Iterator[None]:
        """The next process that reaches the step gets the signal."""
        armed = self.steps / f"{step}.{signal_name}"
        armed.touch()
        try:
            yield
        finally:
            armed.unlink(missing_ok=True)

    def reached(self, step: str, signal_name: str = "SIGKILL") -> int:
        """How often the step was reached by a process that got this signal there."""
        return len(list(self.steps.glob(f"{step}.{signal_name}.*.reached")))

    def add(self, name: str, roles: tuple[str, ...]) -> Worker:
        """One more worker, not started yet."""
        self._http[name] = ports.free_port()
        self.workers[name] = self._worker(name, roles)
        return self.workers[name]

    def restart(self, name: str) -> None:
        self.restarts += 1
        self.workers[name].start()

    async def faults(self, rules: list[dict[str, Any]]) -> None:
        """Have the exchange misbehave by these rules from now on; an empty list has it behave."""
        await asyncio.to_thread(self._call_faults, rules)

    def _call_faults(self, rules: list[dict[str, Any]]) -> None:
        request = urllib.request.Request(
            f"{self.exchange_url}/faults",
            method="POST" if rules else "DELETE",
            data=json.dumps(rules).encode() if rules else None,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status < 300, answer.status

    async def until(self, holds: Callable[[], bool | Awaitable[bool]], what: str, deadline_s: float) -> float:
        """Wait; returns how long it took. Fails with the workers' last words when it never holds."""
        began = time.monotonic()
        while time.monotonic() - began < deadline_s:
            answer = holds()
            if answer if isinstance(answer, bool) else await answer:
                return time.monotonic() - began
            await asyncio.sleep(0.02)
        logs = "\n".join(f"--- {name}\n{worker.tail(8)}" for name, worker in self.workers.items())
        raise AssertionError(f"after {deadline_s:g} s it does not hold that {what}\n{logs}")

    def _ready(self, name: str) -> bool:
        assert self.workers[name].is_alive(), f"{name} died:\n{self.workers[name].tail()}"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._http[name]}/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _publish(self, published: StrategyPublished) -> None:
        from confluent_kafka import Producer

        producer = Producer({"bootstrap.servers": self.kafka, "partitioner": "murmur2_random"})
        producer.produce(STRATEGIES.name, encode(published), published.config.key.encode())
        assert producer.flush(10) == 0
