"""What recording costs: a batch beside the same rows by COPY alone, and the way from Kafka to the commit.

`HEDGEROW_BENCH=1 pytest -s tests/bench/test_recorder_cost.py`. Nothing is gated: the ratios are for reading.
"""

import os
import statistics
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from confluent_kafka import Producer
from worker_process import WorkerProcess

from hedgerow.history.offsets import settle_places
from hedgerow.history.rows import quote_rows
from hedgerow.history.tables import ENRICHED
from hedgerow.history.writing import Batch, Message, write_batch
from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import Quote
from hedgerow.schemas.topics import MARKET_ENRICHED

pytestmark = pytest.mark.skipif(os.environ.get("HEDGEROW_BENCH") != "1", reason="only with HEDGEROW_BENCH=1")

ROWS = 10_000
ROUNDS = 40
MESSAGES = 200_000
AT = (MARKET_ENRICHED.name, 0)
AIM = 0.9


def quote(number: int) -> Quote:
    mid = 60_000 + number / 7
    return Quote(
        instrument=f"S{number % 20}/USD",
        underlying="BTC",
        sequence=number,
        time_ns=time.time_ns(),
        source_time_ns=number,
        bid=mid - 0.5,
        ask=mid + 0.5,
        bid_size=1.25,
        ask_size=2.5,
        mid=mid,
        spread_bps=1e4 / mid,
        imbalance=-1 / 3,
        depth_bps=20.0,
        bid_depth_usd=1e6,
        ask_depth_usd=2e6,
        reach_bps=25.0,
        valid=True,
    )


def batch(first: int) -> Batch:
    messages = tuple(
        Message(
            partition=AT,
            offset=number,
            key=b"BTC",
            value=b"",
            headers=(),
            timestamp_ms=0,
            rows=quote_rows(quote(number)),
        )
        for number in range(first, first + ROWS)
    )
    return Batch(messages=messages, was={AT: first}, to={AT: first + ROWS})


async def bury(refused: object) -> None:
    raise AssertionError(refused)


@pytest.fixture
async def connection(history_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(history_dsn)
    # As the recorder's own sessions; for both, so that the commit's wait for the disk flatters neither.
    await connection.execute("set synchronous_commit = off")
    yield connection
    await connection.close()


@pytest.mark.parametrize("history_dsn", ["timescale"], indirect=True)
async def test_a_batch_beside_copy_alone(connection: asyncpg.Connection) -> None:
    await settle_places(connection, {AT: 0}, {AT: 0}, 0)
    ours, alone = [], []
    for number in range(-3, ROUNDS):
        made = batch((number + 3) * ROWS)
        rows = [row for message in made.messages for _, row in message.rows]
        begun = time.perf_counter()
        await connection.copy_records_to_table(ENRICHED.name, records=rows, columns=ENRICHED.columns)
        between = time.perf_counter()
        await write_batch(connection, made, bury)
        ended = time.perf_counter()
        if number >= 0:
            alone.append(between - begun)
            ours.append(ended - between)
    ratio = statistics.median(a / b for a, b in zip(alone, ours, strict=True))
    print(f"\nwriting {ROWS} rows into a hypertable, {ROUNDS} rounds in turn    rows/s    x COPY   aim")
    print(
        f"  COPY alone                                       {ROWS / statistics.median(alone):12,.0f}     1.000"
    )
    print(
        f"  a batch: COPY, offset and marks, one commit      {ROWS / statistics.median(ours):12,.0f}"
        f"     {ratio:.3f}   {AIM}"
    )
    stored = await connection.fetchval("select count(*) from enriched")
    assert stored == 2 * (ROUNDS + 3) * ROWS


@pytest.mark.parametrize("history_dsn", ["timescale"], indirect=True)
async def test_from_kafka_to_the_commit(
    kafka: str, ledger_dsn: str, history_dsn: str, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    producer = Producer({"bootstrap.servers": kafka, "partitioner": "murmur2_random", "linger.ms": 20})
    for number in range(MESSAGES):
        made = quote(number)
        while True:
            try:
                producer.produce(MARKET_ENRICHED.name, encode(made), made.instrument.encode())
                break
            except BufferError:
                producer.poll(0.1)
    assert producer.flush(60) == 0
    environment = {
        "HEDGEROW_KAFKA": kafka,
        "HEDGEROW_LEDGER_DSN": ledger_dsn,
        "HEDGEROW_HISTORY_DSN": history_dsn,
        "HEDGEROW_EXCHANGE_URL": "http://127.0.0.1:1",
        "HEDGEROW_KEYS_DIR": str(tmp_path),
        "HEDGEROW_RECORDINGS": str(tmp_path),
        "HEDGEROW_DATA_DIR": str(tmp_path),
    }
    worker = WorkerProcess("recorder", environment, tmp_path / "recorder.log")
    try:
        seen = [(0.0, 0)]
        while seen[-1][1] < MESSAGES:
            assert worker.running, (tmp_path / "recorder.log").read_text()[-2000:]
            count = await connection.fetchval(
                "select coalesce(sum(next_offset), 0)::bigint from offsets where topic = $1",
                MARKET_ENRICHED.name,
            )
            if count > seen[-1][1]:
                seen.append((time.perf_counter(), count))
            await connection.fetchval("select pg_sleep(0.05)")
    finally:
        worker.end()
    (begun, first), (ended, last) = seen[1], seen[-1]
    assert await connection.fetchval("select count(*) from enriched") == MESSAGES
    print(
        f"\nfrom Kafka to the commit, {MESSAGES:,} messages waiting    {(last - first) / (ended - begun):,.0f} rows/s"
    )
