"""The example of a sentiment curve, applied and run: real Kafka, ledger, Redis Cluster, exchange and workers."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from faults.rig import Rig
from policy_stack import PATIENCE_S, change, hedge_is, metric, problem_is, risk_of, running, sell
from redis.asyncio.cluster import RedisCluster

from hedgerow.adapters.sentiment_scores import key_of
from hedgerow.strategy.compiled import CompiledStrategy


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
    async with running(
        "sentiment-curve.yaml", own_kafka, ledger_dsn, redis_cluster, tmp_path / "rig"
    ) as found:
        yield found


async def test_the_hedge_follows_the_score_and_stands_still_without_one(rig: Rig, source: Source) -> None:
    (strategy,) = rig.strategies
    await rig.until(lambda: sell(rig, "0.4"), "a client sells to the desk", PATIENCE_S)
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
    assert await sell(rig, "0.4")
    await rig.until(lambda: exposure_is(rig, "0.8"), "risk knows the book", PATIENCE_S)
    assert await rig.ledger.fetchval("select count(*) from intents") == intents


async def exposure_is(rig: Rig, delta: str) -> bool:
    risk = await risk_of(rig)
    return risk is not None and [item.delta for item in risk.exposures] == [Decimal(delta)]


def lower_maximum(strategy: CompiledStrategy) -> CompiledStrategy:
    """The same with at most half of the book hedged, and without a zone."""
    curves = tuple(
        msgspec.structs.replace(curve, max_hedge_fraction=Decimal("0.5"), no_trade_notional=Decimal(0))
        for curve in strategy.sentiment_curves
    )
    return msgspec.structs.replace(strategy, sentiment_curves=curves)
