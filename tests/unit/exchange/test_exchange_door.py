"""Keys, signatures, parameters and fault rules: the pure parts of the door."""

import asyncio
import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from aiohttp import StreamReader, web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict
from prometheus_client import CollectorRegistry

from hedgerow.streams.settings import SettingsError
from hedgerow_exchange.api import create_order, instruments_info, open_orders, order_history
from hedgerow_exchange.calls import Call
from hedgerow_exchange.engine import Engine
from hedgerow_exchange.fault_desk import HEADER, FaultDesk
from hedgerow_exchange.faults import FaultKind, FaultRule, Faults
from hedgerow_exchange.http import Door
from hedgerow_exchange.keys import Key, KeysError, authenticate, read_keys, sign
from hedgerow_exchange.listings import paper_listings
from hedgerow_exchange.orders import Outcome
from hedgerow_exchange.params import order_command
from hedgerow_exchange.refusals import Refused
from hedgerow_exchange.role import address

NOW_MS = 1_790_000_000_000
KEYS = {"key": Key(account="hedge-01", secret=b"secret")}
ORDER = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "qty": "0.001",
    "price": "60000",
}


def headers(timestamp_ms: int = NOW_MS, payload: str = "", window: str = "5000") -> dict[str, str]:
    return {
        "X-BAPI-API-KEY": "key",
        "X-BAPI-TIMESTAMP": str(timestamp_ms),
        "X-BAPI-RECV-WINDOW": window,
        "X-BAPI-SIGN": sign(b"secret", str(timestamp_ms), "key", window, payload),
    }


def test_the_signature_is_bybits() -> None:
    """HMAC-SHA256 of timestamp + key + window + payload, in lowercase hexadecimal."""
    assert (
        sign(b"secret", "1672211918471", "key", "5000", "a=1")
        == "1389dec36c6fea46d9a99742e62d42b98a76e57794f5a75deeec9841712f7070"
    )


@pytest.mark.parametrize("age_ms", [5_000, 0, -999])
def test_a_request_inside_its_window_is_its_accounts(age_ms: int) -> None:
    assert authenticate(KEYS, headers(NOW_MS - age_ms), "", NOW_MS).account == "hedge-01"


@pytest.mark.parametrize("age_ms", [5_001, -1_000])
def test_a_request_outside_its_window_is_refused(age_ms: int) -> None:
    with pytest.raises(Refused) as refused:
        authenticate(KEYS, headers(NOW_MS - age_ms), "", NOW_MS)
    assert refused.value.code == 10002


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"X-BAPI-API-KEY": "other"}, 10003),
        ({"X-BAPI-SIGN": "0" * 64}, 10004),
        ({"X-BAPI-SIGN": "é"}, 10004),
        ({"X-BAPI-TIMESTAMP": str(NOW_MS - 1)}, 10004),
        ({"X-BAPI-RECV-WINDOW": "60000"}, 10004),
    ],
)
def test_a_request_that_was_changed_is_refused(change: dict[str, str], code: int) -> None:
    with pytest.raises(Refused) as refused:
        authenticate(KEYS, headers() | change, "", NOW_MS)
    assert refused.value.code == code


def test_a_changed_body_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        authenticate(KEYS, headers(payload='{"qty":"1"}'), '{"qty":"9"}', NOW_MS)
    assert refused.value.code == 10004


def test_a_timestamp_that_is_no_number_is_refused() -> None:
    given = headers(window="soon")
    with pytest.raises(Refused) as refused:
        authenticate(KEYS, given, "", NOW_MS)
    assert refused.value.code == 10001


def test_keys_are_read_as_a_mounted_secret_has_them(tmp_path: Path) -> None:
    for account in ("one", "two"):
        (tmp_path / account).mkdir()
        (tmp_path / account / "apiKey").write_text(f"key-{account}\n")
        (tmp_path / account / "secret").write_text(f"secret-{account}\n")
    (tmp_path / "..data").mkdir()
    assert read_keys(tmp_path) == {
        f"key-{account}": Key(account=account, secret=f"secret-{account}".encode())
        for account in ("one", "two")
    }
    (tmp_path / "two" / "apiKey").write_text("key-one")
    with pytest.raises(KeysError, match="key of account one as well"):
        read_keys(tmp_path)
    (tmp_path / "two" / "apiKey").write_text("\n")
    with pytest.raises(KeysError, match="two/apiKey is empty"):
        read_keys(tmp_path)


