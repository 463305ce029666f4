"""`POST /hedge`: hedge-engine's request and answer, with a real score, a real depth and a record of every answer."""

import json
import os
import signal
import time
import uuid
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from math import log1p
from pathlib import Path
from typing import Any

import msgspec
import prometheus_client
import pytest
from gateway_process import Answer, Gateway, Quotes, eventually
from redis.asyncio.cluster import RedisCluster

from hedgerow.ledger.connection import connect
from hedgerow.ledger.hedge_answers import HedgeAnswered
from hedgerow_gateway.hedge_log import HedgeLog
from hedgerow_gateway.ledger_pool import LedgerPool
from hedgerow_local.redis_cluster import RedisClusterServer

BID, ASK = 60_000.0, 60_010.0
KEY = "sentiment:latest:BTC"
WEIGHT = log1p(2e6) / log1p(1e7)


class Readiness:
    def set(self, name: str, ok: bool, detail: str = "", outage: bool = False) -> None:
        """Nobody looks."""


def cluster_at(addresses: str) -> Any:
    host, _, port = addresses.split(",")[0].rpartition(":")
    return RedisCluster(host=host, port=int(port))


@pytest.fixture
async def redis(redis_cluster: str) -> AsyncIterator[Any]:
    found = cluster_at(redis_cluster)
    yield found
    await found.delete(KEY)
    await found.aclose()


async def put(redis: Any, score: float, age_ms: int = 0) -> None:
    await redis.set(KEY, json.dumps({"score": score, "ts_ms": time.time_ns() // 1_000_000 - age_ms}))


async def ask(gateway: Gateway, who: str = "vera", **changes: Any) -> Answer:
    body = {"asset": "BTC", "amount_usd": 100_000, **changes}
    return await gateway.call("POST", "/hedge", who, json_body=body)


async def ready_to_hedge(gateway: Gateway, quotes: Quotes) -> Gateway:
    quotes.repeat("BTC/USDT:USDT", BID, ASK)

    async def sized() -> bool:
        return (await ask(gateway, override_score=0)).status == 200

    await eventually("a hedge is sized", sized)
    return gateway


async def test_a_hedge_is_sized_by_score_and_depth_and_put_on_record(
    start_gateway: Callable[..., Gateway], quotes: Quotes, redis: Any, redis_cluster: str, ledger_dsn: str
) -> None:
    gateway = await ready_to_hedge(await start_gateway(HEDGEROW_REDIS=redis_cluster).ready(), quotes)
    await put(redis, 1.0)
    full = (await ask(gateway)).body
    assert (full["hedge_pct"], full["notional_usd"], full["version"]) == (1.0, 100_000, "default")
    assert full["confidence"] == pytest.approx(WEIGHT)
    assert abs(full["ts_ms"] - time.time() * 1000) < 60_000
    given = (await ask(gateway, override_score="0", amount_usd="0.5")).body
    assert (given["hedge_pct"], given["notional_usd"]) == (0.05, 0.025)

    for value, code, words in (
        (b'{"score": NaN, "ts_ms": 1}', "score-refused", "score is nan; a score is a number from 0 to 1"),
        (b'{"score": -0.5, "ts_ms": 1}', "score-refused", "score is -0.5;"),
        (b"0.5", "score-refused", 'write {"score": number, "ts_ms": milliseconds}'),
        (b'{"score": 0.5, "ts_ms": 1}', "score-stale", "limit 3 s"),
        (None, "score-missing", f"there is no {KEY}"),
    ):
        await (redis.delete(KEY) if value is None else redis.set(KEY, value))
        refused = await ask(gateway)
        assert (refused.status, refused.problem) == (409, code)
        assert words in refused.body["detail"]
        assert await gateway.metric("hedgerow_gateway_refusals_total", code=code) >= 1

    # What was asked while nobody waited is there once the gateway has ended.
    assert gateway.signal(signal.SIGTERM) == 0
    connection = await connect(ledger_dsn, "test")
    try:
        rows = await connection.fetch("select * from hedge_answers order by answered_ns")
        assert [row["notional_usd"] for row in rows[-2:]] == [Decimal(100_000), Decimal("0.025")]
        assert (rows[-2]["score"], rows[-2]["caller"], rows[-1]["score_time_ns"]) == (1.0, "vera", None)
        with pytest.raises(Exception, match="hedge_answers is append-only"):
            await connection.execute("delete from hedge_answers")
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"override_score": 1.01}, "override_score", "is 1.01; a score is a number from 0 to 1"),
        ({"override_score": "-0.1"}, "override_score", "is -0.1; a score is a number from 0 to 1"),
        ({"override_score": "NaN"}, "override_score", "should be a number"),
        ({"amount_usd": 0}, "amount_usd", "should be positive"),
        ({"amount_usd": "1000000000001"}, "amount_usd", "should be between"),
        ({"asset": "LTC"}, "asset", "is LTC, which is not listed; there are: BTC, ETH, NVDA, SPX"),
        ({"amount": 5}, "amount", "Extra inputs are not permitted"),
    ],
)
async def test_a_bad_request_is_refused_by_field_value_and_rule(
    shared_gateway: Gateway, changes: dict[str, Any], field: str, words: str
) -> None:
    refused = await ask(shared_gateway, **{"override_score": 0.5, **changes})
    assert (refused.status, refused.problem, refused.fields) == (422, "invalid", [field])
    assert words in refused.body["errors"][0]["reason"]


