"""The whole pipeline on real servers, to be hurt at named steps while clients trade."""

import asyncio
import json
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import hedge_examples as example
import msgspec

from faults.ledger_view import LedgerView
from faults.processes import Worker
from faults.risk_replay import RiskReplay
from faults.servers import PARTITIONS, Doors, dsn_at
from hedgerow.adapters.ccxt_venue import CcxtVenue
from hedgerow.ledger.connection import connect
from hedgerow.ledger.strategies import publish_strategy
from hedgerow.ledger.venues import publish_venue
from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import StrategyPublished
from hedgerow.schemas.topics import STRATEGIES
from hedgerow.strategy.compiled import BandUnit, CompiledStrategy, CompiledVenue, Freshness
from hedgerow_local import ports
from hedgerow_local.keys import GENERATOR, ensure_gateway_keys, ensure_keys

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
# Three desks with an account each hedge the same clients to within one lot of nothing, at different paces: while one
# waits for the end of an unknown order, the others go on.
COOLDOWNS_NS = {ACCOUNT: 100_000_000, "hedge-02": 700_000_000, "hedge-03": 1_500_000_000}


def venue_of(account: str) -> CompiledVenue:
    """The exchange, as one account sees it."""
    return msgspec.structs.replace(VENUE, name=f"paper-{account}", account=account)


