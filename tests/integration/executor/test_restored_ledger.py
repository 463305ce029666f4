"""A ledger restored from a backup on real servers: it starts halted, takes in what it lost, agrees, and goes on."""

import asyncio
from decimal import Decimal
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import hedge_examples as example
from trading_desk import TradingDesk, until

from hedgerow.domain.orders import Side
from hedgerow.execution.order_life import IntentState
from hedgerow.ledger.connection import create_pool
from hedgerow_local.postgres import execute


async def _filled(desk: TradingDesk, orders: int) -> None:
    """Buy so many times, each 0.001."""
    for _ in range(orders):
        await _trade(desk, Side.BUY)


async def _trade(desk: TradingDesk, side: Side) -> None:
    numbers: list[int] = []

    async def decided() -> bool:
        number = await desk.decide("btc", side, "0.001")
        numbers.extend([] if number is None else [number])
        return bool(numbers)

    await until(decided, "it is decided")

    async def concluded() -> bool:
        return await desk.state(numbers[0]) is IntentState.FILLED

    await until(concluded, "it is filled")


async def test_a_restored_ledger_starts_halted_takes_in_what_it_lost_and_goes_on(
    desk: TradingDesk, postgres: str
) -> None:
    await desk.start(desk.executor)
    await _filled(desk, 2)
    desk.executor.kill()
    original = desk.dsn
    await desk.pool.close()
    backup = f"test_{uuid4().hex}"
    execute(postgres, f"CREATE DATABASE {backup} TEMPLATE {urlsplit(original).path.strip('/')}")
    restored = urlunsplit(urlsplit(original)._replace(path=f"/{backup}"))
    try:
        async with await create_pool(original, "executor-tests", 4) as pool:
            await desk.move(original, pool)
            await desk.start(desk.executor)
            # What the backup does not have. The positions agree without it, and it is taken in all the same.
            for side in (Side.BUY, Side.BUY, Side.SELL, Side.SELL):
                await _trade(desk, side)
            desk.executor.kill()
        async with await create_pool(restored, "executor-tests", 4) as pool:
            await desk.move(restored, pool)
            await desk.start(desk.executor)

            async def released() -> bool:
                row = await pool.fetchrow(
                    "select source, released_by, released_ns from halts order by id limit 1"
                )
                return row is not None and row["released_ns"] is not None

            await until(released, "it was halted, and released by agreement")
            assert await pool.fetchval("select source from halts order by id limit 1") == "ledger"
            assert await pool.fetchval("select count(*) from adoptions") == 4
            held = await pool.fetchval("select sum(quantity) from positions")
            assert held == await desk.held_at_venue(example.SYMBOL) == Decimal("0.002")
            # Intent numbers are given again; their orders have other names, and are sent.
            await _filled(desk, 1)
            assert await desk.held_at_venue(example.SYMBOL) == Decimal("0.003")
            done = await desk.command("audit", "verify")
            assert done.returncode in (0, 1), done.stderr
            assert "differs" not in done.stdout
            desk.executor.kill()
    finally:
        await asyncio.to_thread(execute, postgres, f"DROP DATABASE {backup} WITH (FORCE)")


async def test_what_a_person_traded_among_our_orders_halts_until_it_is_adopted(desk: TradingDesk) -> None:
    await desk.start(desk.executor)
    await _filled(desk, 1)
    stop = asyncio.Event()
    trading = asyncio.create_task(desk.trade(stop))
    ticker = await desk.client.fetch_ticker(example.SYMBOL)
    price = float(desk.client.price_to_precision(example.SYMBOL, ticker["bid"] * 0.999))
    params = {"timeInForce": "IOC", "positionIdx": 0}
    await desk.client.create_order(example.SYMBOL, "limit", "sell", 0.004, price, params)

    async def halts() -> list[str]:
        rows = await desk.pool.fetch("select reason from halts where released_ns is null")
        return [row["reason"] for row in rows]

    async def halted() -> bool:
        return bool(await halts())

    await until(halted, "reconciliation halts")
    stop.set()
    await trading
    (reason,) = await halts()
    assert reason.startswith(f"{example.SYMBOL}: the venue holds -0.00"), reason
    assert await desk.pool.fetchval("select count(*) from adoptions") == 0

    async def quiet() -> bool:
        return await desk.pool.fetchval("select count(*) from intents where concluded_ns is null") == 0

    await until(quiet, "nothing is open any more")
    position = await desk.held_at_venue(example.SYMBOL)
    assert position + Decimal("0.004") == await desk.pool.fetchval("select sum(quantity) from positions")
    arguments = (
        "--namespace",
        "desk",
        "--instrument",
        example.SYMBOL,
        "--price",
        str(price),
        "--reason",
        "by ann",
    )
    done = await desk.command("adopt", "btc", "--position", f"{position:f}", *arguments)
    assert done.returncode == 0, done.stderr
    assert "has taken over a Sell of 0.004" in done.stdout

    async def agreed() -> bool:
        return not await halts()

    await until(agreed, "agreement releases the halt")
    await _filled(desk, 1)
    again = await desk.command("adopt", "btc", "--position", f"{position + Decimal('0.001'):f}", *arguments)
    assert (again.returncode, "nothing to adopt" in again.stderr) == (1, True)
