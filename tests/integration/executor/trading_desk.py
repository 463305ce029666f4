"""One venue account on the real exchange, its executor as a process, and a strategy that trades all the time.

There is no Kafka: whatever these tests show, holds without it.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import ccxt.async_support as ccxt
import hedge_examples as example
import msgspec
from faults.processes import Worker
from integration.exchange.exchange_process import ExchangeProcess

from hedgerow.domain.orders import Side
from hedgerow.execution.intents import Intent
from hedgerow.execution.order_life import IntentState
from hedgerow.hedging.decision import Hedge, NewIntent
from hedgerow.hedging.snapshot import PolicyState
from hedgerow.ledger.claims import claim
from hedgerow.ledger.decisions import Committed, Trace, commit_decision
from hedgerow.ledger.intents import find_intent
from hedgerow.ledger.snapshot import read_snapshot
from hedgerow.ledger.strategies import publish_strategy
from hedgerow.ledger.venues import publish_venue
from hedgerow.strategy.compiled import CompiledStrategy, Leg
from hedgerow_local import ports
from hedgerow_local.keys import ensure_gateway_keys

PATIENCE_S = 120.0
ETHER = "ETH/USDT:USDT"
VENUE_FILE = """\
apiVersion: hedgerow.dev/v1alpha1
kind: Venue
metadata: {name: paper, namespace: desk}
spec:
  type: Builtin
  environment: Paper
  trading: Enabled
  account: {id: %s}
  limits: {maxGrossNotional: "5000000", ordersPerSecond: 1000}
