"""The executor follows an order on the real exchange: by its poll, and faster by the venue's private stream."""

import asyncio
import json
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterable
from decimal import Decimal
from typing import Any, cast

import ccxt.async_support as ccxt
import hedge_examples as example
import msgspec
import prometheus_client
import pytest
from exchange_client import ACCOUNTS, PERP, Connect
from exchange_process import ExchangeProcess
from role_context import RememberingProducer, role_context, settings

from hedgerow.adapters.ccxt_venue import CcxtVenue
from hedgerow.domain.money import ZERO
from hedgerow.domain.orders import Side
from hedgerow.execution.conclusion import conclude
from hedgerow.execution.intents import Intent, VenueFill, VenueOrder
from hedgerow.execution.order_life import IntentState
from hedgerow.ledger.outcomes import Outcome
from hedgerow.schemas.records import HedgeConcluded
from hedgerow_executor import following
from hedgerow_executor.account import Account
from hedgerow_executor.account_ledger import AccountLedger
from hedgerow_executor.metrics import build_metrics
from hedgerow_executor.streaming import stream_loop

PATIENCE_S = 60.0


class OneIntent:
    """A ledger of one intent, concluded as the real one concludes."""

    def __init__(self, intent: Intent) -> None:
        self.intent = intent
        self.fills: dict[str, VenueFill] = {}

    async def record_outcome(
        self, number: int, order: VenueOrder, fills: Iterable[VenueFill], now_ns: int
    ) -> Outcome:
        self.fills |= {fill.execution_id: fill for fill in fills}
        concluded = conclude(self.intent, order, list(self.fills.values()))
        before = self.intent
        self.intent = msgspec.structs.replace(
            before, state=concluded.state, filled_quantity=concluded.filled_quantity
        )
        return Outcome(intent=self.intent, changed=self.intent != before)


@pytest.fixture
async def venue(exchange: ExchangeProcess) -> AsyncIterator[CcxtVenue]:
    venue = CcxtVenue("bybit", exchange.url, *ACCOUNTS["hedge-01"])
    await venue.start()
    yield venue
    await venue.close()


@pytest.fixture
async def account(
    venue: CcxtVenue,
    client: ccxt.bybit,
    connect: Connect,
    exchange: ExchangeProcess,
    new_name: Callable[[], str],
) -> AsyncIterator[Account]:
    """One order of four lots that waits inside the spread, and the account that it is followed for."""
    name = new_name()
    ticker = await client.fetch_ticker(PERP)
    if round(ticker["ask"] - ticker["bid"], 1) == 0.1:
        # The market stands still here: what is taken from the touch stays away.
        taker = connect(exchange, "hedge-02")
        await taker.create_order(
            PERP, "limit", "sell", ticker["bidVolume"], ticker["bid"], {"timeInForce": "IOC"}
        )
        ticker = await client.fetch_ticker(PERP)
    price = round(ticker["bid"] + 0.1, 1)
    assert price < ticker["ask"]
    await client.create_order(PERP, "limit", "buy", "0.004", price, {"clientOrderId": name})
    intent = example.intent(
        instrument=PERP,
        side=Side.BUY,
        quantity=Decimal("0.004"),
        limit_price=Decimal(str(price)),
        claimed_ns=time.time_ns(),
        client_order_id=name,
        state=IntentState.ACCEPTED,
    )
    context = role_context("executor", RememberingProducer(HedgeConcluded), settings())
    account = Account(
        context=context,
        venue_key="desk/paper",
        name="hedge-01",
        opened="bybit Paper",
        venue=venue,
        pool=cast(Any, None),
        ledger=cast(AccountLedger, OneIntent(intent)),
        metrics=build_metrics(prometheus_client.CollectorRegistry()),
        tickers={},
        traces=None,
    )
    yield account
    context.stopping.set()
    await client.cancel_all_orders(PERP)


def administer(exchange: ExchangeProcess, method: str, rules: Any = None) -> Any:
    body = None if rules is None else json.dumps(rules).encode()
    request = urllib.request.Request(f"{exchange.url}/faults", data=body, method=method)
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)


def intent_of(account: Account) -> Intent:
    return cast(OneIntent, account.ledger).intent


async def sell_into_it(client: ccxt.bybit, account: Account, amount: str) -> None:
    price = float(intent_of(account).limit_price)
    await client.create_order(PERP, "limit", "sell", amount, price, {"timeInForce": "IOC"})


async def until_filled(account: Account, quantity: str) -> float:
    """Seconds until the ledger has so much of it."""
    began = time.monotonic()
    while intent_of(account).filled_quantity < Decimal(quantity):
        assert time.monotonic() - began < PATIENCE_S
        await asyncio.sleep(0.005)
    return time.monotonic() - began


async def until_listening(account: Account) -> None:
    gauge = account.metrics.stream_up.labels(account.name)
    for _ in range(6_000):
        if gauge._value.get():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the stream did not open within a minute")


async def test_fills_come_by_the_stream_long_before_the_poll(
    account: Account, connect: Connect, exchange: ExchangeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a poll that looks once in ten minutes, only news can bring them."""
    monkeypatch.setattr(following, "FIRST_LOOK_S", 600.0)
    monkeypatch.setattr(following, "LONGEST_PAUSE_S", 600.0)
    other = connect(exchange, "hedge-02")
    await other.load_markets()
    listening = asyncio.create_task(stream_loop(account))
    await until_listening(account)
    account.follow(intent_of(account), following.follow_order)
    try:
        for filled in ("0.001", "0.002", "0.003", "0.004"):
            # The subscription may still be on its way when the stream is up: news of each lot is news of all.
            await sell_into_it(other, account, "0.001")
            if filled == "0.001":
                while intent_of(account).filled_quantity == ZERO:
                    account.stir_all()
                    await asyncio.sleep(0.05)
            assert await until_filled(account, filled) < PATIENCE_S
        assert intent_of(account).state is IntentState.FILLED
        assert len(cast(OneIntent, account.ledger).fills) == 4
    finally:
        listening.cancel()
        await asyncio.gather(listening, *account.following.values(), return_exceptions=True)


async def test_a_stalled_stream_loses_nothing(
    account: Account, connect: Connect, exchange: ExchangeProcess
) -> None:
    """The connection stays open, and nothing comes through it any more: the poll brings the fills."""
    other = connect(exchange, "hedge-02")
    await other.load_markets()
    listening = asyncio.create_task(stream_loop(account))
    await until_listening(account)
    administer(exchange, "POST", [{"kind": "StallStream", "path": "/v5/private", "account": "hedge-01"}])
    account.follow(intent_of(account), following.follow_order)
    try:
        await sell_into_it(other, account, "0.001")
        await until_filled(account, "0.001")
        await sell_into_it(other, account, "0.003")
        await until_filled(account, "0.004")
        assert account.metrics.stream_up.labels(account.name)._value.get() == 1
        (state,) = administer(exchange, "GET")
        assert state["fired"] > 0
    finally:
        administer(exchange, "DELETE")
        listening.cancel()
        await asyncio.gather(listening, *account.following.values(), return_exceptions=True)
