"""Funds on real servers: what an account cannot put up is refused before it is sent, said, and sent after a deposit."""

import json
import shutil
import time
from collections.abc import Iterator
from decimal import Decimal

import ccxt.async_support as ccxt
import hedge_examples as example
from integration.exchange.exchange_process import ExchangeProcess
from trading_desk import TradingDesk, client_of, strategy_on, until

from hedgerow.domain.orders import Side
from hedgerow.execution.intents import Intent
from hedgerow.execution.order_life import TERMINAL, IntentState
from hedgerow.ledger.account_funds import read_other_account
from hedgerow.ledger.intents import find_intent
from hedgerow.ledger.strategies import publish_strategy
from hedgerow.ledger.venues import publish_venue

POOR = "desk/poor"
# Taken out of its wallet, so that 100 USDT are left: a tenth of what the order is worth is many times that.
TAKEN_OUT = {"USDT": Decimal(9_999_900), "USD": Decimal(10_000_000)}
LEFT = Decimal(100)
QUANTITY = "0.1"


async def test_a_hedge_that_the_funds_do_not_cover_waits_for_a_deposit_while_the_other_account_trades(
    desk: TradingDesk, exchange: ExchangeProcess, free_accounts: Iterator[str]
) -> None:
    account = next(free_accounts)
    await _add_venue(desk, exchange, account)
    client = client_of(desk.folder / "keys" / account, exchange.url)
    try:
        await client.load_markets()
        await _move_money(client, "0")
        await desk.start(desk.executor)
        await _until_told(desk, account, LEFT)

        refused = await _ended(desk, "poor")
        assert refused.state is IntentState.REFUSED
        assert refused.reason.startswith("InsufficientFunds: initial margin is needed: ")
        assert f"the account had {LEFT:.2f} available" in refused.reason
        assert await desk.metric("hedgerow_refusals_total") == 1
        (told,) = json.loads((await desk.command("orders", "desk/poor", "--json")).stdout)
        assert told["intent"]["reason"] == refused.reason

        assert (await _ended(desk, "btc")).state is IntentState.FILLED
        assert list(await desk.sent()) == [refused.id + 1]

        await _move_money(client, "1")
        await _until_told(desk, account, LEFT + sum(TAKEN_OUT.values()))
        assert (await _ended(desk, "poor")).state is IntentState.FILLED
        (position,) = await client.fetch_positions([example.SYMBOL])
        assert position["contracts"] == float(QUANTITY)
    finally:
        await client.close()


async def _add_venue(desk: TradingDesk, exchange: ExchangeProcess, account: str) -> None:
    """A second Venue for the same executor, and a strategy on it."""
    shutil.copytree(exchange.keys / account, desk.folder / "keys" / account)
    config = strategy_on("poor", example.SYMBOL, POOR, account)
    async with desk.pool.acquire() as connection:
        venue = example.venue(name="poor", account=account, orders_per_second=1_000)
        await publish_venue(connection, venue, time.time_ns())
        published = await publish_strategy(connection, config, "r1", time.time_ns())
    desk.uids["poor"] = published.uid


async def _move_money(client: ccxt.bybit, direction: str) -> None:
    """Out of the wallet into collateral ("0"), or back ("1")."""
    for currency, amount in TAKEN_OUT.items():
        await client.private_post_v5_crypto_loan_common_adjust_ltv(
            {"currency": currency, "amount": str(amount), "direction": direction}
        )


async def _until_told(desk: TradingDesk, account: str, available: Decimal) -> None:
    async def told() -> bool:
        async with desk.pool.acquire() as connection:
            found = await read_other_account(connection, POOR, account)
        return found is not None and found.funds.available == available

    await until(told, f"the executor has written that {available} are available")


async def _ended(desk: TradingDesk, name: str) -> Intent:
    """Of a hedge that is decided now."""
    number = await desk.decide(name, Side.BUY, QUANTITY)
    assert number is not None
    found: list[Intent] = []

    async def ended() -> bool:
        async with desk.pool.acquire() as connection:
            intent = await find_intent(connection, number)
        assert intent is not None
        found.append(intent)
        return intent.state in TERMINAL

    await until(ended, "the intent ends")
    return found[-1]
