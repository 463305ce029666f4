"""The order generator against a real gateway and ledger; answers are lost by a door in between."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import msgspec
import pytest
from aiohttp import web
from gateway_process import KEYS, PATIENCE_S, Gateway, eventually
from role_context import NoProducer, RememberingReadiness, role_context, settings

from hedgerow.streams.context import Context
from hedgerow_generator.role import run
from hedgerow_generator.tally import Tally, TallyFile

SESSION_NS = 1_790_000_000_000_000_000


@pytest.fixture
def make_context(tmp_path: Path) -> Callable[..., Context]:
    """Call it for what the worker would hand to a generator that reaches the gateway under this address."""
    key = tmp_path / "trader-key"
    key.write_text(KEYS["alice"][1])

    def make(url: str, **other: Any) -> Context:
        wanted = {"orders_per_second": 40.0, "orders_sizes": "BTC/USDT=1000", **other}
        chosen = settings(
            session_start_ns=SESSION_NS,
            data_dir=tmp_path,
            gateway_url=url,
            orders_key_file=key,
            **wanted,
        )
        return role_context("order-generator", NoProducer(), chosen)

    return make


@asynccontextmanager
async def trading(context: Context) -> AsyncIterator[Callable[[], Tally]]:
    """A generator at work, and what it has written down; at the end it is asked to stop."""
    task = asyncio.create_task(run(context))
    try:
        yield TallyFile(context.settings.data_dir, SESSION_NS).read
    finally:
        context.stopping.set()
        await asyncio.wait_for(task, PATIENCE_S)


async def in_ledger(dsn: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetch("select * from client_orders order by number")
    finally:
        await connection.close()


async def until(what: str, holds: Callable[[], bool]) -> None:
    async def look() -> bool:
        return holds()

    await eventually(what, look)


def agree(tally: Tally, rows: list[asyncpg.Record]) -> bool:
    states = Counter(row["state"] for row in rows)
    return (tally.accepted, tally.filled, tally.cancelled) == (
        len(rows),
        states["Filled"],
        states["Cancelled"],
    )


async def test_orders_of_every_kind_are_placed_and_ended_and_all_sides_agree(
    gateway: Gateway, ledger_dsn: str, make_context: Callable[..., Context]
) -> None:
    async with trading(make_context(await gateway.url())) as tally:
        await until("enough orders", lambda: tally().accepted >= 40)
    rows = await in_ledger(ledger_dsn)
    assert [row["client_order_id"] for row in rows] == [
        f"gen-{SESSION_NS}-7-{number}" for number in range(len(rows))
    ]
    kinds = Counter((row["order_type"], row["rested"]) for row in rows)
    assert kinds["Market", False] > 0
    assert kinds["Limit", False] > 0
    assert kinds["Limit", True] > 0
    assert {row["side"] for row in rows} == {"Buy", "Sell"}
    assert agree(tally(), rows)
    assert tally().filled + tally().cancelled == len(rows)
    assert await gateway.metric("hedgerow_client_orders_received_total") == len(rows)
    assert await gateway.metric("hedgerow_client_orders_filled_total") == tally().filled


async def test_a_restart_goes_on_where_the_killed_one_was_and_ends_what_it_left(
    gateway: Gateway, ledger_dsn: str, make_context: Callable[..., Context]
) -> None:
    url = await gateway.url()
    killed = asyncio.create_task(run(make_context(url, orders_mix="market=1,resting=3")))
    read = TallyFile(make_context(url).settings.data_dir, SESSION_NS).read
    await until("some orders", lambda: read().accepted >= 15)
    killed.cancel()
    with suppress(asyncio.CancelledError):
        await killed
    left = await in_ledger(ledger_dsn)
    assert any(row["state"] == "Accepted" for row in left)
    async with trading(make_context(url, orders_mix="market=1,resting=3")) as tally:
        await until("more orders", lambda: tally().accepted >= len(left) + 10)
    rows = await in_ledger(ledger_dsn)
    assert len({row["client_order_id"] for row in rows}) == len(rows)
    assert agree(tally(), rows)
    assert not any(row["state"] == "Accepted" for row in rows)


@asynccontextmanager
async def losing_door(url: str) -> AsyncIterator[tuple[str, Counter[str]]]:
    """Hands every request on, and hangs up instead of answering every third that changes something."""
    seen: Counter[str] = Counter()

    async def hand_on(request: web.Request) -> web.StreamResponse:
        async with session.request(
            request.method, url + str(request.rel_url), headers=request.headers, data=await request.read()
        ) as answer:
            body = await answer.read()
        seen[request.method] += 1
        if request.method != "GET" and seen[request.method] % 3 == 1:
            assert request.transport is not None
            request.transport.close()
        return web.Response(status=answer.status, body=body)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", hand_on)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as session:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", seen
    await runner.cleanup()


async def test_an_order_whose_answer_is_lost_is_sent_again_and_is_one_order(
    gateway: Gateway, ledger_dsn: str, make_context: Callable[..., Context]
) -> None:
    async with losing_door(await gateway.url()) as (url, seen):
        async with trading(make_context(url)) as tally:
            await until("enough orders", lambda: tally().accepted >= 20)
        posts = seen["POST"]
    rows = await in_ledger(ledger_dsn)
    assert len({row["client_order_id"] for row in rows}) == len(rows)
    assert agree(tally(), rows)
    assert tally().unanswered["unreachable"] >= 5
    assert posts > len(rows)
    assert tally().refused == {}


async def test_refusals_are_counted_by_reason_and_the_trading_goes_on(
    start_gateway: Callable[..., Gateway], quotes: Any, make_context: Callable[..., Context]
) -> None:
    gateway = await start_gateway(HEDGEROW_GATEWAY_MAX_ORDER_NOTIONAL="1000").ready()
    url = await gateway.url()
    async with trading(make_context(url)) as tally:
        await until("orders without a quote", lambda: tally().unpriced.get("quote-missing", 0) >= 3)
        await quotes.show(gateway, "BTC/USDT", 60_000.0, 60_010.0)
        await until("orders too large", lambda: tally().refused.get("invalid", 0) >= 3)
        await until("orders small enough", lambda: tally().accepted >= 3)
    metrics = await gateway.metric("hedgerow_client_orders_received_total")
    assert metrics == tally().accepted


async def test_a_gateway_that_is_away_is_said_and_waited_for(
    free_port: Callable[[], int], make_context: Callable[..., Context]
) -> None:
    context = make_context(f"http://127.0.0.1:{free_port()}")
    task = asyncio.create_task(run(context))
    readiness = context.readiness
    assert isinstance(readiness, RememberingReadiness)
    await until("it says so", lambda: len(readiness.conditions) >= 3)
    assert set(readiness.conditions) == {("gateway", False)}
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert msgspec.structs.asdict(TallyFile(context.settings.data_dir, SESSION_NS).read())["accepted"] == 0
