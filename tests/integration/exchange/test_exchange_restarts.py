"""What survives: kill -9 in the middle of a load, restarts, and attempts to run two exchanges on one journal."""

import asyncio
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt.async_support as ccxt
import pytest
from exchange_client import ACCOUNTS, PERP, Connect, position_of, take, until
from exchange_process import ExchangeProcess, write_keys

from hedgerow_exchange.journal import JOURNAL_NAME
from hedgerow_local.ports import free_port


def journal_lines(exchange: ExchangeProcess) -> list[dict[str, Any]]:
    text = (exchange.data / JOURNAL_NAME).read_bytes()
    return [json.loads(line) for line in text.splitlines(keepends=True)[1:] if line.endswith(b"\n")]


def recounted(exchange: ExchangeProcess, account: str) -> Decimal:
    """The position by the journal's text alone."""
    total = Decimal(0)
    for line in journal_lines(exchange):
        for execution in line["executions"]:
            if execution["account"] == account:
                total += Decimal(execution["execQty"]) * (1 if execution["side"] == "Buy" else -1)
    return total


async def has_at_least(count: int, names: list[str]) -> bool:
    return len(names) >= count


async def load_until_it_breaks(client: ccxt.bybit, prefix: str, acknowledged: list[str]) -> None:
    """Alternate small orders; whatever was answered is noted."""
    number = 0
    while True:
        number += 1
        name = f"{prefix}-{number}"
        side = "buy" if number % 3 else "sell"
        price = "62500" if side == "buy" else "61000"
        try:
            await client.create_order(
                PERP, "limit", side, "0.001", price, {"clientOrderId": name, "timeInForce": "IOC"}
            )
        except ccxt.NetworkError:
            return
        acknowledged.append(name)


async def test_kill_9_in_the_middle_of_a_load_loses_no_answered_order(
    fresh_exchange: ExchangeProcess, connect: Connect
) -> None:
    exchange = fresh_exchange
    everything: list[str] = []
    for round_number in range(3):
        exchange.start()
        clients = [connect(exchange) for _ in range(4)]
        for client in clients:
            await client.load_markets()
            await client.is_unified_enabled()
        acknowledged: list[str] = []
        loads = [
            asyncio.create_task(load_until_it_breaks(client, f"r{round_number}-{index}", acknowledged))
            for index, client in enumerate(clients)
        ]
        await until(lambda answered=acknowledged: has_at_least(60, answered))
        exchange.kill()
        await asyncio.gather(*loads)
        everything += acknowledged

    exchange.start()
    client = connect(exchange)
    journaled = [order["orderLinkId"] for line in journal_lines(exchange) for order in line["orders"]]
    assert set(everything) <= set(journaled)
    assert max(Counter(journaled).values()) == 1
    assert await position_of(client) == recounted(exchange, "hedge-01")
    with pytest.raises(ccxt.InvalidOrder, match="110072"):
        await take(client, everything[0])
    (first,) = await client.fetch_canceled_and_closed_orders(PERP, params={"orderLinkId": everything[0]})
    assert first["filled"] == 0.001


async def test_a_restart_keeps_open_orders_balances_and_positions(
    fresh_exchange: ExchangeProcess, connect: Connect
) -> None:
    exchange = fresh_exchange.start()
    client = connect(exchange)
    await take(client, "taken")
    await client.create_order(PERP, "limit", "buy", 0.004, 50_000, {"clientOrderId": "waiting"})
    before = (
        await position_of(client),
        (await client.fetch_balance())["USDT"],
        [order["id"] for order in await client.fetch_open_orders(PERP)],
        [trade["id"] for trade in await client.fetch_my_trades(PERP)],
    )
    assert exchange.stop() == 0
    exchange.start()
    client = connect(exchange)
    after = (
        await position_of(client),
        (await client.fetch_balance())["USDT"],
        [order["id"] for order in await client.fetch_open_orders(PERP)],
        [trade["id"] for trade in await client.fetch_my_trades(PERP)],
    )
    assert after == before
    assert len(before[2]) == 1
    await client.cancel_order(before[2][0], PERP)


async def test_a_torn_last_line_is_cut_off_at_the_next_start(
    fresh_exchange: ExchangeProcess, connect: Connect
) -> None:
    exchange = fresh_exchange.start()
    await take(connect(exchange), "whole")
    exchange.kill()
    path = exchange.data / JOURNAL_NAME
    path.write_bytes(path.read_bytes() + b'{"seq":2,"timeNs":17')
    exchange.start()
    assert "torn last line cut off" in exchange.log.read_text()
    await take(connect(exchange), "next")
    assert [line["seq"] for line in journal_lines(exchange)] == [1, 2]


def test_it_is_not_ready_before_everything_is(fresh_exchange: ExchangeProcess) -> None:
    fresh_exchange.start()
    conditions: dict[str, bool] = {}
    seen = []
    for line in fresh_exchange.log.read_text().splitlines():
        if line.startswith("condition "):
            _, name, ok, *_ = line.split()
            conditions[name] = ok == "True"
            seen.append(all(conditions.values()))
    assert set(conditions) == {"journal", "tape", "http"}
    assert seen == [False] * (len(seen) - 1) + [True]


def test_a_second_exchange_on_the_same_journal_is_refused(fresh_exchange: ExchangeProcess) -> None:
    fresh_exchange.start()
    second = ExchangeProcess(fresh_exchange.data.parent, free_port())
    assert second.launch().wait(timeout=60) != 0
    assert "is held by another process" in second.log.read_text()


def test_a_corrupt_journal_refuses_to_start_and_says_where(fresh_exchange: ExchangeProcess) -> None:
    fresh_exchange.data.mkdir()
    (fresh_exchange.data / JOURNAL_NAME).write_text("not a journal\n")
    assert fresh_exchange.launch().wait(timeout=60) != 0
    assert f"{JOURNAL_NAME}, line 1" in fresh_exchange.log.read_text()


def test_missing_keys_refuse_to_start_and_say_what_is_missing(fresh_exchange: ExchangeProcess) -> None:
    (fresh_exchange.data.parent / "keys" / "hedge-01" / "secret").unlink()
    assert fresh_exchange.launch().wait(timeout=60) != 0
    assert "keys/hedge-01/secret cannot be read" in fresh_exchange.log.read_text()


async def test_a_replay_at_speed_moves_the_book(tmp_path: Path, connect: Connect) -> None:
    write_keys(tmp_path, ACCOUNTS)
    exchange = ExchangeProcess(tmp_path, free_port(), speed=20.0)
    try:
        exchange.start()
        client = connect(exchange)
        first = await client.fetch_order_book(PERP, 25)

        async def moved() -> bool:
            return bool((await client.fetch_order_book(PERP, 25))["bids"] != first["bids"])

        await until(moved)
        for _ in range(20):
            book = await client.fetch_order_book(PERP, 25)
            assert book["bids"][0][0] < book["asks"][0][0]
            assert len(book["bids"]) == len(book["asks"]) == 25
    finally:
        exchange.stop()
