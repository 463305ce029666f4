"""Router and risk in one worker on a real Kafka: a quote and a book become a risk state, a deletion ends it."""

import time
from decimal import Decimal
from typing import Any

import msgspec

from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import Acknowledgement, ClientBook, RiskInput, StrategyInput
from hedgerow.schemas.risk_state import RiskState
from hedgerow.schemas.topics import (
    BOOKS,
    MARKET_ENRICHED,
    RISK_INPUTS,
    RISK_STATE,
    STRATEGIES,
    STRATEGY_STATUS,
)
from hedgerow.streams import trace


async def states_of(cluster: Any, key: str) -> list[tuple[dict[str, bytes], RiskState]]:
    return [
        (dict(message.headers), msgspec.json.decode(message.value, type=RiskState))
        for message in await cluster.read_all(RISK_STATE.name)
        if message.key.decode() == key
    ]


async def until(look: Any, what: str) -> Any:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = await look()
        if found:
            return found
    raise AssertionError(f"{what}: not within 60 s")


async def test_a_published_strategy_gets_its_inputs_until_it_is_taken_away(
    cluster: Any, start_worker: Any, make_feed: Any, make_published: Any, make_quote: Any
) -> None:
    key = make_feed(1).keys[0]
    name = key.partition("/")[2]
    start_worker("router,risk").wait_ready()
    cluster.send(STRATEGIES.name, key, encode(make_published(name, generation=3)))
    sequence = time.time_ns()

    async def send_and_look() -> Any:
        nonlocal sequence
        sequence += 1
        now_ns = time.time_ns()
        for symbol in ("BTC/USDT", "BTC/USDT:USDT"):
            headers = trace.start(f"quote:{symbol}:{sequence}", now_ns)
            cluster.send(
                MARKET_ENRICHED.name, "BTC", encode(make_quote(symbol, sequence, now_ns, 60_000.0)), headers
            )
        book = ClientBook(
            name=f"{name}-book",
            sequence=sequence,
            as_of_ns=now_ns,
            published_ns=now_ns,
            positions={"BTC/USDT": Decimal("2.5")},
        )
        cluster.send(BOOKS.name, book.name, encode(book))
        cluster.flush()
        return [item for item in await states_of(cluster, key) if item[1].ready and _is_quote(item[0])]

    headers, state = (await until(send_and_look, "a ready state"))[0]
    assert (state.generation, state.exposures[0].delta) == (3, Decimal("2.5"))
    assert state.exposures[0].notional == Decimal("150000")
    stages = trace.read_stages(headers)
    assert list(stages) == ["received", "router", "risk"]
    assert stages["received"] <= stages["router"] <= stages["risk"]
    assert trace.read_cause(headers) == state.cause

    async def acknowledged() -> bool:
        found = {
            message.key.decode(): msgspec.json.decode(message.value, type=Acknowledgement).generation
            for message in await cluster.read(STRATEGY_STATUS.name)
        }
        return found.get(f"{key}/router") == 3 and found.get(f"{key}/risk") == 3

    await until(acknowledged, "both acknowledged")

    cluster.send(STRATEGIES.name, key, None)
    cluster.flush()

    async def taken_away() -> bool:
        inputs = [
            msgspec.json.decode(message.value, type=RiskInput)
            for message in await cluster.read_all(RISK_INPUTS.name)
            if message.key.decode() == key
        ]
        return isinstance(inputs[-1], StrategyInput) and inputs[-1].published is None

    await until(taken_away, "the farewell")


def _is_quote(headers: dict[str, bytes]) -> bool:
    return trace.read_cause(headers).startswith("quote:")
