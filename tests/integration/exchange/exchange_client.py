"""What tests do with ccxt's Bybit client on the exchange."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any

import ccxt.async_support as ccxt
from exchange_process import ExchangeProcess

PERP = "BTC/USDT:USDT"
SPOT = "BTC/USDT"
ACCOUNTS = {"hedge-01": ("key-one", "secret-one"), "hedge-02": ("key-two", "secret-two")}

Connect = Callable[..., ccxt.bybit]


def new_client(exchange: ExchangeProcess, account: str, settings: Mapping[str, Any]) -> ccxt.bybit:
    """The released client; only its addresses are changed."""
    api_key, secret = ACCOUNTS[account]
    client = ccxt.bybit({"apiKey": api_key, "secret": secret, "enableRateLimit": False} | dict(settings))
    client.urls["api"] = dict.fromkeys(client.urls["api"], exchange.url)
    return client


async def take(client: ccxt.bybit, name: str, side: str = "buy", amount: str = "0.002") -> dict[str, Any]:
    """An IOC order that reaches well into the other side."""
    ticker = await client.fetch_ticker(PERP)
    price = round(ticker["ask"] * 1.001 if side == "buy" else ticker["bid"] * 0.999, 1)
    return await client.create_order(
        PERP, "limit", side, amount, price, {"clientOrderId": name, "timeInForce": "IOC"}
    )


async def position_of(client: ccxt.bybit) -> Decimal:
    (position,) = await client.fetch_positions([PERP])
    size = Decimal(position["info"]["size"])
    return -size if position["side"] == "short" else size


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something holds that has to come about; far longer than it takes means that it does not."""
    for _ in range(6_000):
        if await holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come about within a minute")
