"""The collector of accounts as its worker runs it: the real exchange through ccxt, the real ledger."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal as D
from itertools import pairwise
from pathlib import Path

import ccxt.async_support as ccxt
import hedge_examples as example
import msgspec
import pytest
from exchange_client import ACCOUNTS, PERP, SPOT, Connect, new_client, take, until
from exchange_process import ExchangeProcess, write_keys
from role_context import RememberingProducer, RememberingReadiness, role_context, settings

from hedgerow.adapters.ccxt_account import CcxtAccount
from hedgerow.adapters.venue import VenueUnavailable, VenueUnfit
from hedgerow.domain.accounts import AccountDebt
from hedgerow.ledger.connection import connect as connect_to_ledger
from hedgerow.ledger.venues import publish_venue
from hedgerow.schemas.records import AccountState
from hedgerow.strategy.compiled import CompiledVenue
from hedgerow.streams.context import Context
from hedgerow_ingestion import accounts_role

READ_KEY = ("key-read", "secret-read")
VENUE = example.venue(namespace="default", name="paper")


@pytest.fixture
def lending_exchange(fresh_exchange: ExchangeProcess, tmp_path: Path) -> ExchangeProcess:
    """Running, and `hedge-01` has a key that may only read."""
    write_keys(tmp_path, {"hedge-01@read": READ_KEY})
    (tmp_path / "keys" / "hedge-01@read" / "readOnly").touch()
    return fresh_exchange.start()


async def borrow(client: ccxt.bybit) -> None:
    """Buy half a bitcoin, pledge four fifths of it, owe tethers, and be short of a little in the perpetual."""
    ask = (await client.fetch_ticker(SPOT))["ask"]
    await client.create_order(SPOT, "limit", "buy", 0.5, round(ask * 1.01, 2), {"timeInForce": "IOC"})
    pledged = [{"currency": "BTC", "amount": "0.4"}]
    loan = {"loanCurrency": "USDT", "loanAmount": "16200", "collateralList": pledged}
    await client.private_post_v5_crypto_loan_flexible_borrow(loan)
    await take(client, "short", "sell", "0.003")


async def test_the_whole_account_is_read_to_the_digit_with_a_key_that_cannot_trade(
    lending_exchange: ExchangeProcess, connect: Connect
) -> None:
    client = connect(lending_exchange)
    await borrow(client)
    reader = connect(lending_exchange, apiKey=READ_KEY[0], secret=READ_KEY[1])
    with pytest.raises(ccxt.PermissionDenied, match="may only read"):
        await take(reader, "not-allowed")
    account = CcxtAccount("bybit", lending_exchange.url, *READ_KEY)
    try:
        await account.start()
        reading = await account.read()
    finally:
        await account.close()
    (row,) = (await client.private_get_v5_account_wallet_balance({"accountType": "UNIFIED"}))["result"][
        "list"
    ]
    assert reading.wallet == {item["coin"]: D(item["walletBalance"]) for item in row["coin"]}
    assert reading.wallet["BTC"] < D("0.1")  # the fee was in bitcoin
    assert reading.collateral == {"BTC": D("0.4")}
    assert reading.debts == (
        AccountDebt(asset="USDT", principal=D(16200), interest=D(0), annual_rate=D("0.06000600")),
    )
    (position,) = reading.positions
    assert (position.instrument, position.quantity) == (PERP, D("-0.003"))
    assert position.mark_price is not None
    assert position.maintenance_margin == pytest.approx(D("0.003") * position.mark_price * D("0.005"))
    assert position.liquidation_price is not None
    assert position.liquidation_price > position.mark_price


async def test_a_key_that_may_trade_is_not_taken_and_a_venue_that_is_away_is_said(
    lending_exchange: ExchangeProcess,
) -> None:
    trading = CcxtAccount("bybit", lending_exchange.url, *ACCOUNTS["hedge-01"])
    reading = CcxtAccount("bybit", lending_exchange.url, *READ_KEY)
    try:
        with pytest.raises(VenueUnfit, match="make a key that can only read"):
            await trading.start()
        await reading.start()
        lending_exchange.stop()
        with pytest.raises(VenueUnavailable, match="did not answer"):
            await reading.read()
    finally:
        await trading.close()
        await reading.close()


async def publish(venue: CompiledVenue, ledger_dsn: str) -> None:
    connection = await connect_to_ledger(ledger_dsn, "test")
    await publish_venue(connection, venue, time.time_ns())
    await connection.close()


@pytest.fixture
async def collecting(
    lending_exchange: ExchangeProcess, ledger_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Context]:
    """The role, polling faster than it does outside of tests."""
    monkeypatch.setattr(accounts_role, "POLL_S", 0.2)
    await publish(VENUE, ledger_dsn)
    chosen = settings(ledger_dsn=ledger_dsn, exchange_url=lending_exchange.url, keys_dir=tmp_path / "keys")
    context = role_context("accounts", RememberingProducer(AccountState), chosen)
    task = asyncio.ensure_future(accounts_role.role.run(context))
    yield context
    context.stopping.set()
    await asyncio.wait_for(task, 30)


def sent(context: Context) -> list[AccountState]:
    assert isinstance(context.producer, RememberingProducer)
    assert {(item.topic, item.key) for item in context.producer.sent} <= {("accounts", VENUE.key)}
    return [item.record for item in context.producer.sent]


def polls(context: Context, outcome: str) -> float:
    labels = {"venue": VENUE.key, "outcome": outcome}
    return context.metrics.get_sample_value("hedgerow_account_polls_total", labels) or 0.0


def has(holds: Callable[[], bool]) -> Awaitable[None]:
    async def held() -> bool:
        return holds()

    return until(held)


async def test_every_poll_is_a_state_and_a_dead_venue_is_silence_that_is_said(
    collecting: Context, lending_exchange: ExchangeProcess, tmp_path: Path
) -> None:
    await has(lambda: len(sent(collecting)) >= 3)
    client = new_client(lending_exchange, "hedge-01", {})
    await borrow(client)
    await client.close()
    await has(lambda: sent(collecting)[-1].collateral == {"BTC": D("0.4")})

    # A Venue that changes gets a collector anew, whose states are no older than those before.
    assert isinstance(collecting.readiness, RememberingReadiness)
    name = f"account {VENUE.key}"
    before = len(sent(collecting))
    await publish(msgspec.structs.replace(VENUE, orders_per_second=7), collecting.settings.ledger_dsn)
    await has(lambda: (name, True, "no longer collected here") in collecting.readiness.history)
    await has(lambda: len(sent(collecting)) >= before + 3)

    lending_exchange.kill()
    await has(lambda: polls(collecting, "unavailable") >= 2)
    told = len(sent(collecting))
    ok, detail = [item[1:] for item in collecting.readiness.history if item[0] == name][-1]
    assert not ok
    assert "did not answer" in detail
    await has(lambda: polls(collecting, "unavailable") >= 4)
    assert len(sent(collecting)) == told  # nothing is made up

    # Keys are followed: with one that may trade nothing is read.
    lending_exchange.start()
    await has(lambda: len(sent(collecting)) > told)
    for file, text in zip(("apiKey", "secret"), ACCOUNTS["hedge-01"], strict=True):
        (tmp_path / "keys" / "hedge-01@read" / file).write_text(text)
    await has(lambda: polls(collecting, "unfit") >= 1)

    states = sent(collecting)
    sequences = [state.sequence for state in states]
    assert sequences == sorted(set(sequences))
    assert all(before.time_ns < after.time_ns for before, after in pairwise(states))
    assert states[-1].debts[0].principal == 16200
    seconds = collecting.metrics.get_sample_value("hedgerow_account_state_time_seconds", {"venue": VENUE.key})
    assert seconds == states[-1].time_ns / 1e9
