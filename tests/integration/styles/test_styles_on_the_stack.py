"""Each example of an execution style, applied and hedging on the real stack: exchange, ledger, hedging and executor.

One strategy changes its style while it runs, as `hedgerow apply` of another example does.
"""

import asyncio
import json
import secrets
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import asyncpg
import msgspec
import pytest
from faults.processes import Worker
from styles_desk import ROOT, Desk

from hedgerow.adapters.ccxt_venue import CcxtVenue
from hedgerow.domain.orders import TimeInForce, signed
from hedgerow.execution.intents import Intent
from hedgerow.execution.order_life import TERMINAL, IntentState
from hedgerow.ledger.audit import replay_decisions
from hedgerow.ledger.chain import verify_chain
from hedgerow.schemas.records import StrategyPublished
from hedgerow_local import ports

ACCOUNT = "hedge-01"
BTC = "BTC/USDT:USDT"
# Of what is left of the passive order, so much fills while its cancel is under way.
FILL_DURING_CANCEL = {"path": "/v5/order/cancel", "kind": "PartialFill", "fraction": "0.25", "count": 1}


class Exchange(msgspec.Struct, frozen=True):
    url: str
    api_key: str
    secret: str


@pytest.fixture(scope="module")
def exchange(
    own_kafka: str, module_ledger_dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Exchange]:
    """An exchange whose replay almost stands still, and a worker with hedging and executor."""
    folder = tmp_path_factory.mktemp("styles")
    keys = folder / "keys" / ACCOUNT
    keys.mkdir(parents=True)
    exchange = Exchange(f"http://127.0.0.1:{ports.free_port()}", secrets.token_hex(9), secrets.token_hex(18))
    (keys / "apiKey").write_text(exchange.api_key)
    (keys / "secret").write_text(exchange.secret)
    shared = {
        "HEDGEROW_KAFKA": own_kafka,
        "HEDGEROW_LEDGER_DSN": module_ledger_dsn,
        "HEDGEROW_EXCHANGE_URL": exchange.url,
        "HEDGEROW_EXCHANGE_FAULTS": "On",
        "HEDGEROW_KEYS_DIR": str(folder / "keys"),
        "HEDGEROW_RECORDINGS": str(ROOT / "recordings"),
        "HEDGEROW_SESSION_START_NS": str(time.time_ns()),
        "HEDGEROW_REPLAY_SPEED": "1e-6",
    }
    with ExitStack() as ends:
        for name, roles in (("exchange", ("exchange",)), ("worker", ("hedging", "executor"))):
            own = {"HEDGEROW_DATA_DIR": str(folder / name), "HEDGEROW_HTTP_PORT": str(ports.free_port())}
            worker = Worker(name, roles, shared | own, folder)
            worker.start()
            ends.callback(worker.stop)
        yield exchange


@pytest.fixture(scope="module")
async def desk(exchange: Exchange, own_kafka: str, module_ledger_dsn: str) -> AsyncIterator[Desk]:
    venue = CcxtVenue("bybit", exchange.url, exchange.api_key, exchange.secret)
    async with asyncpg.create_pool(module_ledger_dsn, min_size=1, max_size=3) as pool:
        desk = Desk(own_kafka, pool, venue)
        await desk.until(lambda: _started(venue), "the exchange answers")
        await desk.open_venue()
        telling = asyncio.create_task(desk.keep_telling())
        yield desk
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        await venue.close()


async def _started(venue: CcxtVenue) -> bool:
    try:
        await venue.start()
    except ConnectionError:
        return False
    return True


async def _outside(desk: Desk, excess: str, hedge: Decimal = Decimal(0)) -> Decimal:
    """The delta that is so many BTC above the examples' upper edge of 25,000 USD, whatever hedge there is."""
    mark = await desk.mark(BTC)
    return Decimal(25_000) / mark.mid + Decimal(excess) - hedge


def _filled(intents: list[Intent]) -> Decimal:
    return sum((signed(item.side, item.filled_quantity) for item in intents), Decimal(0))


def _faults(url: str, rules: list[dict[str, Any]]) -> None:
    request = urllib.request.Request(
        f"{url}/faults",
        method="POST",
        data=json.dumps(rules).encode(),
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=10).close()


