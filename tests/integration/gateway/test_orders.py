"""Client orders through the front door, on a real ledger and a real Kafka."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import aiohttp
import asyncpg
import pytest
from gateway_process import Answer, Gateway, Quotes, eventually, make_quote

from hedgerow.schemas.codec import Decoder
from hedgerow.schemas.records import ClientBook
from hedgerow.schemas.topics import BOOKS
from hedgerow.streams import trace
from hedgerow.streams.log_reader import LogReader

BUY = {
    "asset_class": "CRYPTO",
    "symbol": "BTC/USDT",
    "side": "BUY",
    "quantity": "0.5",
    "order_type": "MARKET",
    "client_id": "acme",
}


async def send(gateway: Gateway, **changes: Any) -> Answer:
    body = {name: value for name, value in (BUY | changes).items() if value is not None}
    return await gateway.call("POST", "/orders", json_body=body)


async def book(gateway: Gateway) -> Any:
    return (await gateway.call("GET", "/books/clients", who="vera")).body


async def ledger(dsn: str, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetch(query)
    finally:
        await connection.close()


async def test_a_market_order_fills_at_the_touch_and_moves_the_book_to_the_other_side(
    gateway: Gateway,
) -> None:
    bought = await send(gateway)
    assert bought.status == 201
    assert (bought.body["status"], bought.body["fill_price"]) == ("FILLED", "60010")
    assert bought.body["created_ts"] <= bought.body["concluded_ts"]
    sold = await send(gateway, side="SELL", quantity=0.2)
    assert (sold.body["fill_price"], sold.body["filled_quantity"]) == ("60000", "0.2")
    assert (await book(gateway))["positions"] == {"BTC/USDT": "-0.3"}
    seen = await gateway.call("GET", f"/orders/{bought.body['id']}", who="vera")
    assert seen.body == bought.body
    positions = (await gateway.call("GET", "/positions", who="vera")).body
    assert positions == [
        {"symbol": "BTC/USDT", "spot_qty": "-0.3", "perp_qty": "0", "usd_delta": "-18001.5", "problem": None}
    ]


async def test_a_limit_order_rests_until_the_touch_reaches_it_and_fills_once_at_its_price(
    gateway: Gateway, quotes: Quotes, ledger_dsn: str
) -> None:
    rests = await send(gateway, order_type="LIMIT", limit_price="59990")
    assert (rests.status, rests.body["status"], rests.body["fill_price"]) == (201, "ACCEPTED", None)
    assert (await gateway.call("GET", "/books/clients")).status == 404
    await quotes.show(gateway, "BTC/USDT", 59_970.0, 59_980.0)

    async def filled() -> Any:
        found = (await gateway.call("GET", f"/orders/{rests.body['id']}")).body
        return found if found["status"] == "FILLED" else None

    order = await eventually("filled", filled)
    assert order["fill_price"] == "59990"
    await quotes.show(gateway, "BTC/USDT", 59_980.0, 59_990.0)
    assert (await book(gateway))["sequence"] == 1
    fills = await ledger(ledger_dsn, "select side, quantity, price from client_fills")
    assert [tuple(row) for row in fills] == [("Sell", Decimal("0.5"), Decimal(59990))]


async def test_a_limit_order_that_the_touch_has_reached_fills_at_the_touch(gateway: Gateway) -> None:
    answer = await send(gateway, order_type="LIMIT", limit_price="70000")
    assert (answer.body["status"], answer.body["fill_price"]) == ("FILLED", "60010")


async def test_resting_orders_survive_kill_9_and_fill_exactly_once_between_two_gateways(
    gateway: Gateway, start_gateway: Callable[..., Gateway], quotes: Quotes, ledger_dsn: str
) -> None:
    sent = [
        await send(gateway, order_type="LIMIT", limit_price=str(59_900 + number), quantity="0.01")
        for number in range(20)
    ]
    assert {answer.body["status"] for answer in sent} == {"ACCEPTED"}
    assert gateway.signal(signal.SIGKILL) != 0
    one, other = [await start_gateway().ready() for _ in range(2)]
    await quotes.show(one, "BTC/USDT", 59_890.0, 59_895.0)

    async def all_filled() -> bool:
        rows = await ledger(ledger_dsn, "select 1 from client_orders where state = 'Filled'")
        return len(rows) == len(sent)

    await eventually("all filled", all_filled)
    await quotes.show(other, "BTC/USDT", 59_880.0, 59_885.0)
    fills = await ledger(ledger_dsn, "select fill_id from client_fills")
    assert Counter(row["fill_id"] for row in fills) == Counter(f"order-{item.body['id']}" for item in sent)
    assert (await book(one))["positions"] == {"BTC/USDT": "-0.2"}
    counted = [
        await item.metric("hedgerow_client_orders_filled_total", symbol="BTC/USDT") for item in (one, other)
    ]
    assert sum(counted) == len(sent)


async def test_the_same_client_order_id_is_one_order_with_one_answer(
    gateway: Gateway, quotes: Quotes
) -> None:
    first = await send(gateway, client_order_id="a-1", order_type="LIMIT", limit_price="59990")
    await quotes.show(gateway, "BTC/USDT", 59_900.0, 59_910.0)

    async def filled() -> bool:
        return (await gateway.call("GET", f"/orders/{first.body['id']}")).body["status"] == "FILLED"

    await eventually("filled", filled)
    again = await send(
        gateway, client_order_id="a-1", order_type="LIMIT", limit_price="59990.00", quantity=0.5
    )
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["idempotent-replayed"] == "true"
    by_header = await gateway.call(
        "POST",
        "/orders",
        json_body=BUY | {"order_type": "LIMIT", "limit_price": 59990},
        headers={"Idempotency-Key": "a-1"},
    )
    assert by_header.body == first.body
    other = await send(gateway, client_order_id="a-1", order_type="LIMIT", limit_price="59991")
    assert (other.status, other.problem) == (409, "client-order-id-used")
    assert (await book(gateway))["sequence"] == 1
    # Another key has names of its own.
    mine = await gateway.call("POST", "/orders", who="tom", json_body=BUY | {"client_order_id": "a-1"})
    assert mine.status == 201
    assert mine.body["id"] != first.body["id"]


async def test_a_repeated_market_order_is_answered_though_the_market_is_gone(
    gateway: Gateway, quotes: Quotes
) -> None:
    first = await send(gateway, client_order_id="m-1")
    await quotes.withdraw(gateway, "BTC/USDT")
    again = await send(gateway, client_order_id="m-1")
    assert (again.status, again.body) == (201, first.body)
    new = await send(gateway, client_order_id="m-2")
    assert (new.status, new.problem) == (409, "quote-invalid")


async def test_many_senders_of_one_name_at_once_make_one_order(gateway: Gateway) -> None:
    answers = await asyncio.gather(*(send(gateway, client_order_id="race") for _ in range(20)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert (await book(gateway))["positions"] == {"BTC/USDT": "-0.5"}
    assert await gateway.metric("hedgerow_client_orders_received_total", symbol="BTC/USDT") == 1


async def test_no_market_order_fills_at_an_old_or_unseen_price(gateway: Gateway, quotes: Quotes) -> None:
    unseen = await send(gateway, symbol="BTC/USDT:USDT")
    assert (unseen.status, unseen.problem) == (409, "quote-missing")
    old = make_quote("BTC/USDT:USDT", 60_000.0, 60_001.0, time.time_ns() - 10 * 10**9)
    await quotes.withdraw(gateway, "BTC/USDT:USDT", old)
    stale = await send(gateway, symbol="BTC/USDT:USDT")
    assert (stale.status, stale.problem) == (409, "quote-stale")
    assert "10." in stale.body["detail"]
    # A limit order needs no price now; it waits for one.
    rests = await send(gateway, symbol="BTC/USDT:USDT", order_type="LIMIT", limit_price="70000")
    assert rests.body["status"] == "ACCEPTED"
    assert (await gateway.call("GET", "/orders")).body["orders"] == [rests.body]


async def test_cancelling_ends_a_resting_order_and_nothing_else(gateway: Gateway, quotes: Quotes) -> None:
    rests = await send(gateway, order_type="LIMIT", limit_price="59000")
    path = f"/orders/{rests.body['id']}"
    assert (await gateway.call("DELETE", path, who="vera")).problem == "forbidden"
    cancelled = await gateway.call("DELETE", path, who="rita")
    assert (cancelled.status, cancelled.body["status"]) == (200, "CANCELLED")
    assert (await gateway.call("DELETE", path)).body == cancelled.body
    await quotes.show(gateway, "BTC/USDT", 58_000.0, 58_001.0)
    assert (await gateway.call("GET", path)).body == cancelled.body
    filled = await send(gateway)
    refused = await gateway.call("DELETE", f"/orders/{filled.body['id']}")
    assert (refused.status, refused.problem) == (409, "order-not-open")
    unknown = await gateway.call("DELETE", "/orders/00000000-0000-0000-0000-000000000000")
    assert (unknown.status, unknown.problem) == (404, "not-found")


async def test_pages_show_every_order_once_newest_first(gateway: Gateway) -> None:
    sent = [await send(gateway, quantity="0.001") for _ in range(7)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await gateway.call("GET", f"/orders?limit=3{cursor}", who="vera")).body
        seen += [order["id"] for order in page["orders"]]
        await send(gateway, quantity="0.001")
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == [answer.body["id"] for answer in reversed(sent)]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"symbol": "DOGE/USDT"}, ["symbol"]),
        ({"asset_class": "EQUITY"}, ["asset_class"]),
        ({"asset_class": "BONDS"}, ["asset_class"]),
        ({"side": "HOLD"}, ["side"]),
        ({"side": "buy"}, ["side"]),
        ({"quantity": "-0.5"}, ["quantity"]),
        ({"quantity": "0"}, ["quantity"]),
        ({"quantity": "NaN"}, ["quantity"]),
        ({"quantity": "Infinity"}, ["quantity"]),
        ({"quantity": "1_000"}, ["quantity"]),
        ({"quantity": True}, ["quantity"]),
        ({"quantity": 10**30}, ["quantity"]),
        ({"quantity": "1e300"}, ["quantity"]),
        ({"quantity": "0.000001"}, ["quantity"]),
        ({"quantity": "1000", "order_type": "LIMIT", "limit_price": "60000"}, ["quantity"]),
        ({"order_type": "LIMIT"}, ["limit_price"]),
        ({"limit_price": "60000"}, ["limit_price"]),
        ({"order_type": "LIMIT", "limit_price": "60000.001"}, ["limit_price"]),
        ({"order_type": "STOP"}, ["order_type"]),
        ({"client_id": None}, ["client_id"]),
        ({"client_id": "a\u0000b"}, ["client_id"]),
        ({"client_id": "\ud800"}, ["client_id"]),
        ({"client_order_id": "x" * 65}, ["client_order_id"]),
        ({"colour": "blue"}, ["colour"]),
        ({"colour\ud800": 1}, ["body"]),
        ({"side": "HOLD", "quantity": "x"}, ["side", "quantity"]),
    ],
)
async def test_what_cannot_be_ordered_is_refused_with_its_fields(
    shared_gateway: Gateway, changes: dict[str, Any], fields: list[str]
) -> None:
    answer = await send(shared_gateway, **changes)
    assert (answer.status, answer.problem) == (422, "invalid")
    assert answer.fields == fields
    assert (await shared_gateway.call("GET", "/orders")).body == {"orders": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        (b"{", 400, "malformed-json"),
        (b"", 422, "invalid"),
        (b"[]", 422, "invalid"),
        (b'{"quantity": NaN}', 400, "malformed-json"),
        (b'{"quantity": 1e99999999999999999999}', 400, "malformed-json"),
        (b'{"quantity": ' + b"9" * 5000 + b"}", 400, "malformed-json"),
        (b'{"side": "BUY", "side": "SELL"}', 400, "malformed-json"),
        (b"[" * 60_000, 400, "malformed-json"),
        (b'"\xff"', 400, "malformed-json"),
        (b" " * 70_000, 413, "body-too-large"),
    ],
)
async def test_what_is_no_order_at_all_is_refused(
    shared_gateway: Gateway, body: bytes, status: int, problem: str
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await shared_gateway.call("POST", "/orders", data=body, headers=headers)
    assert (answer.status, answer.problem) == (status, problem)


async def test_what_does_not_fit_the_door_is_refused(shared_gateway: Gateway) -> None:
    call = shared_gateway.call
    assert (await call("POST", "/orders", data=b"{}")).problem == "media-type"
    assert (await call("PATCH", "/orders")).problem == "method-not-allowed"
    assert (await call("GET", "/nothing")).problem == "not-found"
    assert (await call("GET", "/orders/7")).fields == ["order_id"]
    assert (await call("GET", "/orders?limit=0")).fields == ["limit"]
    assert (await call("GET", "/orders?cursor=abc")).fields == ["cursor"]
    assert (await call("GET", "/orders?limt=3")).fields == ["limt"]
    assert (await call("GET", "/orders?limit=3&limit=4")).fields == ["limit"]
    assert (await call("GET", "/positions?symbol=BTC/USDT")).fields == ["symbol"]
    both = await call(
        "POST", "/orders", json_body=BUY | {"client_order_id": "a"}, headers={"Idempotency-Key": "b"}
    )
    assert both.fields == ["client_order_id"]
    assert (
        await shared_gateway.metric("hedgerow_gateway_refusals_total", code="media-type", status="415") == 1
    )


async def test_nobody_passes_without_a_key_that_may(shared_gateway: Gateway) -> None:
    call = shared_gateway.call
    for path in ("/orders", "/positions", "/books", "/halts"):
        nobody = await call("GET", path, who=None)
        assert (nobody.status, nobody.problem) == (401, "unauthenticated")
        assert nobody.headers["www-authenticate"] == "Bearer"
        wrong = await call("GET", path, who=None, headers={"Authorization": "Bearer alice"})
        assert wrong.status == 401
        assert (await call("GET", path, who="vera")).status == 200
    for who in ("vera", "rita"):
        assert (await call("POST", "/orders", who=who, json_body=BUY)).problem == "forbidden"
    # Before anything of the body is looked at.
    assert (await call("POST", "/orders", who=None, data=b"{")).status == 401


async def test_a_fill_is_published_with_the_order_as_its_cause(gateway: Gateway, kafka: str) -> None:
    order = (await send(gateway)).body
    decoder = Decoder[ClientBook](ClientBook)

    async def published() -> list[ClientBook]:
        found = []
        for partition in range(4):
            async with LogReader(kafka, (BOOKS.name, partition)) as log:
                async for message in log.read(await log.first(), await log.end()):
                    if trace.read_cause(message.headers) == f"order:{order['id']}":
                        found.append(decoder.decode(message.value))
        return found

    (book,) = await eventually("published", published)
    assert (book.name, book.sequence, book.positions) == ("clients", 1, {"BTC/USDT": Decimal("-0.5")})


async def test_it_ends_cleanly_when_asked_and_answers_what_was_begun(gateway: Gateway) -> None:
    sent = [asyncio.create_task(send(gateway, client_order_id=f"last-{number}")) for number in range(20)]
    await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED)
    assert await asyncio.to_thread(gateway.signal, signal.SIGTERM) == 0
    answers = await asyncio.gather(*sent, return_exceptions=True)
    assert {item.status for item in answers if isinstance(item, Answer)} == {201}
    assert all(isinstance(item, Answer | aiohttp.ClientConnectionError) for item in answers)


EVERY_CLASS = {
    "ETH/USDT": ("CRYPTO", "2", 2_680.0, 2_680.5),
    "NVDA/USD": ("EQUITY", "100", 105.0, 105.1),
    "SPX": ("INDEX", "10", 5_320.0, 5_321.0),
    "SPX/USD:USD-301220": ("INDEX", "2", 5_321.0, 5_321.25),
}


async def test_clients_trade_every_asset_class_and_positions_are_in_units_of_the_underlying(
    gateway: Gateway, quotes: Quotes
) -> None:
    for symbol, (_, _, bid, ask) in EVERY_CLASS.items():
        quotes.repeat(symbol, bid, ask)

    async def quoted() -> bool:
        shown = (await gateway.call("GET", "/quotes", who="vera")).body
        return EVERY_CLASS.keys() <= {item["symbol"] for item in shown if item["ask"] is not None}

    await eventually("every quote is seen", quoted)
    for symbol, (asset_class, quantity, _, ask) in EVERY_CLASS.items():
        answer = await send(gateway, asset_class=asset_class, symbol=symbol, quantity=quantity)
        assert (answer.status, Decimal(answer.body["fill_price"])) == (201, Decimal(str(ask)))
    assert (await send(gateway, symbol="SPX", quantity="1")).status == 422
    positions = (await gateway.call("GET", "/positions", who="vera")).body
    assert {row["symbol"]: (row["spot_qty"], row["perp_qty"], row["usd_delta"]) for row in positions} == {
        "ETH/USDT": ("-2", "0", "-5360.5"),
        "NVDA/USD": ("-100", "0", "-10505"),
        "SPX": ("-10", "-10", "-106410"),
    }