async def test_without_scores_or_a_quote_it_says_what_is_missing(shared_gateway: Gateway) -> None:
    no_scores = await ask(shared_gateway)
    assert (no_scores.status, no_scores.problem) == (503, "scores-away")
    no_quote = await ask(shared_gateway, override_score=0.5)
    assert (no_quote.status, no_quote.problem) == (409, "quote-missing")


async def test_after_three_failures_the_cluster_is_left_in_peace(
    start_gateway: Callable[..., Gateway], quotes: Quotes, own_redis_cluster: RedisClusterServer
) -> None:
    gateway = await ready_to_hedge(
        await start_gateway(HEDGEROW_REDIS=own_redis_cluster.addresses).ready(), quotes
    )
    own_redis_cluster.stop()
    answers = [await ask(gateway) for _ in range(5)]
    assert {(answer.status, answer.problem) for answer in answers} == {(503, "scores-away")}
    assert await gateway.metric("hedgerow_score_circuit_open") == 1
    assert "not asked again for" in answers[-1].body["detail"]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 30
    assert (await ask(gateway, override_score=0.5)).status == 200


def answered(number: int) -> HedgeAnswered:
    return HedgeAnswered(
        id=uuid.uuid4(),
        answered_ns=number,
        caller="vera",
        asset="BTC",
        amount_usd=Decimal("1.000000000001"),
        score=0.5,
        score_time_ns=None,
        depth_usd=2e6,
        weight=WEIGHT,
        hedge_fraction=0.5,
        notional_usd=Decimal("0.5"),
        version="default",
    )


async def test_what_the_queue_cannot_hold_goes_to_disk_and_from_there_to_the_ledger_once(
    ledger_dsn: str, free_port: Callable[[], int], tmp_path: Path
) -> None:
    """While the ledger is away; then the process ends, and the next one finds the file."""
    given = [answered(number) for number in range(12)]
    away = LedgerPool(f"postgresql://nobody@127.0.0.1:{free_port()}/none", Readiness())
    metrics = prometheus_client.CollectorRegistry()
    log = HedgeLog(away, tmp_path, metrics, capacity=5)
    for item in given:
        log.record(item)
    assert metrics.get_sample_value("hedgerow_hedge_answers_total", {"outcome": "Spilled"}) == 7
    await log.drain()
    assert metrics.get_sample_value("hedgerow_hedge_answers_total", {"outcome": "Spilled"}) == 12

    with (tmp_path / "hedge-answers.jsonl").open("ab") as file:
        file.write(msgspec.json.encode(given[0]) + b"\n" + b'{"id": "cut sh')
    for _ in range(2):
        metrics = prometheus_client.CollectorRegistry()
        ledger = LedgerPool(ledger_dsn, Readiness())
        await HedgeLog(ledger, tmp_path, metrics).drain()
        await ledger.close()
    connection = await connect(ledger_dsn, "test")
    try:
        rows = await connection.fetch("select id, amount_usd from hedge_answers order by answered_ns")
    finally:
        await connection.close()
    assert [row["id"] for row in rows] == [item.id for item in given]
    assert rows[0]["amount_usd"] == Decimal("1.000000000001")
    assert os.listdir(tmp_path) == []


async def test_an_answer_that_nothing_can_hold_is_dropped_aloud(
    free_port: Callable[[], int], tmp_path: Path
) -> None:
    away = LedgerPool(f"postgresql://nobody@127.0.0.1:{free_port()}/none", Readiness())
    metrics = prometheus_client.CollectorRegistry()
    log = HedgeLog(away, tmp_path / "no such folder", metrics, capacity=0)
    log.record(answered(1))
    assert metrics.get_sample_value("hedgerow_hedge_answers_total", {"outcome": "Dropped"}) == 1