async def _until_hedged(desk: Desk, published: StrategyPublished, target: Decimal) -> list[Intent]:
    """Wait until the hedge is this many contracts and nothing is open."""

    async def hedged() -> bool:
        intents = await desk.intents(published)
        return _filled(intents) == target and all(item.state in TERMINAL for item in intents)

    try:
        await desk.until(hedged, f"{target} contracts are held and nothing is open")
    except AssertionError as error:
        found = [
            f"{item.id} {item.state} {item.side} {item.filled_quantity}/{item.quantity} {item.reason}"
            for item in await desk.intents(published)
        ]
        raise AssertionError(f"{error}; intents: {found}") from None
    return await desk.intents(published)


async def test_a_passive_order_that_does_not_fill_is_cancelled_and_the_rest_crosses(
    desk: Desk, exchange: Exchange
) -> None:
    """A quarter of it fills while the cancel is under way: just the rest is sent again."""
    await asyncio.to_thread(_faults, exchange.url, [FILL_DURING_CANCEL])
    published = await desk.publish("styles/btc-escalation.yaml")
    desk.tell(published, await _outside(desk, "0.1996"))
    intents = await _until_hedged(desk, published, Decimal("-0.2"))
    passive, *crossing = intents
    assert (passive.time_in_force, passive.quantity) == (TimeInForce.POST_ONLY, Decimal("0.200"))
    assert (passive.state, passive.filled_quantity) == (IntentState.CANCELLED, Decimal("0.050"))
    assert passive.cancel_requested_ns is not None
    assert passive.cancel_requested_ns - passive.decided_ns >= 5_000_000_000
    assert {item.time_in_force for item in crossing} == {TimeInForce.IOC}
    assert crossing[0].quantity == Decimal("0.150")
    assert all(later.decided_ns > passive.cancel_requested_ns for later in crossing)
    await _agrees_with_the_venue(desk, published)


async def test_the_same_strategy_goes_on_over_time(desk: Desk) -> None:
    published = await desk.publish("styles/btc-twap.yaml")
    before = await desk.intents(published)
    desk.tell(published, await _outside(desk, "0.0996", _filled(before)))

    async def three_slices() -> bool:
        return len(await desk.intents(published)) >= len(before) + 3

    await desk.until(three_slices, "three slices were sent")
    slices = (await desk.intents(published))[len(before) : len(before) + 3]
    assert [item.quantity for item in slices] == [Decimal("0.010")] * 3
    began_ns = slices[0].decided_ns
    for number, item in enumerate(slices):
        assert item.decided_ns - began_ns >= number * 3_000_000_000
    assert {item.time_in_force for item in slices} == {TimeInForce.IOC}


async def test_and_in_clips_it_ends_at_the_edge(desk: Desk) -> None:
    published = await desk.publish("btc-band.yaml")
    await _until_hedged(desk, published, Decimal("-0.3"))
    await _agrees_with_the_venue(desk, published)


async def test_in_shadow_a_passive_order_waits_and_is_taken_back_without_the_venue(desk: Desk) -> None:
    def ether(data: dict[str, Any]) -> None:
        data["metadata"]["name"] = "eth-shadow"
        data["spec"]["mode"] = "Shadow"
        data["spec"]["hedgeWith"][0]["instrument"] = "ETH/USDT:USDT"
        data["spec"]["policy"]["band"][0]["underlying"] = "ETH"
        data["spec"]["execution"]["escalation"]["passiveFor"] = "3s"

    published = await desk.publish("styles/btc-escalation.yaml", ether)
    mark = await desk.mark("ETH/USDT:USDT")
    desk.tell(published, Decimal(25_000) / mark.mid + Decimal("0.995"))
    # Until the executor has polled this instrument's touch for the first time, its controls refuse.
    intents = [
        item
        for item in await _until_hedged(desk, published, Decimal("-1"))
        if item.state is not IntentState.REFUSED
    ]
    assert [(item.time_in_force, item.state, item.filled_quantity) for item in intents] == [
        (TimeInForce.POST_ONLY, IntentState.CANCELLED, Decimal(0)),
        (TimeInForce.IOC, IntentState.FILLED, Decimal(1)),
    ]
    assert await desk.venue.find_order(intents[0]) is None


async def _agrees_with_the_venue(desk: Desk, published: StrategyPublished) -> None:
    """The venue holds what the ledger says, the chain verifies, and every decision comes out again as it was."""
    hedge = _filled(await desk.intents(published))
    held = {item.instrument: item.quantity for item in await desk.venue.positions([BTC])}
    assert held == {BTC: hedge}
    async with desk.ledger.acquire() as connection:
        chain = await verify_chain(connection, published.uid)
        replayed = await replay_decisions(connection, published.uid)
    assert chain.breaks == []
    assert replayed.decisions > 0
    assert replayed.differences == ()
