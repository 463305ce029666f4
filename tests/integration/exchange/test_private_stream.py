"""The private stream: the released ccxt.pro client on it, and the sign of life that open orders hang on."""

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import ccxt.async_support as ccxt
import ccxt.pro as ccxt_pro
import pytest
from exchange_client import ACCOUNTS, PERP, Connect, take, until
from exchange_process import ExchangeProcess

from hedgerow.adapters.ccxt_client import Place, open_client
from hedgerow.adapters.ccxt_stream import CcxtStream
from hedgerow.adapters.venue import StreamLost

PATIENCE_S = 60.0


@pytest.fixture
async def listener(exchange: ExchangeProcess) -> AsyncIterator[ccxt_pro.bybit]:
    client = open_client(ccxt_pro, Place(exchange="bybit", url=exchange.url), *ACCOUNTS["hedge-01"])
    yield client
    await client.close()


async def soon(waiting: Any) -> Any:
    return await asyncio.wait_for(waiting, PATIENCE_S)


async def test_orders_and_their_executions_come_through_the_unchanged_client(
    listener: ccxt_pro.bybit, client: ccxt.bybit, new_name: Callable[[], str]
) -> None:
    url = await listener.get_url_by_market_type(None, True, "watchOrders")
    await soon(listener.authenticate(url))
    orders = asyncio.create_task(listener.watch_orders())
    trades = asyncio.create_task(listener.watch_my_trades())
    await client.load_markets()
    # The subscriptions are on their way: the first order that they tell may be a later one, or several at once.
    while not (orders.done() and trades.done()):
        await take(client, new_name())
        await asyncio.wait({orders, trades}, timeout=1)
    told, found = await soon(orders), await soon(trades)
    assert told
    for order in told:
        by_rest = await client.fetch_canceled_and_closed_orders(
            PERP, params={"orderLinkId": order["clientOrderId"]}
        )
        assert {key: order[key] for key in ("id", "status", "filled", "side")} == {
            key: by_rest[0][key] for key in ("id", "status", "filled", "side")
        }
    assert found
    for trade in found:
        known = await client.fetch_my_trades(PERP, params={"orderLinkId": trade["info"]["orderLinkId"]})
        assert trade["id"] in {one["id"] for one in known}


async def test_news_of_other_accounts_stay_with_them(
    exchange: ExchangeProcess, connect: Connect, new_name: Callable[[], str]
) -> None:
    stream = CcxtStream(Place(exchange="bybit", url=exchange.url), *ACCOUNTS["hedge-02"])
    try:
        await soon(stream.open())
        news = asyncio.create_task(stream.news())
        theirs, ours = connect(exchange), connect(exchange, "hedge-02")
        for client in (theirs, ours):
            await client.load_markets()
        while not news.done():
            await take(theirs, new_name())
            name = new_name()
            await take(ours, name)
            await asyncio.wait({news}, timeout=1)
        assert news.result() == [name]
    finally:
        await stream.close()


async def test_a_wrong_secret_opens_no_stream(exchange: ExchangeProcess) -> None:
    stream = CcxtStream(Place(exchange="bybit", url=exchange.url), ACCOUNTS["hedge-01"][0], "wrong")
    try:
        with pytest.raises(StreamLost, match="10004"):
            await soon(stream.open())
    finally:
        await stream.close()


class RawStream:
    """A stream by hand, to be cut off without a word."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def call(self, op: str, *args: Any) -> dict[str, Any]:
        await self.socket.send_json({"op": op, "args": args, "req_id": "1"})
        reply: dict[str, Any] = await self.socket.receive_json(timeout=PATIENCE_S)
        return reply

    async def sign_in(self, api_key: str, secret: str) -> dict[str, Any]:
        expires = str(time.time_ns() // 1_000_000 + 10_000)
        signature = hmac.digest(secret.encode(), f"GET/realtime{expires}".encode(), "sha256").hex()
        return await self.call("auth", api_key, expires, signature)


async def test_what_is_not_allowed_on_a_stream_is_said(exchange: ExchangeProcess) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{exchange.url}/v5/private") as socket:
        stream = RawStream(socket)
        assert (await stream.call("ping"))["op"] == "pong"
        assert (await stream.call("subscribe", "order"))["ret_msg"] == "Request not authorized"
        assert not (await stream.sign_in("unknown", "secret"))["success"]
        assert (await stream.sign_in(*ACCOUNTS["hedge-01"]))["success"]
        assert "wallet2" in (await stream.call("subscribe", "order", "wallet2"))["ret_msg"]
        assert (await stream.call("subscribe", "order.linear", "execution"))["success"]
        assert not (await stream.call("dance"))["success"]
        expired = await stream.call("auth", ACCOUNTS["hedge-01"][0], "1", "")
        assert not expired["success"]


async def test_open_orders_are_cancelled_when_the_last_sign_of_life_has_been_gone_for_its_time(
    fresh_exchange: ExchangeProcess, connect: Connect
) -> None:
    exchange = fresh_exchange.start()
    client, other = connect(exchange), connect(exchange, "hedge-02")
    for waiting in (client, other):
        await waiting.create_order(PERP, "limit", "buy", 0.001, 50_000)
    await client.cancel_all_orders_after(3_000, {"type": "swap"})
    async with aiohttp.ClientSession() as session:
        for _ in range(2):  # the second comes before the first has been gone for its time
            socket = await session.ws_connect(f"{exchange.url}/v5/private")
            stream = RawStream(socket)
            await stream.sign_in(*ACCOUNTS["hedge-01"])
            assert (await stream.call("subscribe", "dcp.future"))["success"]
            gone = time.monotonic()
            await socket.close()
        assert len(await client.fetch_open_orders(PERP)) == 1
        await until(lambda: _nothing_open(client))
        assert time.monotonic() - gone >= 3
    assert len(await other.fetch_open_orders(PERP)) == 1


async def _nothing_open(client: ccxt.bybit) -> bool:
    return not await client.fetch_open_orders(PERP)
