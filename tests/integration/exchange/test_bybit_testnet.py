"""Live on Bybit's testnet: the unchanged client asks the testnet's own host names over HTTPS, and the built-in exchange
answers there. It shows the way to the venue, not the venue: Bybit itself was never asked."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import certifi
import hedge_examples as example
import msgspec
import pytest
from exchange_client import ACCOUNTS, PERP, Connect
from exchange_process import ExchangeProcess, write_keys
from executor_at_work import PATIENCE_S, Executor
from role_context import RememberingProducer, role_context, settings
from testnet_door import AUTHORITIES, HOSTS, Door, leads_to_testnet

from hedgerow.adapters.ccxt_venue import CcxtVenue
from hedgerow.adapters.venue import VenueUnavailable, VenueUnfit
from hedgerow.domain.orders import Side, TimeInForce
from hedgerow.execution.intents import Intent
from hedgerow.execution.order_life import IntentState
from hedgerow.ledger.connection import create_pool
from hedgerow.ledger.strategies import publish_strategy
from hedgerow.ledger.venues import publish_venue
from hedgerow.schemas.records import Acknowledgement, BookState, HedgeConcluded
from hedgerow.strategy.compiled import CompiledVenue, Mode
from hedgerow.streams.settings import FeedEnvironment
from hedgerow_executor.role import role
from hedgerow_ingestion.feed import MarketRecord
from hedgerow_ingestion.venue_feed import venue_feed

TESTNET = "bybit Testnet"


def a_testnet_venue(**changes: Any) -> CompiledVenue:
    return example.venue(type="Ccxt", environment="Testnet", **changes)


@pytest.fixture
async def door(
    fresh_exchange: ExchangeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Door]:
    fresh_exchange.start()
    async with leads_to_testnet(fresh_exchange.url, tmp_path, monkeypatch) as door:
        yield door


@pytest.fixture
async def venue(door: Door) -> AsyncIterator[CcxtVenue]:
    """As the executor opens it for a Venue with environment Testnet; not started."""
    venue = CcxtVenue("bybit", None, *ACCOUNTS["hedge-01"], "Testnet")
    yield venue
    await venue.close()


def claimed(new_name: Callable[[], str], **changes: Any) -> Intent:
    base = example.intent(
        instrument=PERP,
        mode=Mode.LIVE,
        side=Side.BUY,
        quantity=Decimal("0.002"),
        limit_price=Decimal("63000.0"),
        claimed_ns=time.time_ns(),
        client_order_id=new_name(),
        state=IntentState.SENDING,
    )
    return msgspec.structs.replace(base, **changes)


async def test_an_account_lives_its_whole_life_at_the_testnets_own_names(
    venue: CcxtVenue, door: Door, new_name: Callable[[], str]
) -> None:
    await venue.start()
    assert venue.market_problems == {}
    stream = venue.open_stream()
    await stream.open()
    try:
        news = asyncio.create_task(stream.news())
        order = claimed(new_name)
        venue_order_id = await venue.send(order)
        found = await venue.find_order(order)
        assert found is not None
        assert (found.venue_order_id, found.state) == (venue_order_id, IntentState.FILLED)
        assert sum(fill.quantity for fill in await venue.fills(order)) == Decimal("0.002")
        while not news.done():  # the subscription may have come after the first order
            order = claimed(new_name)
            await venue.send(order)
            await asyncio.wait({news}, timeout=1)
        assert news.result()
    finally:
        await stream.close()
    (held,) = await venue.positions([PERP])
    assert held.quantity >= Decimal("0.002")
    assert (await venue.funds([PERP])).available > 0

    waiting = claimed(new_name, limit_price=Decimal("50000.0"), time_in_force=TimeInForce.POST_ONLY)
    await venue.send(waiting)
    assert await venue.open_client_order_ids([PERP]) == [waiting.client_order_id]
    await venue.cancel(waiting)
    found = await venue.find_order(waiting)
    assert found is not None
    assert found.state is IntentState.CANCELLED
    assert door.asked == set(HOSTS)
    assert door.carried >= len(HOSTS)


async def test_a_mainnet_account_never_asks_the_testnet(door: Door) -> None:
    venue = CcxtVenue("bybit", None, *ACCOUNTS["hedge-01"], "Mainnet")
    try:
        with pytest.raises(VenueUnavailable):
            await venue.start()
    finally:
        await venue.close()
    assert door.asked == {"api.bybit.com"}


async def test_whoever_cannot_show_the_testnets_certificate_is_told_no_key(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certifi, "where", lambda: AUTHORITIES)
    venue = CcxtVenue("bybit", None, *ACCOUNTS["hedge-01"], "Testnet")
    try:
        with pytest.raises(VenueUnavailable, match="ExchangeNotAvailable"):
            await venue.start()
    finally:
        await venue.close()
    assert (door.asked, door.carried) == ({HOSTS[0]}, 0)


@pytest.mark.parametrize("url", ["https://api.bybit.com", "http://127.0.0.1:1"])
async def test_a_testnet_venue_is_not_led_elsewhere(url: str) -> None:
    with pytest.raises(VenueUnfit, match=r"environment Testnet|no host of the venue's Testnet"):
        CcxtVenue("bybit", url, "key", "secret", "Testnet")


class Desk:
    """A Live strategy on a testnet Venue, and the executor that serves it."""

    def __init__(self, executor: Executor, context: Any, door: Door) -> None:
        self.executor, self.context, self.door = executor, context, door


@pytest.fixture
async def desk(
    fresh_exchange: ExchangeProcess, door: Door, ledger_dsn: str, connect: Connect
) -> AsyncIterator[Desk]:
    now_ns = time.time_ns()
    config = example.strategy(mode=Mode.LIVE, priced_by=TESTNET, execution=example.execution(cooldown_ns=0))
    async with await create_pool(ledger_dsn, "testnet-tests", 4) as pool:
        async with pool.acquire() as connection:
            await publish_venue(connection, a_testnet_venue(trading_enabled=False), now_ns)
            published = await publish_strategy(connection, config, "r1", now_ns)
        folder = fresh_exchange.data.parent / "own"
        write_keys(folder, {"hedge-01": ACCOUNTS["hedge-01"]})
        # Nobody says where the built-in exchange is, as on a cluster.
        chosen = settings(ledger_dsn=ledger_dsn, exchange_url="", keys_dir=folder / "keys")
        context = role_context("executor", RememberingProducer(HedgeConcluded | Acknowledgement), chosen)
        running = asyncio.create_task(role.run(context))
        executor = Executor(pool, connect(fresh_exchange), context.metrics, published.uid)
        try:
            await executor.until(lambda: executor.gauge("hedgerow_venue_stream_up") == 1 or running.done())
            yield Desk(executor, context, door)
        finally:
            context.stopping.set()
            await asyncio.wait_for(running, PATIENCE_S)


async def test_a_live_hedge_goes_out_once_a_second_person_enables_trading(desk: Desk) -> None:
    executor = desk.executor
    refused = await executor.decide("1.4")
    assert await executor.end_of(refused) == ("Refused", Decimal(0))
    reason = await executor.pool.fetchval("select reason from intents where id = $1", refused)
    assert reason == "NotPermitted: trading on desk/paper is Disabled"

    async with executor.pool.acquire() as connection:
        await publish_venue(connection, a_testnet_venue(), time.time_ns())
    intent = await executor.decide("1.4")
    state, filled = await executor.end_of(intent)
    assert (state, filled > 0) == ("Filled", True)
    row = await executor.pool.fetchrow("select mode, quantity from positions where quantity <> 0")
    assert (row["mode"], row["quantity"]) == ("Live", -filled)
    (held,) = await executor.client.fetch_positions([PERP])
    assert Decimal(held["info"]["size"]) == filled
    assert desk.door.asked == set(HOSTS)


async def test_a_venue_that_becomes_another_is_left_before_anything_is_sent(desk: Desk) -> None:
    executor = desk.executor
    async with executor.pool.acquire() as connection:
        await publish_venue(connection, example.venue(type="Ccxt", environment="Mainnet"), time.time_ns())
    await executor.decide("1.4")
    await executor.until(lambda: "api.bybit.com" in desk.door.asked)
    sent = await executor.pool.fetchval("select count(*) from orders")
    assert (sent, await executor.client.fetch_open_orders(PERP)) == (0, [])


async def test_live_prices_of_the_testnet_say_where_they_come_from(door: Door) -> None:
    sent: list[MarketRecord] = []
    chosen = settings(
        feed_venue="bybit",
        feed_environment=FeedEnvironment.TESTNET,
        feed_symbols=(PERP,),
        feed_poll_ms=100,
    )
    context = role_context("ingestion", RememberingProducer(BookState), chosen)
    running = asyncio.create_task(venue_feed(with_sockets=False)(context, sent.append))
    async with asyncio.timeout(PATIENCE_S):
        while not any(isinstance(record, BookState) and record.valid for record in sent):
            assert not running.done(), running.result()
            await asyncio.sleep(0.05)
    context.stopping.set()
    await asyncio.wait_for(running, PATIENCE_S)
    assert {record.source for record in sent if isinstance(record, BookState)} == {TESTNET}
    assert door.asked == {"api-testnet.bybit.com"}
