"""Books told from outside, halts, and what the gateway does while its servers are away."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from gateway_process import Answer, Gateway, Quotes, eventually
from ledger_outage import ledger_away

from hedgerow.schemas.codec import Decoder
from hedgerow.schemas.records import ClientBook
from hedgerow.schemas.topics import BOOKS
from hedgerow.streams.log_reader import LogReader

NOW = datetime.now(UTC).replace(microsecond=250_000) - timedelta(seconds=30)


def at(seconds: float) -> str:
    return (NOW + timedelta(seconds=seconds)).isoformat()


def ns(seconds: float) -> int:
    return int(NOW.timestamp()) * 10**9 + 250_000_000 + round(seconds * 10**9)


async def put(gateway: Gateway, sequence: int, seconds: float, name: str = "oms", **positions: Any) -> Answer:
    told = {symbol.replace("_", "/"): quantity for symbol, quantity in positions.items()}
    body = {"sequence": sequence, "as_of": at(seconds), "positions": told}
    return await gateway.call("PUT", f"/books/{name}", json_body=body)


async def published(kafka: str, name: str) -> list[ClientBook]:
    decoder = Decoder[ClientBook](ClientBook)
    found = []
    for partition in range(4):
        async with LogReader(kafka, (BOOKS.name, partition)) as log:
            async for message in log.read(await log.first(), await log.end()):
                if message.key == name.encode():
                    found.append(decoder.decode(message.value))
    return found


async def test_a_told_book_is_kept_published_and_only_as_fresh_as_its_teller(
    gateway: Gateway, kafka: str, ledger_dsn: str
) -> None:
    name = f"oms-{time.time_ns()}"
    told = await put(gateway, 41, 0, name, BTC_USDT="-1.25")
    assert (told.status, told.body["sequence"], told.body["positions"]) == (200, 41, {"BTC/USDT": "-1.25"})
    assert told.body["as_of"].endswith(".250000000Z")
    assert (await gateway.call("GET", f"/books/{name}", who="vera")).body == told.body
    assert (await gateway.call("GET", "/books", who="vera")).body == [told.body]

    async def seen() -> list[ClientBook]:
        return await published(kafka, name)

    (book,) = await eventually("published", seen)
    assert (book.sequence, book.as_of_ns, book.published_ns) == (41, ns(0), ns(0))


async def test_the_books_role_does_not_make_a_told_book_look_alive(
    start_gateway: Callable[..., Gateway], kafka: str
) -> None:
    name = f"oms-{time.time_ns()}"
    gateway = await start_gateway(roles="gateway,books").ready()
    await put(gateway, 1, 0, name, BTC_USDT=1)

    async def repeated() -> list[ClientBook]:
        books = await published(kafka, name)
        return books if len(books) >= 3 else []

    assert {book.published_ns for book in await eventually("repeated", repeated)} == {ns(0)}


async def test_a_book_does_not_go_backwards(gateway: Gateway) -> None:
    assert (await put(gateway, 5, 0, BTC_USDT=1)).status == 200
    assert (await put(gateway, 5, 0, BTC_USDT="1.0")).status == 200
    alive = await put(gateway, 5, 1, BTC_USDT=1)
    assert alive.status == 200
    for refused in (
        await put(gateway, 4, 2, BTC_USDT=1),
        await put(gateway, 6, 0.5, BTC_USDT=1),
        await put(gateway, 5, 2, BTC_USDT=2),
    ):
        assert (refused.status, refused.problem) == (409, "book-went-backwards")
    assert (await gateway.call("GET", "/books/oms")).body == alive.body
    moved = await put(gateway, 6, 2, **{"BTC_USDT:USDT": "3"})
    assert moved.body["positions"] == {"BTC/USDT:USDT": "3"}


def a_loan(**changes: Any) -> dict[str, Any]:
    loan = {
        "id": "loan-7",
        "asset": "USDT",
        "principal": "16200.50",
        "interest": 12.5,
        "annual_rate": "0.06",
        "since": at(-86_400),
        "collateral": {"BTC": "0.5"},
    }
    return loan | changes


async def put_loans(gateway: Gateway, name: str, sequence: int, *loans: dict[str, Any]) -> Answer:
    body = {"sequence": sequence, "as_of": at(sequence), "loans": loans}
    return await gateway.call("PUT", f"/books/{name}", json_body=body)


async def test_told_loans_are_kept_published_and_count_as_what_is_owed(
    gateway: Gateway, kafka: str, ledger_dsn: str
) -> None:
    name = f"loans-{time.time_ns()}"
    owed = a_loan(id="b-coin", asset="BTC", principal="2", interest="0.25", collateral={})
    told = await put_loans(gateway, name, 1, owed, a_loan())
    assert (told.status, told.body["kind"], told.body["positions"]) == (200, "Loans", {})
    assert [loan["id"] for loan in told.body["loans"]] == ["b-coin", "loan-7"]
    shown = told.body["loans"][1]
    assert (shown["principal"], shown["interest"], shown["annual_rate"]) == ("16200.5", "12.5", "0.06")
    assert (shown["asset"], shown["collateral"]) == ("USDT", {"BTC": "0.5"})
    assert (await gateway.call("GET", f"/books/{name}", who="vera")).body == told.body
    # What was shown can be told again.
    again = await put_loans(gateway, name, 2, *told.body["loans"])
    assert (again.status, again.body["loans"]) == (200, told.body["loans"])

    async def seen() -> list[ClientBook]:
        return await published(kafka, name)

    book = (await eventually("published", seen))[0]
    assert (book.kind, book.sequence, book.loans[1].since_ns) == ("Loans", 1, ns(-86_400))
    (position,) = (await gateway.call("GET", "/positions")).body
    assert (position["symbol"], position["spot_qty"]) == ("BTC/USDT", "-2.25")
    repaid = await put_loans(gateway, name, 3)
    assert (repaid.status, repaid.body["loans"]) == (200, [])


async def test_a_book_of_loans_does_not_become_one_of_positions_nor_go_backwards(gateway: Gateway) -> None:
    assert (await put_loans(gateway, "loans", 5, a_loan())).status == 200
    refused = await put(gateway, 6, 6, "loans", BTC_USDT=1)
    assert (refused.status, refused.problem) == (409, "book-of-another-kind")
    assert "is of loans; tell positions under another name" in refused.body["detail"]
    for backwards in (
        await put_loans(gateway, "loans", 4, a_loan()),
        await put_loans(gateway, "loans", 5, a_loan(interest="13")),
    ):
        assert (backwards.status, backwards.problem) == (409, "book-went-backwards")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"asset": "DOGE"}, "loans.0.asset"),
        ({"principal": "0"}, "loans.0.principal"),
        ({"principal": "-1"}, "loans.0.principal"),
        ({"interest": "-0.1"}, "loans.0.interest"),
        ({"interest": "NaN"}, "loans.0.interest"),
        ({"annual_rate": "6"}, "loans.0.annual_rate"),
        ({"since": at(7)}, "loans.0.since"),
        ({"since": "2026-03-01"}, "loans.0.since"),
        ({"id": "a b"}, "loans.0.id"),
        ({"collateral": {"XRP": 1}}, "loans.0.collateral.XRP"),
        ({"collateral": {"BTC": 0}}, "loans.0.collateral.BTC"),
        ({"lender": "me"}, "loans.0.lender"),
    ],
)
async def test_what_is_no_loan_is_refused_with_its_field(
    shared_gateway: Gateway, changes: dict[str, Any], field: str
) -> None:
    answer = await put_loans(shared_gateway, "loans", 1, a_loan(**changes))
    assert (answer.status, answer.problem, answer.fields) == (422, "invalid", [field])
    assert (await shared_gateway.call("GET", "/books/loans")).status == 404


async def test_a_loan_is_there_once_and_a_book_is_of_one_kind(shared_gateway: Gateway) -> None:
    twice = await put_loans(shared_gateway, "loans", 1, a_loan(), a_loan(principal=1))
    assert (twice.status, twice.fields) == (422, ["loans.1.id"])
    body = {"sequence": 1, "as_of": at(0)}
    for content in ({}, {"positions": {}, "loans": []}):
        answer = await shared_gateway.call("PUT", "/books/loans", json_body=body | content)
        assert (answer.status, answer.fields) == (422, ["body"]), answer.body
        assert "either positions or loans" in answer.body["errors"][0]["reason"]


async def test_the_book_that_fills_move_cannot_be_told(gateway: Gateway) -> None:
    refused = await put(gateway, 10**6, 0, "clients", BTC_USDT=1)
    assert (refused.status, refused.problem) == (409, "book-moved-by-fills")


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"positions": {"DOGE/USDT": 1, "BTC/USDT": 1}}, ["positions.DOGE/USDT"]),
        ({"positions": {"BTC/USDT": "NaN"}}, ["positions.BTC/USDT"]),
        ({"positions": {"BTC/USDT": 1e20}}, ["positions.BTC/USDT"]),
        ({"positions": {"BTC/USDT": "0.1234567890123"}}, ["positions.BTC/USDT"]),
        ({"positions": []}, ["positions"]),
        ({"sequence": 0}, ["sequence"]),
        ({"sequence": 2**63}, ["sequence"]),
        ({"sequence": "7"}, ["sequence"]),
        ({"sequence": True}, ["sequence"]),
        ({"as_of": "2026-03-01"}, ["as_of"]),
        ({"as_of": "2026-13-01T00:00:00Z"}, ["as_of"]),
        ({"as_of": "0001-01-01T00:00:00+14:00"}, ["as_of"]),
        ({"as_of": 1}, ["as_of"]),
        ({"as_of": "9999-12-31T23:59:59Z"}, ["as_of"]),
        ({"source": "me"}, ["source"]),
    ],
)
async def test_what_is_no_book_is_refused_with_its_fields(
    shared_gateway: Gateway, changes: dict[str, Any], fields: list[str]
) -> None:
    body = {"sequence": 1, "as_of": at(0), "positions": {}} | changes
    answer = await shared_gateway.call("PUT", "/books/oms", json_body=body)
    assert (answer.status, answer.problem, answer.fields) == (422, "invalid", fields)
    assert (await shared_gateway.call("PUT", "/books/OMS", json_body=body)).status == 422
    assert (await shared_gateway.call("GET", "/books/oms")).status == 404


async def test_a_trader_halts_and_only_risk_releases_what_was_placed_here(shared_gateway: Gateway) -> None:
    call = shared_gateway.call
    body = {"target": {"kind": "All"}, "reason": "exchange incident"}
    assert (await call("POST", "/halts", who="vera", json_body=body)).problem == "forbidden"
    placed = await call("POST", "/halts", who="alice", json_body=body)
    assert placed.status == 201
    assert placed.body["source"] == "rest:alice"
    assert (await call("GET", "/halts", who="vera")).body == [placed.body]
    path = f"/halts/{placed.body['id']}"
    for trader in ("alice", "tom"):
        refused = await call("DELETE", path, who=trader)
        assert (refused.status, refused.problem) == (403, "forbidden")
    assert (await call("DELETE", path, who="rita")).body == {"id": placed.body["id"], "status": "RELEASED"}
    assert (await call("DELETE", path, who="rita")).problem == "not-found"
    assert (await call("GET", "/halts", who="vera")).body == []


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"target": {"kind": "Strategy", "name": "default/none"}, "reason": "x"}, ["target.name"]),
        ({"target": {"kind": "Venue", "name": ""}, "reason": "x"}, ["target.name"]),
        ({"target": {"kind": "All", "name": "default/btc"}, "reason": "x"}, ["target.name"]),
        ({"target": {"kind": "Some"}, "reason": "x"}, ["target.kind"]),
        ({"target": {"kind": "All"}, "reason": "  "}, ["reason"]),
        ({"target": {"kind": "All"}, "reason": "a\nb"}, ["reason"]),
        ({"target": {"kind": "All"}, "reason": "\ud800"}, ["reason"]),
        ({"target": {"kind": "All"}}, ["reason"]),
    ],
)
async def test_a_slip_of_the_pen_halts_nothing(
    shared_gateway: Gateway, body: dict[str, Any], fields: list[str]
) -> None:
    answer = await shared_gateway.call("POST", "/halts", who="rita", json_body=body)
    assert (answer.status, answer.fields) == (422, fields)
    assert (await shared_gateway.call("GET", "/halts")).body == []


async def test_while_the_ledger_is_away_nothing_is_half_done_and_it_says_so(
    gateway: Gateway, postgres: str, ledger_dsn: str
) -> None:
    order = {
        "asset_class": "CRYPTO",
        "symbol": "BTC/USDT",
        "side": "BUY",
        "quantity": "0.5",
        "order_type": "MARKET",
        "client_id": "acme",
        "client_order_id": "once",
    }
    async with ledger_away(postgres, ledger_dsn):
        for method, path, who, body in (
            ("POST", "/orders", "alice", order),
            ("GET", "/orders", "vera", None),
            ("GET", "/positions", "vera", None),
            ("GET", "/books/clients", "vera", None),
            ("POST", "/halts", "rita", {"target": {"kind": "All"}, "reason": "x"}),
        ):
            away = await gateway.call(method, path, who=who, json_body=body)
            assert (away.status, away.problem) == (503, "ledger-away"), gateway.log_end()
            assert away.headers["retry-after"] == "1"
        status, text = await gateway.health("/ready")
        assert status == 503
        assert "gateway.ledger" in text
        # Whom it does not know, it still tells so.
        assert (await gateway.call("GET", "/orders", who=None)).status == 401

    async def placed() -> Any:
        answer = await gateway.call("POST", "/orders", json_body=order)
        return answer if answer.status == 201 else None

    first = await eventually("placed", placed)
    assert (await gateway.call("POST", "/orders", json_body=order)).body == first.body
    assert (await gateway.call("GET", "/books/clients")).body["sequence"] == 1
    await gateway.ready()


async def test_a_resting_order_fills_when_the_ledger_is_back(
    gateway: Gateway, quotes: Quotes, postgres: str, ledger_dsn: str
) -> None:
    body = {
        "asset_class": "CRYPTO",
        "symbol": "BTC/USDT",
        "side": "SELL",
        "quantity": "0.5",
        "order_type": "LIMIT",
        "limit_price": "60100",
        "client_id": "acme",
    }
    rests = await gateway.call("POST", "/orders", json_body=body)
    async with ledger_away(postgres, ledger_dsn):
        taken = await gateway.metric("hedgerow_messages_received_total", role="gateway")
        quotes.repeat("BTC/USDT", 60_200.0, 60_210.0)

        async def quotes_taken() -> bool:
            return await gateway.metric("hedgerow_messages_received_total", role="gateway") > taken + 5

        await eventually("the order is reached while the ledger is away", quotes_taken)

    async def filled() -> Any:
        found = await gateway.call("GET", f"/orders/{rests.body['id']}")
        return found.status == 200 and found.body["status"] == "FILLED"

    await eventually("filled", filled)
    assert (await gateway.call("GET", "/books/clients")).body["positions"] == {"BTC/USDT": "0.5"}


async def test_without_kafka_halts_books_and_limits_pass_and_nothing_trades_at_market(
    start_gateway: Callable[..., Gateway], free_port: Callable[[], int]
) -> None:
    gateway = start_gateway(kafka=f"127.0.0.1:{free_port()}")
    halt = await gateway.call(
        "POST", "/halts", who="rita", json_body={"target": {"kind": "All"}, "reason": "no Kafka"}
    )
    assert halt.status == 201
    assert (await put(gateway, 1, 0, BTC_USDT=1)).status == 200
    assert await gateway.metric("hedgerow_gateway_books_not_published_total") == 1
    body = {
        "asset_class": "CRYPTO",
        "symbol": "BTC/USDT",
        "side": "BUY",
        "quantity": "0.5",
        "order_type": "MARKET",
        "client_id": "acme",
    }
    assert (await gateway.call("POST", "/orders", json_body=body)).problem == "quote-missing"
    limit = body | {"order_type": "LIMIT", "limit_price": "59000"}
    assert (await gateway.call("POST", "/orders", json_body=limit)).body["status"] == "ACCEPTED"
    status, text = await gateway.health("/ready")
    assert (status, "gateway.market" in text) == (503, True)
