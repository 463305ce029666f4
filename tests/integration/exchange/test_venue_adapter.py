"""What the executor is told of an order, by the adapter around the released ccxt client, on the real exchange."""

import asyncio
import json
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import ccxt.async_support as ccxt
import msgspec
import pytest
from exchange_client import ACCOUNTS, PERP
from exchange_process import ExchangeProcess, write_keys
from hedge_examples import intent

from hedgerow.adapters.ccxt_venue import CcxtVenue
from hedgerow.adapters.venue import (
    AlreadyThere,
    NoAnswer,
    NotSent,
    VenuePosition,
    VenueRejected,
    VenueUnavailable,
    VenueUnfit,
)
from hedgerow.domain.instruments import LISTINGS
from hedgerow.domain.money import floor_to_step
from hedgerow.domain.orders import Side, TimeInForce
from hedgerow.execution.conclusion import conclude
from hedgerow.execution.intents import Intent
from hedgerow.execution.order_life import IntentState
from hedgerow_local.ports import free_port

SECOND_NS = 1_000_000_000
NewIntent = Callable[..., Intent]


@pytest.fixture
async def venue(exchange: ExchangeProcess) -> AsyncIterator[CcxtVenue]:
    venue = CcxtVenue("bybit", exchange.url, *ACCOUNTS["hedge-01"])
    await venue.start()
    yield venue
    await venue.close()


@pytest.fixture
def claimed(new_name: Callable[[], str]) -> NewIntent:
    """An intent claimed now, to buy two lots at a price that fills at once."""

    def claimed(**changes: Any) -> Intent:
        base = intent(
            instrument=PERP,
            side=Side.BUY,
            quantity=Decimal("0.002"),
            limit_price=Decimal("63000.0"),
            claimed_ns=time.time_ns(),
            client_order_id=new_name(),
            state=IntentState.SENDING,
        )
        return msgspec.structs.replace(base, **changes)

    return claimed


@pytest.fixture
def fault(exchange: ExchangeProcess) -> Iterator[Callable[..., None]]:
    """Have the next order meet a fault."""

    def call(method: str, rules: list[dict[str, Any]]) -> None:
        request = urllib.request.Request(
            f"{exchange.url}/faults", method=method, data=json.dumps(rules).encode() if rules else None
        )
        urllib.request.urlopen(request, timeout=10).close()

    yield lambda **rule: call("POST", [{"path": "/v5/order/create", "count": 1, **rule}])
    call("DELETE", [])


@pytest.mark.parametrize("ahead_s", [3_600, -3_600])
async def test_it_starts_and_asks_with_a_clock_of_ours_that_is_an_hour_off(
    exchange: ExchangeProcess, monkeypatch: pytest.MonkeyPatch, ahead_s: int
) -> None:
    """Whatever it signs is signed with the venue's time, from the first question on."""
    true_ns = time.time_ns
    wrong = SimpleNamespace(time_ns=lambda: true_ns() + ahead_s * SECOND_NS)
    monkeypatch.setattr("hedgerow.adapters.ccxt_venue.time", wrong)
    venue = CcxtVenue("bybit", exchange.url, *ACCOUNTS["hedge-01"])
    try:
        await venue.start()
        assert abs(await venue.measure_clock() + 1_000 * ahead_s) < 1_000
        assert (await venue.funds([PERP])).available > 0
    finally:
        await venue.close()


async def test_a_taken_order_is_found_by_name_with_its_executions(
    venue: CcxtVenue, claimed: NewIntent
) -> None:
    order = claimed()
    venue_order_id = await venue.send(order)
    found = await venue.find_order(order)
    assert found is not None
    assert (found.venue_order_id, found.state) == (venue_order_id, IntentState.FILLED)
    fills = await venue.fills(order)
    assert sum(fill.quantity for fill in fills) == found.filled_quantity == Decimal("0.002")
    assert all(fill.fee > 0 and fill.price <= order.limit_price for fill in fills)


async def test_an_order_that_meets_nobody_is_cancelled_with_nothing_filled(
    venue: CcxtVenue, claimed: NewIntent
) -> None:
    order = claimed(limit_price=Decimal("60000.0"))
    await venue.send(order)
    found = await venue.find_order(order)
    assert found is not None
    assert (found.state, found.filled_quantity) == (IntentState.CANCELLED, Decimal(0))
    assert await venue.fills(order) == []