def test_missing_keys_say_what_should_be_there(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="holds no account"):
        read_keys(tmp_path)
    with pytest.raises(KeysError, match="should hold one subfolder per account"):
        read_keys(tmp_path / "absent")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"category": "futures"}, "category 'futures' should be one of"),
        ({"category": "inverse"}, "'BTCUSDT' is not listed in category inverse"),
        ({"symbol": ""}, "symbol is missing"),
        ({"side": "buy"}, "side 'buy' should be one of Buy, Sell"),
        ({"orderType": "Stop"}, "orderType 'Stop' should be one of Limit, Market"),
        ({"timeInForce": "GTD"}, "timeInForce 'GTD'"),
        ({"qty": ""}, "qty is missing"),
        ({"qty": 0.001}, "qty should be a string"),
        ({"qty": "NaN"}, "qty 'NaN' should be a positive decimal number"),
        ({"qty": "1e3"}, "qty '1e3'"),
        ({"price": "-1"}, "price '-1'"),
        ({"reduceOnly": "true"}, "reduceOnly should be true or false"),
        ({"positionIdx": 1}, "positionIdx=1 is not supported"),
        ({"takeProfit": "1"}, "takeProfit is not supported"),
        ({"category": "spot", "orderType": "Market"}, "marketUnit=baseCoin"),
    ],
)
def test_an_order_that_cannot_be_read_says_why(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(Refused, match=problem) as refused:
        order_command(paper_listings(), ORDER | change)
    assert refused.value.code == 10001


def test_other_categories_have_no_instruments() -> None:
    engine = Engine(paper_listings(), [], "0badcafe")
    for category, count in (("spot", 3), ("linear", 3), ("inverse", 0), ("option", 0)):
        call = Call(engine=engine, params={"category": category}, now_ns=0)
        assert len(instruments_info(call).result["list"]) == count
    call = Call(engine=engine, params={"category": "linear", "status": "PreLaunch"}, now_ns=0)
    assert instruments_info(call).result["list"] == []


def engine_with_orders() -> Engine:
    engine = Engine(paper_listings(), ["one"], "0badcafe")
    for number in range(6):
        tif = "GTC" if number < 2 else "IOC"
        params = ORDER | {"orderLinkId": f"n{number}", "timeInForce": tif}
        create_order(
            Call(engine=engine, params=params, now_ns=number * 1_000_000_000), engine.accounts["one"]
        )
    return engine


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({}, ["n5", "n4", "n3", "n2"]),
        ({"limit": "2"}, ["n5", "n4"]),
        ({"limit": "2", "cursor": "5"}, ["n3", "n2"]),
        ({"startTime": "3000", "endTime": "4000"}, ["n4", "n3"]),
        ({"orderLinkId": "n3"}, ["n3"]),
        ({"orderLinkId": "n0"}, []),
        ({"orderStatus": "Filled"}, []),
        ({"orderFilter": "StopOrder"}, []),
    ],
)
def test_the_history_shows_final_orders_newest_first(params: dict[str, str], names: list[str]) -> None:
    engine = engine_with_orders()
    call = Call(engine=engine, params={"category": "linear", **params}, now_ns=0)
    rows = order_history(call, engine.accounts["one"]).result["list"]
    assert [row["orderLinkId"] for row in rows] == names


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({}, ["n1", "n0"]),
        ({"openOnly": "1"}, ["n5", "n4", "n3", "n2"]),
        ({"orderLinkId": "n4"}, ["n4"]),
        ({"orderLinkId": "unknown"}, []),
    ],
)
def test_realtime_shows_open_orders_and_recent_ones_by_name(params: dict[str, str], names: list[str]) -> None:
    engine = engine_with_orders()
    call = Call(engine=engine, params={"category": "linear", **params}, now_ns=0)
    rows = open_orders(call, engine.accounts["one"]).result["list"]
    assert [row["orderLinkId"] for row in rows] == names


@pytest.mark.parametrize("limit", ["0", "51", "x"])
def test_a_limit_out_of_range_is_refused(limit: str) -> None:
    engine = engine_with_orders()
    call = Call(engine=engine, params={"category": "linear", "limit": limit}, now_ns=0)
    with pytest.raises(Refused):
        order_history(call, engine.accounts["one"])


def test_a_fault_fires_as_often_as_it_says_on_its_paths_only() -> None:
    faults = Faults()
    faults.add([FaultRule(path="/v5/order", kind=FaultKind.DROP_REPLY, count=2)])
    fired = [
        bool(faults.on_request(path, "").rules) for path in ("/v5/market/time", *["/v5/order/create"] * 3)
    ]
    assert fired == [False, True, True, False]
    assert [state.fired for state in faults.states()] == [2]


def test_the_same_seed_meets_the_same_faults() -> None:
    def run(seed: int) -> list[bool]:
        faults = Faults()
        faults.add([FaultRule(path="/", kind=FaultKind.DROP_REPLY, probability=0.3, seed=seed)])
        return [bool(faults.on_request("/v5/order/create", "").rules) for _ in range(200)]

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert 20 < sum(run(1)) < 100


