"""The dialect is Bybit's: requests that ccxt sends there and answers that Bybit gave (see `ccxt_recordings`).

The released ccxt client talks to the exchange's paths in this process; nothing of it is changed but its transport.
"""

import contextlib
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import ccxt.async_support as ccxt
import hedge_examples as example
import msgspec
import pytest

from hedgerow.adapters.ccxt_venue import CcxtVenue
from hedgerow.domain.instruments import LISTINGS
from hedgerow.domain.money import ZERO
from hedgerow.domain.orders import Side
from hedgerow.execution.intents import VenueFill
from hedgerow.execution.order_life import IntentState
from hedgerow_exchange.api import PRIVATE, PUBLIC
from hedgerow_exchange.book import TimeInForce
from hedgerow_exchange.calls import Call
from hedgerow_exchange.engine import Engine
from hedgerow_exchange.listings import Listing, list_instrument
from hedgerow_exchange.maker import Maker
from hedgerow_exchange.orders import OrderType, PlaceOrder
from hedgerow_exchange.params import order_command
from hedgerow_exchange.refusals import Refused

RECORDINGS = Path(__file__).parent / "ccxt_recordings"
REQUESTS = json.loads((RECORDINGS / "bybit_requests.json").read_text())["methods"]
RESPONSES = json.loads((RECORDINGS / "bybit_responses.json").read_text())["methods"]
NOW_NS = 1_790_000_000_000_000_000
PERP, SPOT = "BTC/USDT:USDT", "BTC/USDT"


def listings() -> dict[str, Listing]:
    """Those of the recordings: made like our bitcoin, with a tick and a lot that their numbers are on."""
    found = {symbol: list_instrument(item) for symbol, item in LISTINGS.items() if item.is_tradable}
    for base in ("LTC", "ADA", "ETH"):
        for symbol, like in ((f"{base}/USDT", SPOT), (f"{base}/USDT:USDT", PERP)):
            instrument = msgspec.structs.replace(
                LISTINGS[like],
                symbol=symbol,
                base=base,
                tick_size=Decimal("0.01"),
                lot_size=Decimal("0.001"),
                min_quantity=Decimal("0.001"),
                min_notional=Decimal(1),
            )
            found[symbol] = list_instrument(instrument)
    return found


