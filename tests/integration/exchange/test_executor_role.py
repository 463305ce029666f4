"""The executor as a worker runs it, on a real ledger and the real exchange: from `Decided` to the end."""

import asyncio
import contextlib
import json
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import asyncpg
import ccxt.async_support as ccxt
import hedge_examples as example
import msgspec
import pytest
from exchange_client import ACCOUNTS, PERP
from exchange_process import ExchangeProcess, write_keys
from role_context import RememberingProducer, role_context, settings

from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Hedge
from hedgerow.ledger.connection import create_pool
from hedgerow.ledger.decisions import Trace, commit_decision
from hedgerow.ledger.snapshot import read_snapshot
from hedgerow.ledger.strategies import publish_strategy
from hedgerow.ledger.venues import publish_venue
from hedgerow.schemas.records import Acknowledgement, HedgeConcluded
from hedgerow_executor.role import role

PATIENCE_S = 120.0
TRACE = Trace(cause="book:clients:3", stages="decided=1", traceparent="00-0-0-00")


class Executor:
    """The role at work for account hedge-01."""

    def __init__(self, pool: asyncpg.Pool, client: ccxt.bybit, registry: Any, uid: str) -> None:
        self.pool, self.client, self.registry, self.uid = pool, client, registry, uid

    def gauge(self, name: str) -> float:
        return self.registry.get_sample_value(name, {"account": "hedge-01"}) or 0.0

    async def decide(self, book: str) -> int:
        """Have an intent decided now for a book of this delta, at the exchange's own touch."""
        ticker = await self.client.fetch_ticker(PERP)
        now_ns = time.time_ns()
        bid, ask = Decimal(str(ticker["bid"])), Decimal(str(ticker["ask"]))
        mark = example.mark(bid=bid, ask=ask, mid=(bid + ask) / 2, time_ns=now_ns)
        async with self.pool.acquire() as connection:
            ledger = await read_snapshot(connection, self.uid, now_ns)
            assert ledger is not None
            risk = example.risk(book, uid=self.uid, time_ns=now_ns, marks=(mark,))
            decision = decide(risk, ledger)
            assert isinstance(decision, Hedge), decision
            committed = await commit_decision(connection, risk, ledger, decision, TRACE)
        assert committed is not None
        return committed.intents[0]

    async def end_of(self, intent: int) -> tuple[str, Decimal]:
        """Its state and what was filled, once it is concluded."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                row = await self.pool.fetchrow(
                    "select state, filled_quantity, concluded_ns from intents where id = $1", intent
                )
                if row["concluded_ns"] is not None:
                    return row["state"], row["filled_quantity"]
                await asyncio.sleep(0.02)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():  # noqa: ASYNC110 (nothing tells)
                await asyncio.sleep(0.02)


@pytest.fixture
async def executor(
    fresh_exchange: ExchangeProcess, ledger_dsn: str, connect: Callable[..., ccxt.bybit]
) -> AsyncIterator[Executor]:
    exchange = fresh_exchange.start()
    now_ns = time.time_ns()
    quick = msgspec.structs.replace(example.execution(), cooldown_ns=0)
    async with await create_pool(ledger_dsn, "executor-tests", 4) as pool:
        async with pool.acquire() as connection:
            await publish_venue(connection, example.venue(), now_ns)
            published = await publish_strategy(connection, example.strategy(execution=quick), "r1", now_ns)
        chosen = settings(
            ledger_dsn=ledger_dsn, exchange_url=exchange.url, keys_dir=exchange.data.parent / "own-keys"
        )
        write_keys(exchange.data.parent / "own", {"hedge-01": ACCOUNTS["hedge-01"]})
        (exchange.data.parent / "own" / "keys").rename(chosen.keys_dir)
        producer = RememberingProducer(HedgeConcluded | Acknowledgement)
        context = role_context("executor", producer, chosen)
        running = asyncio.create_task(role.run(context))
        executor = Executor(pool, connect(exchange), context.metrics, published.uid)
        try:
            await executor.until(lambda: executor.gauge("hedgerow_venue_stream_up") == 1 or running.done())
            yield executor
        finally:
            context.stopping.set()
            await asyncio.wait_for(running, PATIENCE_S)


async def until_refused(client: ccxt.bybit) -> None:
    """Until the exchange takes the client's key no more."""
    async with asyncio.timeout(PATIENCE_S):
        with contextlib.suppress(ccxt.AuthenticationError):
            while True:
                await client.fetch_positions([PERP])
                await asyncio.sleep(0.1)


async def test_an_order_that_was_turned_away_is_decided_anew_and_goes_out_once(
    executor: Executor, fresh_exchange: ExchangeProcess
) -> None:
    """First too many requests, then a reply that is lost, then nothing wrong; and keys that change in between."""
    folder = fresh_exchange.data.parent
    faults = [
        {"kind": "TooManyRequests", "path": "/v5/order/create", "count": 1},
        {"kind": "DropReply", "path": "/v5/order/create", "after": 1, "count": 1},
    ]
    request = urllib.request.Request(f"{fresh_exchange.url}/faults", data=json.dumps(faults).encode())
    (await asyncio.to_thread(urllib.request.urlopen, request)).close()

    assert await executor.end_of(await executor.decide("1.4")) == ("Abandoned", Decimal(0))
    assert executor.gauge("hedgerow_orders_not_sent_total") == 1
    state, filled = await executor.end_of(await executor.decide("1.4"))
    assert (state, filled > 0) == ("Filled", True)

    write_keys(folder, {"hedge-01@new": ("key-new", "secret-new")})
    own = folder / "own-keys" / "hedge-01"
    (own / "secret").write_text("secret-new")
    (own / "apiKey").write_text("key-new")
    await executor.until(lambda: executor.gauge("hedgerow_venue_keys_changes_total") == 1)
    (folder / "keys" / "hedge-01" / "apiKey").write_text("revoked")
    await until_refused(executor.client)
    state, more = await executor.end_of(await executor.decide("3.4"))
    assert (state, more > 0) == ("Filled", True)
