"""Client orders through the gateway, beside the bare commit of the same rows by as many connections.

`HEDGEROW_BENCH=1 pytest -s tests/bench/test_gateway_rate.py`.
"""

import asyncio
import os
import time
import uuid
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from statistics import median, quantiles

import aiohttp
import asyncpg
import pytest
from integration.gateway.gateway_process import KEYS, Gateway, Quotes

pytestmark = pytest.mark.skipif(os.environ.get("HEDGEROW_BENCH") != "1", reason="only with HEDGEROW_BENCH=1")

CLIENTS = 8
ROUNDS = 4
SLICE_S = 4.0
# The rows of one market order that fills, in one statement and one commit.
BARE = """
    with placed as (
        insert into client_orders (id, owner, client_order_id, client_id, instrument, side, quantity, order_type, state,
            rested, created_ns, fill_price, concluded_ns)
        values ($1, 'bare', $2, 'acme', 'BTC/USDT', 'Buy', $3, 'Market', 'Filled', false, $4, $5, $4)
    ), fill as (
        insert into client_fills (fill_id, book, instrument, side, quantity, price, time_ns, recorded_ns)
        values ($2, 'bare', 'BTC/USDT', 'Sell', $3, $5, $4, $4)
    ), moved as (
        update books set sequence = sequence + 1, as_of_ns = $4 where name = 'bare'
    ), counted as (
        update client_change_count set position = position + 1 returning position
    ), change as (
        insert into client_changes (position, order_id, state, fill_id) select position, $1, 'Filled', $2 from counted
    )
    update book_positions set quantity = quantity - $3 where book = 'bare'
"""


async def test_orders_through_the_gateway(kafka: str, ledger_dsn: str, tmp_path: Path) -> None:
    gateway, quotes = Gateway(tmp_path, kafka, ledger_dsn), Quotes(kafka)
    pool = await asyncpg.create_pool(ledger_dsn, min_size=CLIENTS, max_size=CLIENTS)
    try:
        await gateway.ready()
        await quotes.show(gateway, "BTC/USDT", 60_000.0, 60_010.0)
        await pool.execute("insert into books (name, sequence, as_of_ns) values ('bare', 0, 0)")
        await pool.execute("insert into book_positions values ('bare', 'BTC/USDT', 0)")
        url = await gateway.url() + "/orders"
        headers = {"Authorization": f"Bearer {KEYS['alice'][1]}"}
        async with aiohttp.ClientSession(headers=headers) as session:

            async def order() -> None:
                async with session.post(url, json=an_order()) as answer:
                    assert answer.status == 201, await answer.text()
                    assert (await answer.json())["status"] == "FILLED"

            async def bare() -> None:
                number = uuid.uuid4()
                now_ns = time.time_ns()
                await pool.execute(BARE, number, str(number), Decimal("0.001"), now_ns, Decimal(60_010))

            await together(order, 1.0)
            await together(bare, 1.0)
            rounds = [(await together(order, SLICE_S), await together(bare, SLICE_S)) for _ in range(ROUNDS)]
        filled = await pool.fetchval("select count(*) from client_orders where owner = 'alice'")
        assert await pool.fetchval("select count(*) from client_fills where book = 'clients'") == filled
    finally:
        quotes.close()
        gateway.end()
        await pool.close()
    print(f"\n{CLIENTS} clients at once{'per second':>14}{'p50 ms':>9}{'p99 ms':>9}{'x bare':>8}")
    for name, index in (("orders, filled", 0), ("bare commit", 1)):
        times = [seconds for found in rounds for seconds in found[index]]
        ratio = median(len(found[index]) / len(found[1]) for found in rounds)
        cuts = quantiles(times, n=100)
        print(
            f"{name:18}{len(times) / ROUNDS / SLICE_S:>14,.0f}{cuts[49] * 1e3:>9.1f}{cuts[98] * 1e3:>9.1f}{ratio:>8.2f}"
        )


def an_order() -> dict[str, str]:
    return {
        "asset_class": "CRYPTO",
        "symbol": "BTC/USDT",
        "side": "BUY",
        "quantity": "0.001",
        "order_type": "MARKET",
        "client_id": "acme",
        "client_order_id": uuid.uuid4().hex,
    }


async def together(work: Callable[[], Awaitable[None]], seconds: float) -> list[float]:
    """Have every client do it again and again for that long; how long each took, in seconds."""
    end = time.perf_counter() + seconds
    times: list[float] = []

    async def client() -> None:
        while (begun := time.perf_counter()) < end:
            await work()
            times.append(time.perf_counter() - begun)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return times