FLEET = tuple(
    msgspec.structs.replace(
        STRATEGY,
        name=f"btc-flat-{account}",
        hedge_with=(example.leg(venue=venue_of(account).key, account=account),),
        bands=(example.band("0", "0"),),
        execution=msgspec.structs.replace(STRATEGY.execution, cooldown_ns=cooldown_ns),
    )
    for account, cooldown_ns in COOLDOWNS_NS.items()
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
RESTART_PAUSE_S = 0.5


class Rig:
    """A running pipeline, each group of roles a process. `restarts` counts what the rig started again."""

    def __init__(
        self,
        kafka: str,
        ledger_dsn: str,
        folder: Path,
        recordings: Path,
        groups: Mapping[str, tuple[str, ...]] = GROUPS,
        strategies: Sequence[CompiledStrategy] = (STRATEGY,),
        venues: Sequence[CompiledVenue] = (VENUE,),
        *,
        doors: Mapping[str, Doors] | None = None,
        redis: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.groups, self.strategies, self.venues = groups, strategies, venues
        self.doors = doors or {}
        self.ledger = LedgerView(ledger_dsn)
        self._clients: dict[str, CcxtVenue] = {}
        self.kafka, self.ledger_dsn, self.folder = kafka, ledger_dsn, folder
        self.steps = folder / "steps"
        self.journal = folder / "exchange" / "exchange-journal.jsonl"
        self.exchange_url = f"http://127.0.0.1:{ports.free_port()}"
        self.risk_replays = [RiskReplay(kafka, number) for number in range(PARTITIONS)]
        self.restarts = 0
        self.session_start_ns = time.time_ns()
        for made in (self.steps, folder / "logs"):
            made.mkdir(parents=True)
        for venue in venues:
            ensure_keys(folder / "keys", venue.account)
        ensure_gateway_keys(folder / "gateway-keys")
        gateway_port = ports.free_port()
        self.gateway_url = f"http://127.0.0.1:{gateway_port}"
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
            "HEDGEROW_GATEWAY_URL": self.gateway_url,
            "HEDGEROW_ORDERS_KEY_FILE": str(folder / "gateway-keys" / GENERATOR / "key"),
            "HEDGEROW_ORDERS_PER_SECOND": "4",
            "HEDGEROW_ORDERS_SIZES": "BTC/USDT=20000",
            # No order of a client waits at the gateway: once the clients are held, the books stand still.
            "HEDGEROW_ORDERS_MIX": "market=70,crossed=30",
            "HEDGEROW_REDIS": redis,
            **(environment or {}),
        }
        for way in self.doors.values():
            way.venue.lead_to(int(self.exchange_url.rsplit(":", 1)[1]))
        self.workers = {name: self._worker(name, roles, {}) for name, roles in groups.items()}

    def _worker(self, name: str, roles: tuple[str, ...], environment: Mapping[str, str]) -> Worker:
        own = {
            "HEDGEROW_DATA_DIR": str(self.folder / name),
            "HEDGEROW_HTTP_PORT": str(self._http[name]),
            **self._through_doors(name),
            **environment,
        }
        return Worker(name, roles, {**self._shared, **own}, self.folder / "logs")

    def _through_doors(self, name: str) -> dict[str, str]:
        if name not in self.doors:
            return {}
        doors = self.doors[name]
        return {
            "HEDGEROW_KAFKA": f"127.0.0.1:{doors.kafka.port}",
            "HEDGEROW_LEDGER_DSN": dsn_at(self.ledger_dsn, doors.ledger.port),
            "HEDGEROW_EXCHANGE_URL": f"http://127.0.0.1:{doors.venue.port}",
        }

    async def start(self) -> None:
        """Publish venues and strategies, start every worker, wait until all are ready."""
        connection = await connect(self.ledger_dsn, "rig")
        try:
            for venue in self.venues:
                await publish_venue(connection, venue, time.time_ns())
            published = [
                await publish_strategy(connection, strategy, "rig", time.time_ns())
                for strategy in self.strategies
            ]
        finally:
            await connection.close()
        self.publish(published)
        for worker in self.workers.values():
            worker.start()
        for name in self.workers:
            await self.until(lambda name=name: self.is_ready(name), f"{name} is ready", START_DEADLINE_S)

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

    def add(self, name: str, roles: tuple[str, ...], environment: Mapping[str, str] | None = None) -> Worker:
        """One more worker, not started yet."""
        self._http[name] = ports.free_port()
        self.workers[name] = self._worker(name, roles, environment or {})
        return self.workers[name]

    def restart(self, name: str, **environment: str) -> None:
        """Start a dead worker again, for this life with these variables besides."""
        self.restarts += 1
        self.workers[name].start(**environment)

    async def stop_worker(self, name: str) -> None:
        """SIGTERM, and gone."""
        await asyncio.to_thread(self.workers[name].stop)

    @asynccontextmanager
    async def supervised(self) -> AsyncIterator[None]:
        """Whatever dies meanwhile is started again, as a supervisor would."""

        async def watch() -> None:
            while True:
                for name in self.groups:
                    if not self.workers[name].is_alive():
                        self.restart(name)
                await asyncio.sleep(RESTART_PAUSE_S)

        watching = asyncio.create_task(watch())
        try:
            yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    async def venue_client(self, account: str) -> CcxtVenue:
        """The rig's own way to ask the exchange about an account; made once, ended by `close`."""
        if account not in self._clients:
            keys = self.folder / "keys" / account
            api_key, secret = (keys / "apiKey").read_text(), (keys / "secret").read_text()
            self._clients[account] = CcxtVenue("bybit", self.exchange_url, api_key, secret)
            await self._clients[account].start()
        return self._clients[account]

    async def close(self) -> None:
        """Everything stopped, every connection of the rig's own ended."""
        await asyncio.to_thread(self.stop)
        await self.ledger.close()
        for client in self._clients.values():
            await client.close()

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

    async def is_every_leg_blocked(self) -> bool:
        """Whether each account has an order that nobody knows the end of."""
        query = "select count(distinct account) from intents where state = 'Unknown'"
        return bool(await self.ledger.fetchval(query) == len(self.venues))

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

    def metrics_url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._http[name]}/metrics"

    def is_ready(self, name: str) -> bool:
        return self._says_ok(name, "/ready")

    def is_listening(self, name: str) -> bool:
        """Whether it is up, ready or not."""
        return self._says_ok(name, "/healthz")

    def _says_ok(self, name: str, path: str) -> bool:
        assert self.workers[name].is_alive(), f"{name} died:\n{self.workers[name].tail()}"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._http[name]}{path}", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def publish(self, published: Sequence[StrategyPublished]) -> None:
        """Tell the streams of these generations, which the ledger has already."""
        from confluent_kafka import Producer

        producer = Producer({"bootstrap.servers": self.kafka, "partitioner": "murmur2_random"})
        for item in published:
            producer.produce(STRATEGIES.name, encode(item), item.config.key.encode())
        assert producer.flush(10) == 0
