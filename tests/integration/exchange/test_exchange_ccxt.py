"""The released ccxt client, with only its addresses set, trades on the exchange."""

import time
from collections.abc import Callable
from decimal import Decimal

import ccxt.async_support as ccxt
import pytest
from exchange_client import PERP, SPOT, Connect, position_of, take
from exchange_process import RECORDINGS, ExchangeProcess

from hedgerow.adapters.recorded_tape import RecordedTape
from hedgerow.domain.instruments import LISTINGS


async def test_the_listings_are_the_papers(client: ccxt.bybit) -> None:
    """All but the index, which is not tradable. Bybit's linear contracts are one unit of the underlying each."""
    markets = await client.load_markets()
    tradable = {symbol: listing for symbol, listing in LISTINGS.items() if listing.is_tradable}
    assert set(markets) == set(tradable)
    for symbol, listing in tradable.items():
        market, size = markets[symbol], listing.contract_size
        assert market["active"]
        assert Decimal(str(market["precision"]["price"])) == listing.tick_size
        assert Decimal(str(market["precision"]["amount"])) == listing.lot_size * size
        assert Decimal(str(market["limits"]["amount"]["min"])) == listing.min_quantity * size
        assert Decimal(str(market["limits"]["cost"]["min"])) == listing.min_notional
        assert (market["base"], market["quote"], market["settle"]) == (
            listing.base,
            listing.quote,
            listing.settle,
        )
    assert (markets[PERP]["contractSize"], markets[PERP]["linear"]) == (1, True)
    future, share = markets["SPX/USD:USD-301220"], markets["NVDA/USD"]
    assert (future["type"], future["expiryDatetime"]) == ("future", "2030-12-20T08:00:00.000Z")
    assert (share["type"], share["margin"]) == ("spot", True)


async def test_the_book_is_the_recordings(client: ccxt.bybit) -> None:
    for symbol in (PERP, SPOT):
        bids, asks = RecordedTape.load(RECORDINGS, symbol).cursor().top(10)
        book = await client.fetch_order_book(symbol, 50)
        lot = LISTINGS[symbol].lot_size
        quoted = [(price, size) for price, size in bids if Decimal(repr(size)) >= lot]
        assert [tuple(level) for level in book["bids"][: len(quoted)]] == quoted
        ticker = await client.fetch_ticker(symbol)
        assert ticker["bid"] == book["bids"][0][0] == bids[0][0]
        assert ticker["ask"] == book["asks"][0][0] == asks[0][0]


async def test_an_ioc_order_is_found_everywhere_under_its_client_order_id(
    client: ccxt.bybit, new_name: Callable[[], str]
) -> None:
    name = new_name()
    before = await position_of(client)
    placed = await take(client, name)
    assert (placed["clientOrderId"], bool(placed["id"])) == (name, True)

    by_name = {"orderLinkId": name}
    (closed,) = await client.fetch_canceled_and_closed_orders(PERP, params=by_name)
    (recent,) = await client.fetch_open_orders(PERP, params=by_name)
    assert closed["id"] == recent["id"] == placed["id"]
    assert (closed["status"], closed["filled"], closed["timeInForce"]) == ("closed", 0.002, "IOC")
    assert name not in [order["clientOrderId"] for order in await client.fetch_open_orders(PERP)]

    trades = await client.fetch_my_trades(PERP, params=by_name)
    assert {trade["order"] for trade in trades} == {placed["id"]}
    assert sum(Decimal(trade["info"]["execQty"]) for trade in trades) == Decimal("0.002")
    fees = sum(Decimal(trade["info"]["execFee"]) for trade in trades)
    assert (
        fees
        == Decimal(closed["info"]["cumExecFee"])
        == Decimal(closed["info"]["cumExecValue"]) * Decimal("0.00055")
    )
    assert await position_of(client) - before == Decimal("0.002")


async def test_a_resting_order_is_open_until_it_is_cancelled(
    client: ccxt.bybit, new_name: Callable[[], str]
) -> None:
    name = new_name()
    bid = (await client.fetch_ticker(PERP))["bid"]
    placed = await client.create_order(
        PERP, "limit", "buy", 0.001, round(bid * 0.99, 1), {"clientOrderId": name}
    )
    (resting,) = await client.fetch_open_orders(PERP, params={"orderLinkId": name})
    assert (resting["status"], resting["remaining"]) == ("open", 0.001)
    balance = (await client.fetch_balance())["USDT"]
    assert balance["used"] > 0
    await client.cancel_order(placed["id"], PERP)
    (cancelled,) = await client.fetch_canceled_and_closed_orders(PERP, params={"orderLinkId": name})
    assert cancelled["status"] == "canceled"
    with pytest.raises(ccxt.OrderNotFound):
        await client.cancel_order(placed["id"], PERP)


async def test_cancel_all_leaves_nothing_open(client: ccxt.bybit) -> None:
    bid = (await client.fetch_ticker(PERP))["bid"]
    for percent in (97, 98):
        await client.create_order(PERP, "limit", "buy", 0.001, round(bid * percent / 100, 1))
    assert len(await client.cancel_all_orders(PERP)) == 2
    assert await client.fetch_open_orders(PERP) == []


