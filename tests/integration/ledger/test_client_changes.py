"""The count of what happened to client orders and fills.

I1: it has no holes and every step of each order, and each fill, once. I2: who reads on from the last place it knows,
while others write, misses nothing and sees nothing twice.
"""

import asyncio
import random
from collections import defaultdict
from decimal import Decimal
from importlib import import_module
from typing import Any

import asyncpg
import msgspec
import pytest
from hedge_examples import client_order

from hedgerow.desk.client_orders import ClientOrder, ClientOrderState, OrderNotOpen, OrderType
from hedgerow.domain.orders import Side
from hedgerow.ledger.books import ClientFill, record_client_fill
from hedgerow.ledger.client_changes import read_client_changes
from hedgerow.ledger.client_orders import cancel_client_order, fill_client_order, place_client_order

MARKET = {
    "order_type": OrderType.MARKET,
    "limit_price": None,
    "state": ClientOrderState.FILLED,
    "rested": False,
    "fill_price": Decimal(60_010),
    "concluded_ns": 1,
}


async def live(pool: asyncpg.Pool, order: ClientOrder, dice: random.Random) -> None:
    """Place it, twice as a careful sender does, and end it, twice as the world does."""
    async with pool.acquire() as connection:
        for _ in range(2):
            await place_client_order(connection, order, 1)
        if order.rested:
            for _ in range(2):
                try:
                    if dice.random() < 0.5:
                        await fill_client_order(connection, order.id, Decimal(60_000), 2)
                    else:
                        await cancel_client_order(connection, order.id, 3)
                except OrderNotOpen:
                    pass


async def book_twice(pool: asyncpg.Pool, number: int) -> None:
    """A fill without an order."""
    fill = ClientFill(
        fill_id=f"f-{number}",
        book="desk",
        instrument="BTC/USDT",
        side=Side.BUY,
        quantity=Decimal(1),
        price=Decimal(1),
        time_ns=1,
    )
    async with pool.acquire() as connection:
        for _ in range(2):
            await record_client_fill(connection, fill, 1)


async def follow(pool: asyncpg.Pool, seen: list[Any], done: asyncio.Event) -> None:
    """Read on and on, a few at a time; the last look is after everything was written."""
    async with pool.acquire() as connection:
        while True:
            was_done = done.is_set()
            rows = await read_client_changes(connection, seen[-1]["position"] if seen else 0, 3)
            seen.extend(rows)
            if not rows and was_done:
                return
            await asyncio.sleep(0)


@pytest.mark.parametrize("seed", range(3))
async def test_i1_i2_each_change_is_counted_and_read_once(pool: asyncpg.Pool, seed: int) -> None:
    dice = random.Random(seed)
    orders = [
        client_order(client_order_id=f"o-{number}", **(MARKET if dice.random() < 0.4 else {}))
        for number in range(40)
    ]
    seen: list[Any] = []
    done = asyncio.Event()
    reader = asyncio.create_task(follow(pool, seen, done))
    await asyncio.gather(
        *(live(pool, order, dice) for order in orders), *(book_twice(pool, number) for number in range(5))
    )
    done.set()
    await reader
    assert [row["position"] for row in seen] == list(range(1, len(seen) + 1))
    steps: dict[str, list[str]] = defaultdict(list)
    for row in seen:
        if row["state"] is not None:
            steps[str(row["id"])].append(row["state"])
        assert (row["fill_id"] is not None) == (row["state"] in (None, "Filled"))
    for order in orders:
        assert steps[order.id] in (
            [["Accepted", "Filled"], ["Accepted", "Cancelled"]] if order.rested else [["Filled"]]
        )
    fills = await pool.fetch("select fill_id from client_fills")
    assert sorted(row["fill_id"] for row in seen if row["fill_id"]) == sorted(row["fill_id"] for row in fills)


async def test_what_happened_before_there_was_a_count_is_counted_in_the_order_of_its_times(
    pool: asyncpg.Pool,
) -> None:
    rests, waits = client_order(created_ns=1), client_order(created_ns=2)
    market = msgspec.structs.replace(client_order(), **{**MARKET, "created_ns": 3, "concluded_ns": 3})
    async with pool.acquire() as connection:
        await place_client_order(connection, rests, 1)
        await place_client_order(connection, waits, 2)
        await place_client_order(connection, market, 3)
        await cancel_client_order(connection, rests.id, 4)
    await book_twice(pool, 1)
    counted = {
        (row["order_id"], row["state"], row["fill_id"])
        for row in await pool.fetch("select * from client_changes")
    }
    await pool.execute("drop table client_changes, client_change_count")
    for statement in import_module("hedgerow.ledger.migrations.versions.0007_client_changes").STATEMENTS:
        await pool.execute(statement)
    rows = await pool.fetch("select * from client_changes order by position")
    assert {(row["order_id"], row["state"], row["fill_id"]) for row in rows} == counted
    assert [row["position"] for row in rows] == [1, 2, 3, 4, 5]
    assert [str(row["order_id"]) for row in rows if row["state"]] == [rests.id, waits.id, market.id, rests.id]
    async with pool.acquire() as connection:
        await cancel_client_order(connection, waits.id, 5)
        assert [row["position"] for row in await read_client_changes(connection, 5, 9)] == [6]