def test_a_fault_lets_requests_pass_first_and_is_for_one_account() -> None:
    faults = Faults()
    faults.add([FaultRule(kind=FaultKind.DROP_REPLY, account="one", after=1)])
    fired = [bool(faults.on_request("/", account).rules) for account in ("one", "two", "one", "", "one")]
    assert fired == [False, False, True, False, True]


def desk(allowed: bool, may: bool = True) -> FaultDesk:
    keys = {"key": Key(account="hedge-01", secret=b"secret", may_inject_faults=may)}
    return FaultDesk(keys, allowed, CollectorRegistry())


def test_a_request_may_bring_its_own_faults_with_a_key_that_may() -> None:
    asked = headers(payload="body") | {HEADER: '[{"kind": "DropReply"}]'}
    fired = desk(allowed=True).on_request("/v5/order/create", asked, "body")
    assert [rule.kind for rule in fired.rules] == [FaultKind.DROP_REPLY]
    assert desk(allowed=True).on_request("/v5/order/create", headers(payload="body"), "body").rules == ()


@pytest.mark.parametrize(
    ("allowed", "may", "payload", "header", "code"),
    [
        (False, True, "body", '[{"kind": "DropReply"}]', 10005),
        (True, False, "body", '[{"kind": "DropReply"}]', 10005),
        (True, True, "other", '[{"kind": "DropReply"}]', 10004),
        (True, True, "body", '{"kind": "DropReply"}', 10001),
        (True, True, "body", '[{"kind": "DropReply", "ms": -1}]', 10001),
    ],
)
def test_faults_in_a_header_are_refused_rather_than_ignored(
    allowed: bool, may: bool, payload: str, header: str, code: int
) -> None:
    with pytest.raises(Refused) as refused:
        desk(allowed, may).on_request("/", headers(payload="body") | {HEADER: header}, payload)
    assert refused.value.code == code


def test_faults_that_are_off_do_not_fire() -> None:
    closed = desk(allowed=False)
    closed.faults.add([FaultRule(kind=FaultKind.DROP_REPLY)])
    assert closed.on_request("/", {}, "").rules == ()


async def test_faults_that_are_off_cannot_be_added() -> None:
    closed = desk(allowed=False)
    reply = await closed.administer(make_mocked_request("POST", "/faults"))
    assert reply.status == 403
    assert closed.faults.states() == []


def test_a_hidden_order_shows_from_its_time_on() -> None:
    faults = Faults()
    faults.hide("hidden", 100)
    assert [faults.shows("hidden", now) for now in (99, 100)] == [False, True]
    assert faults.shows("other", 0)


def test_the_address_is_host_and_port() -> None:
    assert address("http://127.0.0.1:8080") == ("127.0.0.1", 8080)


@pytest.mark.parametrize(
    "url", ["127.0.0.1:80", "http://host", "https://host:1", "http://h:x", "http://h:1/v5"]
)
def test_any_other_address_is_refused_by_the_variables_name(url: str) -> None:
    with pytest.raises(SettingsError, match="HEDGEROW_EXCHANGE_URL"):
        address(url)


class SlowJournal:
    """A disk that takes its time."""

    def __init__(self) -> None:
        self.appended = asyncio.Event()
        self.on_disk = asyncio.Event()

    def append(self, outcome: Outcome) -> None:
        self.appended.set()

    async def durable(self) -> None:
        await self.on_disk.wait()


async def test_no_reply_leaves_before_the_journal_is_on_disk() -> None:
    journal = SlowJournal()
    engine = Engine(paper_listings(), ["hedge-01"], "0badcafe")
    door = Door(engine, journal, KEYS, CollectorRegistry(), lambda: NOW_MS * 1_000_000)  # type: ignore[arg-type]
    body = json.dumps(ORDER)
    content = StreamReader(mock.Mock(_reading_paused=False), limit=2**16)
    content.feed_data(body.encode())
    content.feed_eof()
    create = make_mocked_request(
        "POST", "/v5/order/create", headers=CIMultiDict(headers(payload=body)), payload=content
    )
    replying = asyncio.create_task(door.handle(create))
    await journal.appended.wait()
    # A query that comes now would show the order, so it waits as well.
    query = "category=linear"
    realtime = make_mocked_request(
        "GET", f"/v5/order/realtime?{query}", headers=CIMultiDict(headers(payload=query))
    )
    showing = asyncio.create_task(door.handle(realtime))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not replying.done()
    assert not showing.done()
    journal.on_disk.set()
    for reply in (await replying, await showing):
        assert isinstance(reply, web.Response)
        assert isinstance(reply.body, bytes)
        assert json.loads(reply.body)["retCode"] == 0
