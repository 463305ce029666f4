"""The executor as a worker runs it, on a real ledger and the real exchange: from `Decided` to the end."""

import asyncio
import contextlib
import json
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from decimal import Decimal

import ccxt.async_support as ccxt
import hedge_examples as example
import msgspec
import pytest
from exchange_client import ACCOUNTS, PERP
from exchange_process import ExchangeProcess, write_keys
from executor_at_work import PATIENCE_S, Executor
from role_context import RememberingProducer, role_context, settings

from hedgerow.ledger.connection import create_pool
from hedgerow.ledger.strategies import publish_strategy
from hedgerow.ledger.venues import publish_venue
from hedgerow.schemas.records import Acknowledgement, HedgeConcluded
from hedgerow_executor.role import role


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