async def test_a_short_position_has_its_sign(venue: CcxtVenue, claimed: NewIntent) -> None:
    before = {held.instrument: held.quantity for held in await venue.positions([PERP])}.get(PERP, Decimal(0))
    await venue.send(claimed(side=Side.SELL, quantity=Decimal("0.05"), limit_price=Decimal("60000.0")))
    (after,) = await venue.positions([PERP])
    assert after.quantity == before - Decimal("0.05") < 0


def held(positions: list[VenuePosition]) -> dict[str, Decimal]:
    return {item.instrument: item.quantity for item in positions}


HEDGES = sorted(symbol for symbol, listing in LISTINGS.items() if listing.can_hedge)


@pytest.mark.parametrize("symbol", HEDGES)
async def test_every_instrument_to_hedge_with_trades_both_ways_in_our_contracts(
    venue: CcxtVenue, claimed: NewIntent, symbol: str
) -> None:
    """Long, then through flat to short: quantities, positions and fees are in our contracts and the quote currency."""
    listing, quantity = LISTINGS[symbol], 2 * LISTINGS[symbol].smallest_quantity(Decimal(100))
    before = held(await venue.positions(HEDGES))
    moved = Decimal(0)
    for side, size in ((Side.BUY, quantity), (Side.SELL, 3 * quantity)):
        touch = await venue.ticker(symbol)
        limit = floor_to_step(
            touch.ask * Decimal("1.005") if side is Side.BUY else touch.bid * Decimal("0.995"),
            listing.tick_size,
        )
        order = claimed(instrument=symbol, side=side, quantity=size, limit_price=limit)
        await venue.send(order)
        found = await venue.find_order(order)
        assert found is not None
        assert (found.state, found.filled_quantity) == (IntentState.FILLED, size)
        fills = await venue.fills(order)
        assert sum(fill.quantity for fill in fills) == size
        value = sum(listing.notional(fill.quantity, fill.price) for fill in fills)
        assert 0 < sum(fill.fee for fill in fills) < value * Decimal("0.001")
        moved += side.sign * size
        after = held(await venue.positions(HEDGES))
        assert after.get(symbol, Decimal(0)) - before.get(symbol, Decimal(0)) == moved
    others = {name: size for name, size in held(await venue.positions(HEDGES)).items() if name != symbol}
    assert others == {name: size for name, size in before.items() if name != symbol}


async def test_an_order_on_the_index_never_reaches_a_market(venue: CcxtVenue, claimed: NewIntent) -> None:
    with pytest.raises(VenueRejected, match="SPX"):
        await venue.send(claimed(instrument="SPX", quantity=Decimal(1), limit_price=Decimal("5320.00")))
    assert "SPX" not in held(await venue.positions(HEDGES))


async def test_a_name_sent_twice_is_no_refusal_because_the_order_is_there(
    venue: CcxtVenue, claimed: NewIntent
) -> None:
    order = claimed()
    await venue.send(order)
    with pytest.raises(AlreadyThere, match="already has"):
        await venue.send(order)
    assert len(await venue.fills(order)) >= 1


async def test_a_send_that_was_delayed_past_the_receive_window_is_refused_by_the_venue(
    venue: CcxtVenue, claimed: NewIntent
) -> None:
    order = claimed(claimed_ns=time.time_ns() - 6 * SECOND_NS)
    with pytest.raises(VenueRejected, match="10002"):
        await venue.send(order)
    assert await venue.find_order(order) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"quantity": Decimal(100_000)}, "10001"),
        ({"quantity": Decimal("0.001"), "limit_price": Decimal("1000.0")}, "110094"),
    ],
)
async def test_what_the_venue_refuses_is_rejected_with_its_code(
    venue: CcxtVenue, claimed: NewIntent, changes: dict[str, Decimal], reason: str
) -> None:
    order = claimed(**changes)
    with pytest.raises(VenueRejected, match=reason):
        await venue.send(order)
    assert await venue.find_order(order) is None


async def test_a_dropped_reply_is_no_answer_and_the_order_is_found_by_name(
    venue: CcxtVenue, claimed: NewIntent, fault: Callable[..., None]
) -> None:
    fault(kind="DropReply")
    order = claimed()
    with pytest.raises(NoAnswer):
        await venue.send(order)
    found = await venue.find_order(order)
    assert found is not None
    assert found.state is IntentState.FILLED


