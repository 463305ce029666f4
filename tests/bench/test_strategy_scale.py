"""How the pipeline's cost grows with the number of strategies that read the same mark.

`HEDGEROW_BENCH=1 pytest -s tests/bench/test_strategy_scale.py`. One worker with router, risk, hedging and books, the
ledger on; the strategies are Shadow and inside their bands, so that they are decided again and again, and hold. The
anchor is one strategy.
"""

import asyncio
import os
import time
from decimal import Decimal
from pathlib import Path
from statistics import median

import msgspec
import psutil
import pytest
from bench_ticks import ticking
from confluent_kafka import Consumer, Producer
from faults.processes import Worker
from faults.rig import STRATEGY
from hops import make_quote

from hedgerow.ledger.connection import connect
from hedgerow.ledger.strategies import publish_strategy
from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import Quote
from hedgerow.schemas.topics import MARKET_ENRICHED, RISK_STATE, STRATEGIES
from hedgerow.strategy.compiled import Band, BandUnit, CompiledStrategy, Mode
from hedgerow.streams import trace
from hedgerow_local import ports

pytestmark = pytest.mark.skipif(os.environ.get("HEDGEROW_BENCH") != "1", reason="only with HEDGEROW_BENCH=1")

# Strategies, and ticks per second: fewer where each causes more.
SCALES = {1: 20, 10: 20, 100: 10, 1_000: 1}
SLICE_S = 10.0
PATIENCE_S = 180.0


async def test_more_strategies(own_kafka: str, ledger_dsn: str, tmp_path: Path) -> None:
    port = ports.free_port()
    settings = {
        "HEDGEROW_KAFKA": own_kafka,
        "HEDGEROW_LEDGER_DSN": ledger_dsn,
        "HEDGEROW_EXCHANGE_URL": "http://127.0.0.1:1",
        "HEDGEROW_KEYS_DIR": str(tmp_path),
        "HEDGEROW_RECORDINGS": str(tmp_path),
        "HEDGEROW_DATA_DIR": str(tmp_path),
        "HEDGEROW_HTTP_PORT": str(port),
    }
    worker = Worker("pipeline", ("router", "risk", "hedging", "books"), settings, tmp_path)
    reader = Consumer({"bootstrap.servers": own_kafka, "group.id": "scale", "auto.offset.reset": "latest"})
    reader.subscribe([RISK_STATE.name])
    worker.start()
    known, rows = 0, []
    try:
        for strategies, rate in SCALES.items():
            await publish(own_kafka, ledger_dsn, known, strategies)
            known = strategies
            with ticking(own_kafka, MARKET_ENRICHED.name, rate, quote):
                await asyncio.to_thread(wait_for_all, reader, strategies, worker)
                rows.append(await asyncio.to_thread(measure, reader, strategies, rate, worker))
    finally:
        reader.close()
        worker.stop()
    print(
        f"\n{'strategies':>11}{'ticks/s':>9}{'CPU ms/tick':>15}{'/strategy':>12}{'x one':>8}{'p50 ms':>8}{'MiB':>7}"
    )
    for row in rows:
        print(
            f"{row.strategies:>11,}{row.ticks:>9}{row.cpu_ms:>15.1f}{row.cpu_ms / row.strategies:>12.3f}"
            f"{row.cpu_ms / row.strategies / rows[0].cpu_ms:>8.3f}{row.p50_ms:>8.1f}{row.mib:>7.0f}"
        )


class Row(msgspec.Struct):
    """CPU of the worker per tick; from the tick to the risk state that it caused; its memory."""

    strategies: int
    ticks: int
    cpu_ms: float
    p50_ms: float
    mib: float


def quote(number: int, now_ns: int) -> tuple[str, Quote]:
    """Each moves by 2 bps, so that every strategy is told at once."""
    mid = 60_000.0 + (12.0 if number % 2 else 0.0)
    moved = msgspec.structs.replace(make_quote(number), bid=mid - 0.05, ask=mid + 0.05, mid=mid)
    return "BTC", moved


async def publish(servers: str, dsn: str, known: int, strategies: int) -> None:
    producer = Producer({"bootstrap.servers": servers, "partitioner": "murmur2_random"})
    connection = await connect(dsn, "bench")
    await connection.execute(
        "insert into books (name, sequence, as_of_ns) values ('clients', 1, 0) on conflict do nothing"
    )
    for number in range(known, strategies):
        config = numbered(number)
        published = await publish_strategy(connection, config, "r1", time.time_ns())
        producer.produce(STRATEGIES.name, encode(published), config.key.encode())
    await connection.close()
    assert producer.flush(30) == 0


def numbered(number: int) -> CompiledStrategy:
    """A leg belongs to one strategy, so each has an account of its own."""
    leg = msgspec.structs.replace(STRATEGY.hedge_with[0], account=f"account-{number}")
    wide = Band(underlying="BTC", lower=Decimal(-15_000), upper=Decimal(15_000), unit=BandUnit.NOTIONAL)
    return msgspec.structs.replace(
        STRATEGY, name=f"band-{number}", mode=Mode.SHADOW, hedge_with=(leg,), bands=(wide,)
    )


def wait_for_all(reader: Consumer, strategies: int, worker: Worker) -> None:
    """Until each strategy has spoken twice."""
    heard: dict[bytes, int] = {}
    deadline = time.monotonic() + PATIENCE_S
    while len(heard) < strategies or min(heard.values()) < 2:
        assert worker.is_alive(), worker.tail()
        assert time.monotonic() < deadline, f"{len(heard)} of {strategies} strategies speak: {worker.tail()}"
        for message in reader.consume(1_000, timeout=0.2):
            if message.error() is None:
                heard[message.key()] = heard.get(message.key(), 0) + 1


def measure(reader: Consumer, strategies: int, rate: int, worker: Worker) -> Row:
    process = psutil.Process(worker.pid)
    times_ms: list[float] = []
    begun, before = time.monotonic(), process.cpu_times()
    while time.monotonic() < begun + SLICE_S:
        for message in reader.consume(1_000, timeout=0.05):
            headers = dict(message.headers() or ()) if message.error() is None else {}
            if trace.read_cause(headers).startswith("quote:"):
                times_ms.append((time.time_ns() - trace.read_stages(headers)[trace.RECEIVED]) / 1e6)
    passed_s, after = time.monotonic() - begun, process.cpu_times()
    cpu_s = after.user + after.system - before.user - before.system
    return Row(
        strategies=strategies,
        ticks=rate,
        cpu_ms=cpu_s * 1e3 / (passed_s * rate),
        p50_ms=median(times_ms),
        mib=process.memory_info().rss / 2**20,
    )
