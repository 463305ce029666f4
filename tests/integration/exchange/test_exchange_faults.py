"""Faults on purpose: each leaves the exchange in the state that its name promises."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import ccxt.async_support as ccxt
import pytest
from exchange_client import PERP, Connect, position_of, take, until
from exchange_process import ExchangeProcess

from hedgerow_exchange.journal import JOURNAL_NAME

CREATE = "/v5/order/create"

Inject = Callable[..., None]


def call_admin(exchange: ExchangeProcess, method: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{exchange.url}/faults", data=data, method=method)
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)


@pytest.fixture
def inject(exchange: ExchangeProcess) -> Iterator[Inject]:
    def add(kind: str, path: str = CREATE, **rule: Any) -> None:
        call_admin(exchange, "POST", [{"path": path, "kind": kind, **rule}])

    yield add
    assert call_admin(exchange, "DELETE") == []


@pytest.fixture
async def ready_client(client: ccxt.bybit) -> ccxt.bybit:
    """It has asked everything that the first order asks, so that faults meet the order itself."""
    await client.load_markets()
    await client.is_unified_enabled()
    return client


async def order_count(client: ccxt.bybit, name: str) -> int:
    return len(await client.fetch_canceled_and_closed_orders(PERP, params={"orderLinkId": name}))


async def is_shown(client: ccxt.bybit, name: str) -> bool:
    return await order_count(client, name) > 0


async def test_a_dropped_reply_leaves_the_order_executed_exactly_once(
    ready_client: ccxt.bybit, inject: Inject, new_name: Callable[[], str], exchange: ExchangeProcess
) -> None:
    name = new_name()
    before = await position_of(ready_client)
    price = (await ready_client.fetch_ticker(PERP))["ask"]
    inject("DropReply", count=1)
    with pytest.raises(ccxt.NetworkError):
        await ready_client.create_order(
            PERP, "limit", "buy", 0.003, price, {"clientOrderId": name, "timeInForce": "IOC"}
        )
    assert call_admin(exchange, "GET")[0]["fired"] == 1
    trades = await ready_client.fetch_my_trades(PERP, params={"orderLinkId": name})
    assert sum(trade["amount"] for trade in trades) == pytest.approx(0.003)
    assert await order_count(ready_client, name) == 1
    assert float(await position_of(ready_client) - before) == pytest.approx(0.003)
    with pytest.raises(ccxt.InvalidOrder, match="110072"):
        await take(ready_client, name)


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        ({"kind": "ServerError", "status": 503}, ccxt.ExchangeNotAvailable),
        ({"kind": "ServerError", "status": 500}, ccxt.ExchangeNotAvailable),
        ({"kind": "TooManyRequests"}, ccxt.RateLimitExceeded),
    ],
)
async def test_an_error_before_executing_leaves_nothing(
    ready_client: ccxt.bybit,
    inject: Inject,
    new_name: Callable[[], str],
    rule: dict[str, Any],
    error: type[Exception],
) -> None:
    name = new_name()
    inject(count=1, **rule)
    with pytest.raises(error):
        await take(ready_client, name)
    assert await order_count(ready_client, name) == 0
    await take(ready_client, name)
    assert await order_count(ready_client, name) == 1


async def test_a_dropped_request_leaves_nothing(
    ready_client: ccxt.bybit, inject: Inject, new_name: Callable[[], str]
) -> None:
    name = new_name()
    inject("DropRequest", count=1)
    with pytest.raises(ccxt.NetworkError):
        await take(ready_client, name)
    assert await order_count(ready_client, name) == 0


@pytest.mark.parametrize(
    ("kind", "error"), [("BreakReply", ccxt.ExchangeError), ("ErrorReply", ccxt.RequestTimeout)]
)
async def test_a_reply_that_breaks_leaves_the_order_executed(
    ready_client: ccxt.bybit,
    inject: Inject,
    new_name: Callable[[], str],
    kind: str,
    error: type[Exception],
) -> None:
    name = new_name()
    inject(kind, count=1)
    with pytest.raises(error):
        await take(ready_client, name)
    assert await order_count(ready_client, name) == 1


async def test_too_many_requests_says_when_there_are_more(
    ready_client: ccxt.bybit, inject: Inject, new_name: Callable[[], str]
) -> None:
    inject("TooManyRequests", count=1, status=200)
    with pytest.raises(ccxt.RateLimitExceeded, match="10006"):
        await take(ready_client, new_name())
    limit = {name.lower(): value for name, value in ready_client.last_response_headers.items()}
    assert (limit["x-bapi-limit"], limit["x-bapi-limit-status"]) == ("10", "0")
    assert int(limit["x-bapi-limit-reset-timestamp"]) > 0


async def test_an_ioc_order_is_filled_in_part(
    ready_client: ccxt.bybit, inject: Inject, new_name: Callable[[], str]
) -> None:
    name = new_name()
    before = await position_of(ready_client)
    inject("PartialFill", count=1, fraction="0.25")
    await take(ready_client, name, amount="0.004")
    (order,) = await ready_client.fetch_canceled_and_closed_orders(PERP, params={"orderLinkId": name})
    assert (order["info"]["orderStatus"], order["filled"]) == ("Cancelled", 0.001)
    assert await position_of(ready_client) - before == Decimal("0.001")


async def rest(client: ccxt.bybit, name: str) -> Any:
    """An order of four lots that waits below the touch."""
    price = round((await client.fetch_ticker(PERP))["bid"] * 0.99, 1)
    return await client.create_order(PERP, "limit", "buy", "0.004", price, {"clientOrderId": name})


async def test_a_resting_order_is_filled_in_part_and_once_more_by_its_cancel(
    ready_client: ccxt.bybit, inject: Inject, new_name: Callable[[], str]
) -> None:
    name = new_name()
    inject("PartialFill", count=1, fraction="0.25")
    await rest(ready_client, name)
    (order,) = await ready_client.fetch_open_orders(PERP, params={"orderLinkId": name})
    assert (order["info"]["orderStatus"], order["filled"], order["remaining"]) == (
        "PartiallyFilled",
        0.001,
        0.003,
    )
    inject("PartialFill", path="/v5/order/cancel", count=1, fraction="0.4")
    await ready_client.cancel_order(order["id"], PERP)
    (order,) = await ready_client.fetch_canceled_and_closed_orders(PERP, params={"orderLinkId": name})
    assert (order["status"], order["filled"]) == ("canceled", 0.002)
    trades = await ready_client.fetch_my_trades(PERP, params={"orderLinkId": name})
    assert [trade["amount"] for trade in trades] == [0.001, 0.001]


async def test_an_order_that_is_filled_before_its_cancel_was_too_late_to_cancel(
    ready_client: ccxt.bybit, inject: Inject, new_name: Callable[[], str]
) -> None:
    name = new_name()
    order = await rest(ready_client, name)
    inject("PartialFill", path="/v5/order/cancel", count=1, fraction="1")
    with pytest.raises(ccxt.OrderNotFound, match="110001"):
        await ready_client.cancel_order(order["id"], PERP)
    (found,) = await ready_client.fetch_canceled_and_closed_orders(PERP, params={"orderLinkId": name})
    assert (found["status"], found["filled"]) == ("closed", 0.004)


@pytest.mark.parametrize("skew_ms", [-3_600_000, -6_000, 6_000, 3_600_000])
async def test_a_clock_that_is_off_shows_in_its_time_and_refuses_what_it_finds_too_old_or_too_new(
    ready_client: ccxt.bybit, inject: Inject, new_name: Callable[[], str], skew_ms: int
) -> None:
    inject("ClockSkew", path="/v5", ms=skew_ms)
    ahead_ms = await ready_client.fetch_time() - ready_client.milliseconds()
    assert abs(ahead_ms - skew_ms) < 5_000
    with pytest.raises(ccxt.InvalidNonce, match="10002"):
        await take(ready_client, new_name())


async def test_what_was_injected_is_in_the_journal(
    ready_client: ccxt.bybit, inject: Inject, new_name: Callable[[], str], exchange: ExchangeProcess
) -> None:
    name = new_name()
    inject("DropRequest", count=1, account="hedge-01")
    with pytest.raises(ccxt.NetworkError):
        await take(ready_client, name)
    lines = (exchange.data / JOURNAL_NAME).read_text().splitlines()
    (found,) = [
        line for line in map(json.loads, lines) if line.get("injected", {}).get("orderLinkId") == name
    ]
    assert found["orders"] == found["executions"] == []
    assert (found["injected"]["path"], found["injected"]["account"]) == (CREATE, "hedge-01")
    assert [rule["kind"] for rule in found["injected"]["faults"]] == ["DropRequest"]


async def test_a_key_that_may_brings_its_fault_with_the_request(
    connect: Connect, exchange: ExchangeProcess, new_name: Callable[[], str]
) -> None:
    """Account hedge-02 may (see `exchange`), hedge-01 may not."""
    fault = {"X-Hedgerow-Faults": '[{"kind": "DropReply"}]'}
    allowed, watcher = connect(exchange, "hedge-02"), connect(exchange, "hedge-02")
    name = new_name()
    await rest(allowed, new_name())
    allowed.headers = fault
    with pytest.raises(ccxt.NetworkError):
        await allowed.create_order(PERP, "limit", "buy", 0.001, 50_000, {"clientOrderId": name})
    assert name in [order["clientOrderId"] for order in await watcher.fetch_open_orders(PERP)]
    refused = connect(exchange)
    await refused.load_markets()
    refused.headers = fault
    with pytest.raises(ccxt.PermissionDenied, match="mayInjectFaults"):
        await refused.fetch_positions([PERP])


async def test_a_delayed_reply_executes_before_it_waits(
    connect: Connect, exchange: ExchangeProcess, inject: Inject, new_name: Callable[[], str]
) -> None:
    name = new_name()
    sender, watcher = connect(exchange), connect(exchange)
    for client in (sender, watcher):
        await client.load_markets()
        await client.is_unified_enabled()
    inject("DelayReply", ms=60_000, count=1)
    sending = asyncio.create_task(take(sender, name))
    await until(lambda: is_shown(watcher, name))
    assert not sending.done()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending


async def test_an_order_delayed_beyond_its_receive_window_is_refused(
    ready_client: ccxt.bybit, inject: Inject, new_name: Callable[[], str]
) -> None:
    client = ready_client
    name = new_name()
    client.options["recvWindow"] = 50
    inject("DelayBefore", ms=200, count=1)
    with pytest.raises(ccxt.InvalidNonce, match="10002"):
        await take(client, name)
    client.options["recvWindow"] = 5_000
    assert await order_count(client, name) == 0


async def test_a_hidden_order_is_executed_but_shown_late(
    ready_client: ccxt.bybit, inject: Inject, new_name: Callable[[], str]
) -> None:
    name = new_name()
    before = await position_of(ready_client)
    inject("HideOrder", ms=600_000, count=1)
    await take(ready_client, name)
    by_name = {"orderLinkId": name}
    assert await order_count(ready_client, name) == 0
    assert await ready_client.fetch_open_orders(PERP, params=by_name) == []
    assert await ready_client.fetch_my_trades(PERP, params=by_name) == []
    assert await position_of(ready_client) != before

    soon = new_name()
    inject("HideOrder", ms=1, count=1)
    await take(ready_client, soon)
    await until(lambda: is_shown(ready_client, soon))


async def test_faults_leave_other_paths_alone(ready_client: ccxt.bybit, inject: Inject) -> None:
    inject("ServerError", path="/v5/order")
    await ready_client.fetch_ticker(PERP)
    await position_of(ready_client)


@pytest.mark.parametrize(
    "rules",
    [
        {"kind": "DropReply", "path": CREATE},
        [{"kind": "Explode", "path": CREATE}],
        [{"path": CREATE}],
        [{"kind": "DropReply", "path": CREATE, "ms": -1}],
        [{"kind": "DropReply", "path": CREATE, "status": 503}],
        [{"kind": "PartialFill", "path": CREATE, "fraction": "0"}],
        [{"kind": "DropReply", "path": CREATE, "chance": 1}],
        [{"kind": "ServerError", "path": CREATE, "status": 200}],
        [{"kind": "DropReply", "path": CREATE, "probability": 0}],
    ],
)
def test_a_rule_that_cannot_be_read_is_refused_whole(exchange: ExchangeProcess, rules: Any) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        call_admin(exchange, "POST", rules)
    assert refused.value.code == 400
    assert call_admin(exchange, "GET") == []