async def test_funds_are_what_an_order_may_still_use_and_the_venue_refuses_beyond_them(
    venue: CcxtVenue, claimed: NewIntent
) -> None:
    before = await venue.funds([PERP, "BTC/USDT"])
    assert before.leverage == {PERP: Decimal(10)}
    resting = {"side": Side.SELL, "quantity": Decimal(1_000), "limit_price": Decimal("66000.0")}
    first = claimed(**resting, time_in_force=TimeInForce.POST_ONLY)
    await venue.send(first)
    try:
        after = await venue.funds([PERP])
        assert before.available - after.available > Decimal(6_000_000)
        with pytest.raises(VenueRejected, match=r"110007.*ab not enough"):
            await venue.send(claimed(**resting))
    finally:
        await venue.cancel(first)


async def test_a_server_error_is_no_answer_though_nothing_was_executed(
    venue: CcxtVenue, claimed: NewIntent, fault: Callable[..., None]
) -> None:
    fault(kind="ServerError")
    order = claimed()
    with pytest.raises(NoAnswer):
        await venue.send(order)
    assert await venue.find_order(order) is None


async def test_too_many_requests_is_no_refusal_and_closes_the_door_for_orders_only(
    venue: CcxtVenue, claimed: NewIntent, fault: Callable[..., None]
) -> None:
    fault(kind="TooManyRequests")
    order = claimed()
    assert venue.order_wait_ns() == 0
    with pytest.raises(NotSent, match="10006"):
        await venue.send(order)
    assert 0 < venue.order_wait_ns() <= 2 * SECOND_NS
    assert await venue.find_order(order) is None
    await venue.cancel(order)
    await asyncio.sleep(venue.order_wait_ns() / SECOND_NS)
    await venue.send(claimed())


async def rest(client: ccxt.bybit, order: Intent) -> None:
    """Have the order wait in the book, far below the touch."""
    amount = format(order.quantity, "f")
    await client.create_order(PERP, "limit", "buy", amount, 50_000, {"clientOrderId": order.client_order_id})


async def test_a_cancel_that_met_a_fill_leaves_it_to_the_order_to_say_what_happened(
    venue: CcxtVenue, claimed: NewIntent, fault: Callable[..., None], client: ccxt.bybit
) -> None:
    """A tenth of it is filled while the cancel is under way; then all of another order."""
    part, whole = claimed(quantity=Decimal("0.010")), claimed(quantity=Decimal("0.010"))
    for order, fraction in ((part, "0.1"), (whole, "1")):
        await rest(client, order)
        fault(kind="PartialFill", path="/v5/order/cancel", fraction=fraction)
        await venue.cancel(order)
    found = [await venue.find_order(order) for order in (part, whole)]
    assert [(order.state, order.filled_quantity) for order in found if order] == [
        (IntentState.CANCELLED, Decimal("0.001")),
        (IntentState.FILLED, Decimal("0.010")),
    ]
    for order, known in zip((part, whole), found, strict=True):
        assert known is not None
        assert conclude(order, known, await venue.fills(order)).state is known.state
    await venue.cancel(whole)


async def test_cancel_all_takes_every_order_and_says_where_it_could_not(
    venue: CcxtVenue, claimed: NewIntent, fault: Callable[..., None], client: ccxt.bybit
) -> None:
    for _ in range(2):
        await rest(client, claimed())
    fault(kind="ServerError", path="/v5/order/cancel-all")
    with pytest.raises(VenueUnavailable, match="BTC/USDT: "):
        await venue.cancel_all(["BTC/USDT", PERP])
    assert await venue.open_client_order_ids([PERP]) == []
    assert await venue.cancel_all([PERP]) == 0


async def test_keys_of_another_account_are_never_taken_up(
    venue: CcxtVenue, claimed: NewIntent, exchange: ExchangeProcess
) -> None:
    with pytest.raises(VenueUnfit, match="the key is of account"):
        await venue.use_keys(*ACCOUNTS["hedge-02"])
    with pytest.raises(VenueUnavailable, match="10003"):
        await venue.use_keys("unknown", "secret")
    order = claimed()
    await venue.send(order)
    assert await venue.find_order(order) is not None