"""


async def until(holds: Callable[[], Awaitable[bool]], what: str) -> float:
    """Wait until it holds; how long that took."""
    began = time.monotonic()
    while not await holds():
        assert time.monotonic() - began < PATIENCE_S, f"it does not come about that {what}"
        await asyncio.sleep(0.02)
    return time.monotonic() - began


class TradingDesk:
    """Everything of its own under one folder; `close` ends what runs."""

    def __init__(
        self, folder: Path, dsn: str, pool: asyncpg.Pool, exchange: ExchangeProcess, account: str
    ) -> None:
        """
        Args:
            exchange: runs, and knows the account; nobody else trades on it.
        """
        self.folder, self.dsn, self.pool, self.account = folder, dsn, pool, account
        shutil.copytree(exchange.keys / account, folder / "keys" / account)
        ensure_gateway_keys(folder / "gateway-keys")
        (folder / "venue.yaml").write_text(VENUE_FILE % account)
        self.client = client_of(folder / "keys" / account, exchange.url)
        self._http = ports.free_port()
        self.gateway_url = f"http://127.0.0.1:{ports.free_port()}"
        self.environment = {
            "HEDGEROW_KAFKA": f"127.0.0.1:{ports.free_port()}",
            "HEDGEROW_LEDGER_DSN": dsn,
            "HEDGEROW_EXCHANGE_URL": exchange.url,
            "HEDGEROW_KEYS_DIR": str(folder / "keys"),
            "HEDGEROW_RECORDINGS": str(folder),
            "HEDGEROW_SESSION_START_NS": str(time.time_ns()),
            "HEDGEROW_DATA_DIR": str(folder / "worker"),
            "HEDGEROW_GATEWAY_KEYS_DIR": str(folder / "gateway-keys"),
            "HEDGEROW_GATEWAY_PORT": self.gateway_url.rsplit(":", 1)[1],
        }
        self.executor = self._worker("executor", self._http)
        self.gateway = self._worker("gateway", ports.free_port())
        self.uids: dict[str, str] = {}

    async def open(self) -> "TradingDesk":
        """Venue and two strategies (one on bitcoin, one on ether) live; no executor yet."""
        await self.client.load_markets()
        async with self.pool.acquire() as connection:
            venue = example.venue(account=self.account, orders_per_second=1_000)
            await publish_venue(connection, venue, time.time_ns())
            for name, symbol in (("btc", example.SYMBOL), ("eth", ETHER)):
                config = strategy_on(name, symbol, example.VENUE, self.account)
                published = await publish_strategy(connection, config, "r1", time.time_ns())
                self.uids[name] = published.uid
        return self

    async def close(self) -> None:
        await self.client.close()
        for worker in (self.executor, self.gateway):
            if worker.is_alive():
                worker.kill()  # without Kafka a stop waits for what it cannot deliver

    async def start(self, worker: Worker) -> None:
        worker.start()

        async def up() -> bool:
            assert worker.is_alive(), worker.tail()
            # Summed over the accounts that it serves: of some tests one, of others more.
            return worker is not self.executor or bool(await self.metric("hedgerow_executor_ledger_up"))

        await until(up, f"{worker.name} runs")

    async def metric(self, name: str) -> float | None:
        try:
            text = await asyncio.to_thread(self._get, "/metrics")
        except OSError:
            return None
        found = re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", text, re.MULTILINE)
        return sum(map(float, found)) if found else None

    async def ready(self) -> str:
        """What the executor says of its readiness."""
        try:
            return await asyncio.to_thread(self._get, "/ready")
        except urllib.error.HTTPError as error:
            return error.read().decode()
        except OSError as error:
            return str(error)

    async def decide(self, name: str, side: Side, quantity: str, price: Decimal | None = None) -> int | None:
        """Commit one order for a strategy: at the touch, unless a price is given. None when the ledger refuses."""
        symbol = ETHER if name == "eth" else example.SYMBOL
        if price is None:
            ticker = await self.client.fetch_ticker(symbol)
            price = Decimal(str(ticker["ask" if side is Side.BUY else "bid"]))
        async with self.pool.acquire() as connection:
            ledger = await read_snapshot(connection, self.uids[name], time.time_ns())
            assert ledger is not None
            if ledger.open_intents:
                return None
            hedge = Hedge(
                intents=(_intent(ledger.config.hedge_with[0], side, quantity, price),),
                policy_state=PolicyState(),
            )
            risk = example.risk(uid=ledger.strategy_uid, strategy=ledger.config.key, time_ns=ledger.read_ns)
            trace = Trace(cause="test", stages=f"decided={ledger.read_ns}", traceparent="00-0-0-00")
            committed: Committed | None = await commit_decision(connection, risk, ledger, hedge, trace)
        return None if committed is None else committed.intents[0]

    async def move(self, dsn: str, pool: asyncpg.Pool) -> None:
        """Go on with another ledger: of the desk, and of an executor that is started from now on."""
        self.dsn, self.pool = dsn, pool
        self.environment["HEDGEROW_LEDGER_DSN"] = dsn
        self.executor = self._worker("executor", self._http)

    async def held_at_venue(self, symbol: str) -> Decimal:
        for position in await self.client.fetch_positions(
            params={"category": "linear", "settleCoin": "USDT"}
        ):
            if position["symbol"] == symbol and position["contracts"]:
                return Decimal(str(position["contracts"])) * (1 if position["side"] == "long" else -1)
        return Decimal(0)

    async def trade(self, stop: asyncio.Event) -> None:
        """Buy and sell a little bitcoin, as fast as the executor takes it, until told to stop."""
        side = Side.BUY
        while not stop.is_set():
            side = side.opposite if await self.decide("btc", side, "0.001") is not None else side
            await asyncio.sleep(0.005)

    async def rest(self) -> Intent:
        """An ether order of ours that rests at the venue, as a process that is gone by now had sent it."""
        ticker = await self.client.fetch_ticker(ETHER)
        price = Decimal(str(ticker["bid"]))
        number = await self.decide("eth", Side.SELL, "0.1", price)
        assert number is not None
        now_ns = time.time_ns()
        touch = example.ticker(str(ticker["bid"]), str(ticker["ask"]), now_ns)
        async with self.pool.acquire() as connection:
            seen = msgspec.structs.replace(example.seen(touch), tickers={ETHER: touch})
            taken = await claim(connection, number, seen, now_ns)
        assert taken is not None
        assert taken.refusal is None, taken.refusal
        away = float(ticker["ask"]) * 1.05
        await self.client.create_order(
            ETHER,
            "limit",
            "sell",
            0.1,
            float(self.client.price_to_precision(ETHER, away)),
            {"clientOrderId": taken.intent.client_order_id, "timeInForce": "GTC", "positionIdx": 0},
        )
        return taken.intent

    async def resting(self) -> list[str]:
        return [order["clientOrderId"] for order in await self.client.fetch_open_orders(ETHER)]

    async def state(self, intent: int) -> IntentState:
        async with self.pool.acquire() as connection:
            found = await find_intent(connection, intent)
        assert found is not None
        return found.state

    async def sent(self) -> dict[int, int]:
        """Claim times by intent."""
        async with self.pool.acquire() as connection:
            rows = await connection.fetch("select intent, claimed_ns from orders")
        return {row["intent"]: row["claimed_ns"] for row in rows}

    async def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command line as a process of its own, as a person calls it."""
        return await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "hedgerow.cli.main", *arguments],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def gateway_key(self, role: str) -> str:
        return (self.folder / "gateway-keys" / role / "key").read_text()

    def _worker(self, role: str, port: int) -> Worker:
        environment = {**self.environment, "HEDGEROW_HTTP_PORT": str(port)}
        return Worker(role, (role,), environment, self.folder)

    def _get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._http}{path}", timeout=5) as answer:
            return str(answer.read().decode())


def client_of(keys: Path, url: str) -> ccxt.bybit:
    """The account whose keys these are, on the exchange at this address."""
    client = ccxt.bybit(
        {"apiKey": (keys / "apiKey").read_text().strip(), "secret": (keys / "secret").read_text().strip()}
    )
    client.urls["api"] = dict.fromkeys(client.urls["api"], url)
    return client


def strategy_on(name: str, symbol: str, venue: str, account: str) -> CompiledStrategy:
    leg = Leg(index=0, venue=venue, account=account, instrument=example.LISTINGS[symbol])
    limits: dict[str, Any] = {"max_orders_per_minute": 6_000, "price_collar_bps": Decimal(1_000)}
    return example.strategy(name=name, hedge_with=(leg,), limits=example.limits(**limits))


def _intent(leg: Leg, side: Side, quantity: str, price: Decimal) -> NewIntent:
    return NewIntent(
        leg=leg.index,
        venue=leg.venue,
        account=leg.account,
        instrument=leg.instrument.symbol,
        side=side,
        quantity=Decimal(quantity),
        limit_price=price,
        time_in_force=example.strategy().execution.time_in_force,
        delta=Decimal(0),
        edge=Decimal(0),
    )
