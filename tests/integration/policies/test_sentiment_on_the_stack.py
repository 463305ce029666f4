"""The example of a sentiment curve, applied and run: real Kafka, ledger, Redis Cluster, exchange and workers."""

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from faults.rig import Rig
from redis.asyncio.cluster import RedisCluster

from hedgerow.adapters.sentiment_scores import key_of
from hedgerow.cli.declared import compile_declared, read_declared
from hedgerow.cli.newest_states import newest_risk_state
from hedgerow.ledger.strategies import publish_strategy
from hedgerow.schemas.records import RiskState
from hedgerow.strategy.compiled import CompiledStrategy

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "k8s" / "examples" / "policies" / "sentiment-curve.yaml"
PATIENCE_S = 60.0
GROUPS = {
    "exchange": ("exchange",),
    "pipeline": ("ingestion", "enrichment", "router", "risk", "hedging", "executor", "gateway", "books"),
}


class Source:
    """Writes a value again and again, with the time of each writing, until it is told to fall silent."""

    def __init__(self, redis: Any) -> None:
        self._redis = redis
        self._score: float | None = None

    async def run(self) -> None:
        while True:
            if self._score is not None:
                await self._redis.set(key_of("BTC"), self._value(self._score))
            await asyncio.sleep(0.1)

    def say(self, score: float | None) -> None:
        self._score = score

    @staticmethod
    def _value(score: float) -> str:
        return json.dumps({"score": score, "ts_ms": time.time_ns() // 1_000_000})


@pytest.fixture
async def source(redis_cluster: str) -> AsyncIterator[Source]:
    host, _, port = redis_cluster.split(",")[0].rpartition(":")
    redis: Any = RedisCluster(host=host, port=int(port))
    await redis.delete(key_of("BTC"))
    found = Source(redis)
    writing = asyncio.create_task(found.run())
    yield found
    writing.cancel()
    with suppress(asyncio.CancelledError):
        await writing
    await redis.delete(key_of("BTC"))
    await redis.aclose()


@pytest.fixture
async def rig(own_kafka: str, ledger_dsn: str, redis_cluster: str, tmp_path: Path) -> AsyncIterator[Rig]:
    """The example's strategy on its own Venue; nobody trades but the test's book."""
    compiled = compile_declared(read_declared(EXAMPLE).declared, {}, [])
    assert compiled.problems == ()
    made = Rig(
        own_kafka,
        ledger_dsn,
        tmp_path / "rig",
        ROOT / "recordings",
        GROUPS,
        compiled.strategies,
        compiled.declared_venues,
        redis=redis_cluster,
    )
    try:
        await made.start()
        yield made
    finally:
        await made.close()


async def test_the_hedge_follows_the_score_and_stands_still_without_one(rig: Rig, source: Source) -> None:
    (strategy,) = rig.strategies
    await rig.until(lambda: asyncio.to_thread(sell, rig, "0.4"), "a client sells to the desk", PATIENCE_S)
    await rig.until(lambda: problem_is(rig, "score:BTC", "Missing"), "it waits for a score", PATIENCE_S)
    assert await rig.ledger.fetchval("select count(*) from intents") == 0

    source.say(0.7)
    await rig.until(lambda: hedge_is(rig, "0.3", zone="0.009"), "75 % of the book is hedged", PATIENCE_S)
    source.say(0.3)
    await rig.until(lambda: hedge_is(rig, "0.1"), "a lower score takes it back to 25 %", PATIENCE_S)

    source.say(float("nan"))
    await rig.until(lambda: problem_is(rig, "score:BTC", "Stale"), "NaN is no score", PATIENCE_S)
    assert await hedge_is(rig, "0.1")
    assert metric(rig, 'hedgerow_scores_refused_total{asset="BTC",field="score",rule="OutOfRange"}') >= 1

    source.say(1.0)
    await rig.until(
        lambda: hedge_is(rig, "0.36", zone="0.009"), "a score of 1 asks for the maximum", PATIENCE_S
    )
    await change(rig, lower_maximum(strategy))
    await rig.until(lambda: hedge_is(rig, "0.2"), "a new generation's curve holds at once", PATIENCE_S)

    source.say(None)
    await rig.until(lambda: problem_is(rig, "score:BTC", "Stale"), "a silent source grows old", PATIENCE_S)
    assert await hedge_is(rig, "0.2")
    # The book grows, and nothing is decided on a score that is too old.
    intents = await rig.ledger.fetchval("select count(*) from intents")
    assert await asyncio.to_thread(sell, rig, "0.4")
    await rig.until(lambda: exposure_is(rig, "0.8"), "risk knows the book", PATIENCE_S)
    assert await rig.ledger.fetchval("select count(*) from intents") == intents


def sell(rig: Rig, quantity: str) -> bool:
    """A client sells that much BTC to the desk, so the desk is long; not while there is no quote yet."""
    order = {
        "asset_class": "CRYPTO",
        "symbol": "BTC/USDT",
        "side": "SELL",
        "quantity": quantity,
        "order_type": "MARKET",
        "client_id": "treasury",
    }
    key = (rig.folder / "gateway-keys" / "trader" / "key").read_text().strip()
    request = urllib.request.Request(
        f"{rig.gateway_url}/orders",
        method="POST",
        data=json.dumps(order).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bool(answer.status == 201)
    except urllib.error.HTTPError as refused:
        if refused.code != 409:
            raise
        return False


async def hedge_is(rig: Rig, fraction: str, zone: str = "0") -> bool:
    """Whether that much is sold; up to `zone` less where the no-trade zone lets a little be missing."""
    held = await rig.ledger.fetchval("select coalesce(sum(quantity), 0) from positions")
    missing = Decimal(fraction) + held
    return 0 <= missing <= Decimal(zone)


async def risk_of(rig: Rig) -> RiskState | None:
    return await asyncio.to_thread(newest_risk_state, rig.kafka, rig.strategies[0].key)


async def problem_is(rig: Rig, name: str, code: str) -> bool:
    risk = await risk_of(rig)
    return risk is not None and [(item.input, item.code) for item in risk.problems] == [(name, code)]


async def exposure_is(rig: Rig, delta: str) -> bool:
    risk = await risk_of(rig)
    return risk is not None and [item.delta for item in risk.exposures] == [Decimal(delta)]


def metric(rig: Rig, sample: str) -> float:
    with urllib.request.urlopen(rig.metrics_url("pipeline"), timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line for line in lines if line.startswith(sample)).rpartition(" ")[2])


def lower_maximum(strategy: CompiledStrategy) -> CompiledStrategy:
    """The same with at most half of the book hedged, and without a zone."""
    curves = tuple(
        msgspec.structs.replace(curve, max_hedge_fraction=Decimal("0.5"), no_trade_notional=Decimal(0))
        for curve in strategy.sentiment_curves
    )
    return msgspec.structs.replace(strategy, sentiment_curves=curves)


async def change(rig: Rig, strategy: CompiledStrategy) -> None:
    connection = await rig.ledger.connection()
    rig.publish([await publish_strategy(connection, strategy, "lower-maximum", time.time_ns())])
