"""Client orders and their fills are copied once, in the transaction that says how far.

I1: history has every step of each order and each fill of the ledger, once, whatever is read at a time.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from hedge_examples import client_order
from worker_process import WorkerProcess

from hedgerow.desk.client_orders import ClientOrderState, OrderType
from hedgerow.history.client_copying import read_client_position, write_client_changes
from hedgerow.history.offsets import Moved
from hedgerow.ledger.client_changes import read_client_changes
from hedgerow.ledger.client_orders import cancel_client_order, fill_client_order, place_client_order

BEGIN_NS = 1_800_000_000_000_000_000


async def trade(ledger: asyncpg.Connection) -> list[str]:
    """One order that is filled as it comes in, one that is filled after resting, one cancelled, one that waits."""
    at_once = client_order(
        created_ns=BEGIN_NS,
        order_type=OrderType.MARKET,
        limit_price=None,
        state=ClientOrderState.FILLED,
        rested=False,
        fill_price=Decimal("60010.5"),
        concluded_ns=BEGIN_NS,
    )
    later, cancelled, waits = (client_order(created_ns=BEGIN_NS + number) for number in (1, 2, 3))
    for order in (at_once, later, cancelled, waits):
        await place_client_order(ledger, order, order.created_ns)
    await fill_client_order(ledger, later.id, Decimal("59999.5"), BEGIN_NS + 10)
    await cancel_client_order(ledger, cancelled.id, BEGIN_NS + 11)
    return [order.id for order in (at_once, later, cancelled, waits)]


async def copy(ledger: asyncpg.Connection, history: asyncpg.Connection, limit: int) -> dict[str, int]:
    known = await read_client_position(history)
    changes = await read_client_changes(ledger, known, limit)
    return await write_client_changes(history, known, changes) if changes else {}


async def rows(connection: asyncpg.Connection, query: str) -> list[dict[str, Any]]:
    return [dict(row) for row in await connection.fetch(query)]


@pytest.mark.parametrize("limit", [1, 4, 100])
async def test_i1_every_step_and_every_fill_is_copied_once(
    ledger: asyncpg.Connection, history: asyncpg.Connection, limit: int
) -> None:
    at_once, later, cancelled, waits = await trade(ledger)
    while await copy(ledger, history, limit):
        pass
    steps = await rows(history, "select * from client_orders order by position")
    assert [
        (step["id"], step["state"], step["time_ns"] - BEGIN_NS, step["fill_price"]) for step in steps
    ] == [
        (at_once, "Filled", 0, Decimal("60010.5")),
        (later, "Accepted", 1, None),
        (cancelled, "Accepted", 2, None),
        (waits, "Accepted", 3, None),
        (later, "Filled", 10, Decimal("59999.5")),
        (cancelled, "Cancelled", 11, None),
    ]
    truth = {str(order["id"]): order for order in await rows(ledger, "select * from client_orders")}
    for step in steps:
        for name in (
            "owner",
            "client_id",
            "client_order_id",
            "instrument",
            "side",
            "quantity",
            "limit_price",
        ):
            assert step[name] == truth[step["id"]][name], name
    fills = await rows(history, "select * from client_fills order by position")
    booked = {fill["fill_id"]: fill for fill in await rows(ledger, "select * from client_fills")}
    assert [fill["order_id"] for fill in fills] == [at_once, later]
    for fill in fills:
        for name, value in booked[fill["fill_id"]].items():
            assert fill[name] == value, name


async def test_of_two_that_copy_the_same_one_is_told_so_and_writes_nothing(
    ledger: asyncpg.Connection, history: asyncpg.Connection
) -> None:
    await trade(ledger)
    changes = await read_client_changes(ledger, 0, 3)
    await write_client_changes(history, 0, changes)
    with pytest.raises(Moved):
        await write_client_changes(history, 0, changes)
    assert await history.fetchval("select count(*) from client_orders") == 3
    assert await read_client_position(history) == 3


@pytest.mark.parametrize("history_dsn", ["timescale"], indirect=True)
async def test_the_recorder_copies_client_orders_by_itself(
    ledger: asyncpg.Connection,
    history: asyncpg.Connection,
    ledger_dsn: str,
    history_dsn: str,
    start_recorder: Callable[..., WorkerProcess],
) -> None:
    start_recorder(history_dsn, HEDGEROW_LEDGER_DSN=ledger_dsn).wait_ready()
    await trade(ledger)
    for _ in range(600):
        if await history.fetchval("select count(*) from client_orders") == 6:
            break
        await history.fetchval("select pg_sleep(0.1)")
    assert await history.fetchval("select array_agg(position order by position) from client_orders") == [
        1,
        2,
        3,
        4,
        5,
        6,
    ]
    assert await history.fetchval("select sum(quantity) from client_fills") == 1