async def test_orders_are_followed_across_a_rotation_of_keys(
    fresh_exchange: ExchangeProcess, claimed: NewIntent
) -> None:
    """The exchange takes both keys for a while, then only the new one."""
    keys = fresh_exchange.data.parent / "keys"
    exchange = fresh_exchange.start()
    venue = CcxtVenue("bybit", exchange.url, *ACCOUNTS["hedge-01"])
    try:
        await venue.start()
        before = claimed()
        await venue.send(before)
        write_keys(fresh_exchange.data.parent, {"hedge-01@new": ("key-new", "secret-new")})
        await until_taken(lambda: venue.use_keys("key-new", "secret-new"))
        (keys / "hedge-01" / "apiKey").write_text("revoked")
        await until_revoked(exchange)
        found = await venue.find_order(before)
        assert found is not None
        assert found.state is IntentState.FILLED
        after = claimed()
        await venue.send(after)
        assert sum(fill.quantity for fill in await venue.fills(after)) == after.quantity
    finally:
        await venue.close()


async def until_revoked(exchange: ExchangeProcess) -> None:
    old = CcxtVenue("bybit", exchange.url, *ACCOUNTS["hedge-01"])
    try:
        for _ in range(600):
            try:
                await old.start()
            except VenueUnavailable as error:
                if "10003" in str(error):
                    return
                raise
            await asyncio.sleep(0.1)
    finally:
        await old.close()
    raise AssertionError("the exchange still takes the old key after a minute")


async def until_taken(take_up: Callable[[], Awaitable[None]]) -> None:
    """The exchange takes up its keys within a second or so."""
    for _ in range(600):
        try:
            return await take_up()
        except VenueUnavailable:
            await asyncio.sleep(0.1)
    raise AssertionError("the exchange did not take up its new keys within a minute")


async def test_a_venue_that_is_gone_is_named(claimed: NewIntent) -> None:
    gone = CcxtVenue("bybit", f"http://127.0.0.1:{free_port()}", *ACCOUNTS["hedge-01"])
    try:
        with pytest.raises(VenueUnavailable, match=r"http://127\.0\.0\.1"):
            await gone.start()
    finally:
        await gone.close()


async def test_an_intent_that_was_not_claimed_is_not_sent(venue: CcxtVenue, claimed: NewIntent) -> None:
    with pytest.raises(ValueError, match="was not claimed"):
        await venue.send(claimed(client_order_id=None))


@pytest.fixture
def waiting(venue: CcxtVenue, claimed: NewIntent) -> NewIntent:
    """An intent for a post-only order, at a price that waits."""

    def waiting(**changes: Any) -> Intent:
        rests = {"limit_price": Decimal("50000.0"), "time_in_force": TimeInForce.POST_ONLY}
        return claimed(**(rests | changes))

    return waiting


async def test_an_order_that_waits_is_taken_back_and_again_changes_nothing(
    venue: CcxtVenue, waiting: NewIntent
) -> None:
    order = waiting()
    await venue.send(order)
    found = await venue.find_order(order)
    assert found is not None
    assert found.state is IntentState.ACCEPTED
    for _ in range(2):
        await venue.cancel(order)
        found = await venue.find_order(order)
        assert found is not None
        assert (found.state, found.filled_quantity) == (IntentState.CANCELLED, Decimal(0))


async def test_what_filled_during_the_cancel_is_told_with_the_order(
    venue: CcxtVenue, waiting: NewIntent, fault: Callable[..., None]
) -> None:
    order = waiting()
    await venue.send(order)
    fault(kind="PartialFill", fraction="0.5", path="/v5/order/cancel")
    await venue.cancel(order)
    found = await venue.find_order(order)
    assert found is not None
    assert (found.state, found.filled_quantity) == (IntentState.CANCELLED, Decimal("0.001"))
    assert sum(fill.quantity for fill in await venue.fills(order)) == Decimal("0.001")


async def test_a_cancel_without_an_answer_is_asked_again(
    venue: CcxtVenue, waiting: NewIntent, fault: Callable[..., None]
) -> None:
    order = waiting()
    await venue.send(order)
    fault(kind="DropReply", path="/v5/order/cancel")
    with pytest.raises(VenueUnavailable):
        await venue.cancel(order)
    await venue.cancel(order)
    found = await venue.find_order(order)
    assert found is not None
    assert found.state is IntentState.CANCELLED


async def test_a_post_only_order_that_would_take_ends_unfilled(venue: CcxtVenue, waiting: NewIntent) -> None:
    order = waiting(limit_price=Decimal("63000.0"))
    await venue.send(order)
    found = await venue.find_order(order)
    assert found is not None
    assert (found.state, found.filled_quantity) == (IntentState.CANCELLED, Decimal(0))