async def test_spot_trades_too(client: ccxt.bybit, new_name: Callable[[], str]) -> None:
    name = new_name()
    ask = (await client.fetch_ticker(SPOT))["ask"]
    before = (await client.fetch_balance()).get("BTC", {"total": 0})["total"]
    await client.create_order(
        SPOT, "limit", "buy", 0.01, round(ask * 1.001, 2), {"clientOrderId": name, "timeInForce": "IOC"}
    )
    trades = await client.fetch_my_trades(SPOT, params={"orderLinkId": name})
    bought = sum(trade["amount"] - trade["fee"]["cost"] for trade in trades)
    assert (await client.fetch_balance())["BTC"]["total"] - before == pytest.approx(bought, abs=1e-12)
    assert sum(trade["amount"] for trade in trades) == pytest.approx(0.01)


async def test_a_used_client_order_id_is_refused(client: ccxt.bybit, new_name: Callable[[], str]) -> None:
    name = new_name()
    await take(client, name)
    position = await position_of(client)
    with pytest.raises(ccxt.InvalidOrder, match="110072"):
        await take(client, name)
    assert await position_of(client) == position


async def test_broken_rules_reach_ccxt_as_its_own_errors(client: ccxt.bybit) -> None:
    await client.load_markets()
    for params, error in (
        ({"price": "61000.05"}, ccxt.BadRequest),
        ({"qty": "0.0015"}, ccxt.BadRequest),
        ({"price": "1000"}, ccxt.InvalidOrder),
        ({"qty": "900", "price": "300000"}, ccxt.InsufficientFunds),
        ({"reduceOnly": True, "side": "Sell", "qty": "900"}, ccxt.InvalidOrder),
        ({"symbol": "ETHUSDT"}, ccxt.BadRequest),
        ({"triggerPrice": "60000"}, ccxt.BadRequest),
        ({"positionIdx": 1}, ccxt.BadRequest),
    ):
        request = {
            "category": "linear",
            "symbol": "BTCUSDT",
            "side": "Buy",
            "orderType": "Limit",
            "qty": "0.001",
            "price": "61000",
            "timeInForce": "IOC",
        }
        with pytest.raises(error):
            await client.private_post_v5_order_create(request | params)


async def test_accounts_are_apart(
    connect: Connect, exchange: ExchangeProcess, new_name: Callable[[], str]
) -> None:
    one, two = connect(exchange), connect(exchange, "hedge-02")
    name = new_name()
    await take(one, name)
    before = await position_of(two)
    assert await two.fetch_my_trades(PERP, params={"orderLinkId": name}) == []
    assert await two.fetch_canceled_and_closed_orders(PERP, params={"orderLinkId": name}) == []
    await take(two, name, "sell")
    assert await position_of(two) - before == Decimal("-0.002")


async def test_pages_follow_each_other_without_gap_or_repetition(
    connect: Connect, exchange: ExchangeProcess, new_name: Callable[[], str]
) -> None:
    client = connect(exchange, "hedge-02")
    for _ in range(5):
        await take(client, new_name(), amount="0.001")
    whole = await client.private_get_v5_order_history(
        {"category": "linear", "symbol": "BTCUSDT", "limit": 50}
    )
    expected = [row["orderId"] for row in whole["result"]["list"]]
    found, cursor = [], ""
    while True:
        page = await client.private_get_v5_order_history(
            {"category": "linear", "symbol": "BTCUSDT", "limit": 2, "cursor": cursor}
        )
        found += [row["orderId"] for row in page["result"]["list"]]
        cursor = page["result"]["nextPageCursor"]
        if not cursor:
            break
    assert found == expected
    assert len(expected) >= 5
    times = [int(row["createdTime"]) for row in whole["result"]["list"]]
    assert times == sorted(times, reverse=True)


async def test_a_wrong_signature_is_refused(connect: Connect, exchange: ExchangeProcess) -> None:
    with pytest.raises(ccxt.AuthenticationError, match="10004"):
        await connect(exchange, secret="wrong").fetch_balance()


async def test_an_unknown_key_is_refused(connect: Connect, exchange: ExchangeProcess) -> None:
    with pytest.raises(ccxt.AuthenticationError, match="10003"):
        await connect(exchange, apiKey="unknown").fetch_balance()


@pytest.mark.parametrize("offset_ms", [-60_000, 60_000])
async def test_a_request_outside_its_receive_window_is_refused(
    client: ccxt.bybit, new_name: Callable[[], str], offset_ms: int
) -> None:
    name = new_name()
    await client.load_markets()
    await client.is_unified_enabled()
    client.nonce = lambda: time.time_ns() // 1_000_000 + offset_ms
    with pytest.raises(ccxt.InvalidNonce, match="10002"):
        await take(client, name)
    del client.nonce
    assert await client.fetch_canceled_and_closed_orders(PERP, params={"orderLinkId": name}) == []


async def test_an_unknown_path_says_so(client: ccxt.bybit) -> None:
    with pytest.raises(ccxt.BadRequest, match="10017"):
        await client.private_get_v5_position_closed_pnl({"category": "linear"})