class Line:
    """ccxt's transport, answered by the exchange's own paths. `asked` are (method, path, parameters)."""

    def __init__(self) -> None:
        self.engine = Engine(listings(), ["one", "two"], "0badcafe")
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        for symbol, bid in ((PERP, 60_000.0), (SPOT, 60_000.0), ("LTC/USDT:USDT", 60.0), ("LTC/USDT", 60.0)):
            maker = Maker(self.engine.listings[symbol], self.engine.books[symbol])
            maker.mirror([(bid, 100.0)], [(bid + 0.5, 100.0)], (None, None))

    async def fetch(
        self, url: str, method: str = "GET", headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> Any:
        parts = urlsplit(url)
        given = json.loads(body) if body else dict(parse_qsl(parts.query))
        self.asked.append((method, parts.path, given))
        call = Call(engine=self.engine, params=given, now_ns=NOW_NS)
        route = (method, parts.path)
        if route in PUBLIC:
            result = PUBLIC[route](call).result
        else:
            result = PRIVATE[route](call, self.engine.accounts["one"]).result
        # As it comes off the wire.
        return json.loads(
            msgspec.json.encode({"retCode": 0, "retMsg": "OK", "result": result, "time": NOW_NS // 10**6})
        )


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture(scope="module")
async def released() -> ccxt.bybit:
    """The client with the exchange's listings."""
    client = ccxt.bybit({"apiKey": "key", "secret": "secret", "options": {"unifiedMarginStatus": 5}})
    client.options |= {"enableUnifiedMargin": False, "enableUnifiedAccount": True}
    client.options["fetchMarkets"] = {"types": ["spot", "linear"]}
    client.fetch = Line().fetch
    await client.load_markets()
    return client


@pytest.fixture
def client(line: Line, released: ccxt.bybit) -> ccxt.bybit:
    released.fetch = line.fetch
    return released


def cases(table: dict[str, Any], *methods: str) -> list[Any]:
    return [
        pytest.param(method, case, id=f"{method}: {case['description']}")
        for method in methods
        for case in table[method]
    ]


def snake(method: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in method)


async def replay(client: ccxt.bybit, method: str, case: dict[str, Any]) -> Any:
    call = getattr(client, snake(method))
    *plain, last = (
        [*case["input"], {}]
        if not case["input"] or not isinstance(case["input"][-1], dict)
        else case["input"]
    )
    return await call(*plain, params=last)


def recorded(case: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    parts = urlsplit(case["url"])
    return parts.path, json.loads(case["output"]) if "output" in case else dict(parse_qsl(parts.query))


ASKED = ("fetchOpenOrders", "fetchMyTrades", "fetchPositions", "fetchBalance", "cancelAllOrders")


@pytest.mark.parametrize(("method", "case"), cases(REQUESTS, *ASKED))
async def test_what_ccxt_asks_bybit_is_answered(
    line: Line, client: ccxt.bybit, method: str, case: dict[str, Any]
) -> None:
    await replay(client, method, case)
    (_, path, given) = line.asked[-1]
    if method == "fetchPositions":
        given.pop("limit")  # the released client is newer than the recording, and asks for long pages
    assert (path, given) == recorded(case)


@pytest.mark.parametrize(("method", "case"), cases(REQUESTS, "cancelOrder"))
async def test_a_recorded_cancel_finds_no_such_order(
    line: Line, client: ccxt.bybit, method: str, case: dict[str, Any]
) -> None:
    with pytest.raises(Refused, match=f"no open order '{case['input'][0]}'"):
        await replay(client, method, case)
    (_, path, given) = line.asked[-1]
    assert (path, given) == recorded(case)


@pytest.mark.parametrize(("method", "case"), cases(REQUESTS, "createOrder"))
def test_a_recorded_order_means_here_what_it_meant_to_bybit(method: str, case: dict[str, Any]) -> None:
    symbol, kind, side, amount, *more = case["input"]
    flags = more.pop() if more and isinstance(more[-1], dict) else {}
    path, given = recorded(case)
    command = order_command(listings(), given)
    assert path == "/v5/order/create"
    assert (command.symbol, command.order_type.lower(), command.side.lower()) == (symbol, kind, side)
    assert command.quantity == Decimal(str(amount))
    assert command.price == (Decimal(str(more[0])) if more else None)
    expected = "PostOnly" if flags.get("postOnly") else "IOC" if kind == "market" else "GTC"
    assert command.time_in_force == expected
    assert command.reduce_only is flags.get("reduceOnly", False)


@pytest.mark.parametrize(("method", "case"), cases(REQUESTS, "createOrderRefused"))
def test_a_recorded_order_that_is_not_built_here_is_refused_not_bent(
    method: str, case: dict[str, Any]
) -> None:
    _, given = recorded(case)
    with pytest.raises(Refused, match="is not supported by the built-in exchange"):
        order_command(listings(), given)


@pytest.mark.parametrize(("method", "case"), cases(REQUESTS, "createOrder"))
async def test_the_released_client_sends_what_was_recorded(
    line: Line, client: ccxt.bybit, method: str, case: dict[str, Any]
) -> None:
    """What would break a rule of the book, or the account cannot afford, is refused after it was read."""
    with contextlib.suppress(Refused):
        await replay(client, method, case)
    (_, path, given) = line.asked[-1]
    assert (path, given) == recorded(case)


# What Bybit answers and this exchange leaves out: nothing that ccxt or the executor reads.
NOT_ANSWERED = {
    "order": {
        *("isLeverage", "lastPriceOnCreated", "orderIv", "placeType", "slLimitPrice", "slTriggerBy"),
        *("slippageTolerance", "slippageToleranceType", "smpGroup", "smpOrderId", "smpType", "tpLimitPrice"),
        *("tpTriggerBy", "triggerBy", "blockTradeId", "extraFees"),
    },
    "execution": {"underlyingPrice", "tradeIv", "markIv", "marketUnit", "nextPageCursor"},
    "position": {
        *("riskLimitValue", "isReduceOnly", "riskId", "adlRankIndicator", "seq", "positionBalance"),
        *("leverageSysUpdatedTime", "mmrSysUpdatedTime", "nextPageCursor"),
    },
    "ticker": {"prevPrice1h", "predictedDeliveryPrice", "basisRate", "deliveryFeeRate", "basis"},
}


def rows_of(method: str) -> list[dict[str, Any]]:
    return [row for case in RESPONSES[method] for row in case["httpResponse"]["result"]["list"]]


def kind_of(value: Any) -> type:
    """The recordings have every number as text."""
    return str if isinstance(value, int) and not isinstance(value, bool) else type(value)


async def traded(client: ccxt.bybit) -> None:
    """One order that is filled, one that waits."""
    await client.create_order(
        PERP, "limit", "buy", 0.002, 60_000.5, {"timeInForce": "IOC", "clientOrderId": "f"}
    )
    await client.create_order(PERP, "limit", "buy", 0.001, 59_000, {"clientOrderId": "w"})


SHAPES = {
    "order": (["fetchOpenOrder", "fetchClosedOrder"], "/v5/order/history"),
    "execution": (["fetchMyTrades"], "/v5/execution/list"),
    "position": (["fetchPositions"], "/v5/position/list"),
    "ticker": (["fetchTicker"], "/v5/market/tickers"),
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_row_has_bybits_fields_of_bybits_kinds(line: Line, client: ccxt.bybit, shape: str) -> None:
    await traded(client)
    methods, path = SHAPES[shape]
    reply = await line.fetch(f"https://x{path}?category=linear&symbol=BTCUSDT")
    (ours, *_) = reply["result"]["list"]
    theirs: dict[str, Any] = {}
    for row in [row for method in methods for row in rows_of(method)]:
        theirs |= row
    invented = ours.keys() - theirs.keys() - {"feeCoin", "createType", "positionIM", "marketUnit"}
    assert invented == set()
    assert theirs.keys() - ours.keys() == NOT_ANSWERED[shape] & theirs.keys()
    for name in ours.keys() & theirs.keys():
        assert kind_of(ours[name]) is kind_of(theirs[name]), name


async def test_ccxt_makes_the_same_of_our_orders_and_fills_as_of_bybits(
    line: Line, client: ccxt.bybit
) -> None:
    """What it knows of theirs (is not None), it knows of ours."""
    await traded(client)
    (filled,) = await client.fetch_canceled_and_closed_orders(PERP)
    (waiting,) = await client.fetch_open_orders(PERP)
    (trade,) = await client.fetch_my_trades(PERP)
    pairs = [
        (RESPONSES["fetchClosedOrder"][0]["parsedResponse"], filled),
        (RESPONSES["fetchOpenOrder"][0]["parsedResponse"], waiting),
        (RESPONSES["fetchMyTrades"][1]["parsedResponse"][0], trade),
    ]
    for theirs, ours in pairs:
        # Theirs had no client order id.
        known = {name for name, value in theirs.items() if value is not None}
        assert {name for name in theirs if ours[name] is not None} - {"clientOrderId"} == known
    same = ("status", "timeInForce", "side", "reduceOnly", "postOnly", "symbol")
    assert [filled[name] for name in same] == [pairs[0][0][name] for name in same]
    assert [waiting[name] for name in same] == [pairs[1][0][name] for name in same]
    assert filled["fee"]["currency"] == pairs[0][0]["fee"]["currency"] == "USDT"
    assert trade["fee"].keys() == pairs[2][0]["fee"].keys()


# The executor's adapter on what Bybit answered.


@pytest.fixture
async def venue(client: ccxt.bybit) -> CcxtVenue:
    venue = CcxtVenue("bybit", "http://127.0.0.1:1", "key", "secret")
    venue._client.set_markets(client.markets, client.currencies)
    return venue


def answers(venue: CcxtVenue, *methods: str) -> None:
    """Answer the venue's questions with recordings, one after the other."""
    waiting = [RESPONSES[method][0]["httpResponse"] for method in methods]

    async def fetch(*_: Any, **__: Any) -> Any:
        return waiting.pop(0)

    venue._client.fetch = fetch


@pytest.mark.parametrize(
    ("method", "state", "filled"),
    [("fetchOpenOrder", IntentState.ACCEPTED, "0"), ("fetchClosedOrder", IntentState.FILLED, "0.001")],
)
async def test_the_adapter_reads_bybits_orders(
    venue: CcxtVenue, method: str, state: IntentState, filled: str
) -> None:
    """The recorded orders were sent without a client order id."""
    answers(venue, method)
    order = example.intent(instrument=PERP, client_order_id=None, quantity=Decimal("0.001"))
    found = await venue.find_order(order)
    assert found is not None
    (row,) = RESPONSES[method][0]["httpResponse"]["result"]["list"]
    assert found.venue_order_id == row["orderId"]
    assert (found.state, found.filled_quantity, found.reason) == (state, Decimal(filled), "")


async def test_the_adapter_reads_bybits_executions(venue: CcxtVenue) -> None:
    """The fee of this purchase was taken in ETH; it is told in USDT."""
    answers(venue, "fetchMyTrades")
    order = example.intent(instrument="ETH/USDT", client_order_id="1644387819067894017", side=Side.BUY)
    assert await venue.fills(order) == [
        VenueFill(
            execution_id="2110000000034095620",
            quantity=Decimal("0.001"),
            price=Decimal("2453.65"),
            fee=Decimal("0.000001") * Decimal("2453.65"),
            time_ns=1_710_762_303_659_000_000,
        )
    ]


async def test_the_adapter_finds_every_execution_of_an_order_that_swept_the_book(
    line: Line, client: ccxt.bybit, venue: CcxtVenue
) -> None:
    """More than a page holds, in ccxt's default of fifty or Bybit's most of a hundred."""
    count = 130
    sale = PlaceOrder(
        symbol=PERP,
        side=Side.SELL,
        order_type=OrderType.LIMIT,
        quantity=Decimal("0.001"),
        price=Decimal("60000.2"),
        time_in_force=TimeInForce.GTC,
    )
    for _ in range(count):
        line.engine.place("two", sale, NOW_NS)
    await client.create_order(PERP, "limit", "buy", 0.130, 60_000.2, {"clientOrderId": "sweep"})
    venue._client.fetch = line.fetch
    fills = await venue.fills(example.intent(instrument=PERP, client_order_id="sweep", side=Side.BUY))
    assert len({fill.execution_id for fill in fills}) == len(fills) == count
    assert sum(fill.quantity for fill in fills) == Decimal("0.130")


async def test_the_adapter_reads_bybits_touch(venue: CcxtVenue) -> None:
    answers(venue, "fetchTicker")
    ticker = await venue.ticker(PERP)
    assert (ticker.bid, ticker.ask) == (Decimal("51444.3"), Decimal("51444.4"))


async def test_the_adapter_reads_what_bybit_says_of_an_order_that_it_took(venue: CcxtVenue) -> None:
    answers(venue, "createOrder")
    order = example.intent(
        instrument=SPOT, client_order_id="hr-1", claimed_ns=NOW_NS, quantity=Decimal("0.01")
    )
    assert await venue.send(order) == "1609920528435648000"
    answers(venue, "cancelAllOrders")
    assert await venue.cancel_all([SPOT]) == 1
    assert order.filled_quantity == ZERO
