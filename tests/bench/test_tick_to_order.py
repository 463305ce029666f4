"""From a tick to the venue's acceptance of the hedge that it caused, with the ledger on, beside a naive chain of hops.

`HEDGEROW_BENCH=1 pytest -s tests/bench/test_tick_to_order.py`. Three processes, as the local stack and the chart part
them: the exchange, the executor, and one worker with the other roles. Times are those of the demo's report: from the
trace's `received` to the answer's time in the ledger. The anchor is one process of stock Faust whose four agents each
`await topic.send(...)`, without a ledger, at the same rate. With `HEDGEROW_FAULTS=1` the figures go to
`docs/reliability.md`, with the machine's load.
"""

import asyncio
import os
import time
from decimal import Decimal
from pathlib import Path
from statistics import quantiles

import asyncpg
import msgspec
import pytest
from bench_ticks import ticking
from confluent_kafka import Consumer
from faults import reliability_page
from faults.rig import STRATEGY, Rig
from faults.scenario import FULL
from hops import Hop, Log, make_quote, make_topic

from hedgerow.adapters.recorded_tape import RecordedTape
from hedgerow.adapters.tape import TapeCursor
from hedgerow.domain.money import exact_decimal
from hedgerow.schemas.codec import Decoder
from hedgerow.schemas.records import BookState, Quote
from hedgerow.schemas.topics import MARKET_RAW
from hedgerow.strategy.compiled import Band, BandUnit, CompiledStrategy
from hedgerow_local import latency
from hedgerow_local.ledger_facts import read_journeys

pytestmark = pytest.mark.skipif(os.environ.get("HEDGEROW_BENCH") != "1", reason="only with HEDGEROW_BENCH=1")

ROOT = Path(__file__).resolve().parents[2]
SYMBOL = "BTC/USDT:USDT"
RATES = (100, 500, 1_000)
SLICE_S = 6.0
SETTLE_S = 2.0
LEVELS = 50
CHAIN = 4
PATIENCE_S = 120.0
GROUPS = {
    "exchange": ("exchange",),
    "pipeline": ("enrichment", "router", "risk", "hedging", "books"),
    "executor": ("executor",),
}
# The clients' book is this long; its worth moves with the mark, out of the band with every step and back.
HELD = Decimal(100)
HALF_BAND = Decimal(600)
# Each tick moves the mark by 1.2 bps, so that none is held back; each 100 ms it steps by 6.
NOISE, STEP, STEP_S = 0.6e-4, 3e-4, 0.1


async def test_tick_to_accepted(own_kafka: str, ledger_dsn: str, tmp_path: Path) -> None:
    tape = RecordedTape.load(ROOT / "recordings", SYMBOL)
    rig = Rig(own_kafka, ledger_dsn, tmp_path, ROOT / "recordings", GROUPS, (banded(tape),))
    connection = await asyncpg.connect(ledger_dsn)
    found = {}
    try:
        await connection.execute("insert into books (name, sequence, as_of_ns) values ('clients', 1, 0)")
        await connection.execute("insert into book_positions values ('clients', 'BTC/USDT', $1)", HELD)
        await rig.start()
        for rate in RATES:
            with ticking(own_kafka, MARKET_RAW.name, rate, BookStates(tape, rig.session_start_ns)):
                await asyncio.sleep(SETTLE_S)
                since_ns = time.time_ns()
                await asyncio.sleep(SLICE_S)
            found[rate] = latency.summarise(await read_journeys(connection, since_ns))
    finally:
        rig.stop()
        await connection.close()
    naive = {rate: naive_chain(own_kafka, rate, tmp_path) for rate in RATES}
    print(
        f"\n{'ticks/s':>8}{'hedges':>8}{'p50 ms':>9}{'p99 ms':>9}{'naive p50':>11}{'p99':>9}"
        f"{'x naive p50':>13}{'p99':>9}   aim"
    )
    for rate in RATES:
        mine, chain = found[rate].get(latency.TOTAL), naive[rate]
        if mine is None:
            print(f"{rate:>8,}       0   too slow for its quotes to stay fresh, so nothing was hedged")
            continue
        print(
            f"{rate:>8,}{mine.count:>8}{mine.p50:>9.1f}{mine.p99:>9.1f}{chain[0]:>11.1f}{chain[1]:>9.1f}"
            f"{mine.p50 / chain[0]:>13.2f}{mine.p99 / chain[1]:>9.2f}   10 ms, 0.25"
        )
    keep_costs(found, naive)
    for rate in RATES:
        hops = ", ".join(f"{name} {times.p50:.1f}" for name, times in found[rate].items())
        print(f"{rate:>8,}  p50 ms by hop: {hops}")


def keep_costs(found: dict[int, dict[str, latency.Latency]], naive: dict[int, tuple[float, float]]) -> None:
    """What safety costs belongs on the page about reliability."""
    if not FULL:
        return
    record = reliability_page.read()
    record.costs = [
        reliability_page.Cost(
            rate=rate,
            hedges=mine.count,
            ledger_p50_ms=round(mine.p50, 2),
            ledger_p99_ms=round(mine.p99, 2),
            bare_p50_ms=round(naive[rate][0], 2),
            bare_p99_ms=round(naive[rate][1], 2),
            at=reliability_page.now(),
            load=f"{os.getloadavg()[1] / (os.cpu_count() or 1):.1f}",
        )
        for rate in RATES
        if (mine := found[rate].get(latency.TOTAL)) is not None
    ]
    reliability_page.write(record)


def banded(tape: RecordedTape) -> CompiledStrategy:
    """A band around what the book is worth at the tape's beginning, and nothing in the way of frequent hedges."""
    cursor = tape.cursor()
    cursor.seek(0, 0)
    worth = HELD * exact_decimal(mid(cursor))
    return msgspec.structs.replace(
        STRATEGY,
        bands=(
            Band(underlying="BTC", lower=worth - HALF_BAND, upper=worth + HALF_BAND, unit=BandUnit.NOTIONAL),
        ),
        execution=msgspec.structs.replace(STRATEGY.execution, cooldown_ns=20_000_000),
    )


def mid(cursor: TapeCursor) -> float:
    bids, asks = cursor.top(1)
    return (bids[0][0] + asks[0][0]) / 2


class BookStates:
    """Ticks at the exchange's own price of the moment, with a step each 100 ms and some noise."""

    def __init__(self, tape: RecordedTape, session_start_ns: int) -> None:
        self._tape, self._start_ns = tape, session_start_ns
        self._cursor = tape.cursor()

    def __call__(self, number: int, now_ns: int) -> tuple[str, BookState]:
        place = self._tape.position(self._start_ns, now_ns, 1.0)
        self._cursor.seek(place.lap, place.index)
        step = STEP if now_ns // int(STEP_S * 1e9) % 2 else -STEP
        price = round(mid(self._cursor) * (1 + step + (NOISE if number % 2 else -NOISE)), 1)
        symbol = SYMBOL if number % 10 else "BTC/USDT"
        return "BTC", BookState(
            instrument=symbol,
            underlying="BTC",
            sequence=now_ns,
            time_ns=now_ns,
            source_time_ns=now_ns,
            bids=tuple((round(price - 0.1 * level, 1), 2.0) for level in range(1, LEVELS + 1)),
            asks=tuple((round(price + 0.1 * level, 1), 2.0) for level in range(1, LEVELS + 1)),
            depth_bps=20.0,
            bid_depth_usd=5e6,
            ask_depth_usd=5e6,
            reach_bps=25.0,
            valid=True,
        )


def naive_chain(servers: str, rate: int, folder: Path) -> tuple[float, float]:
    """p50 and p99 in ms from the tick until it has come through the chain."""
    topics = [f"bench.chain.{rate}.{number}" for number in range(CHAIN + 1)]
    for topic in topics:
        make_topic(servers, topic)
        Log(servers, topic)
    decoder = Decoder[Quote](Quote)
    reader = Consumer(
        {"bootstrap.servers": servers, "group.id": f"read-chain-{rate}", "auto.offset.reset": "earliest"}
    )
    reader.subscribe([topics[-1]])
    times_ms: list[float] = []
    with (
        Hop("chain", servers, topics[0], ",".join(topics[1:]), f"chain-{rate}", folder) as hop,
        ticking(servers, topics[0], rate, lambda number, _: ("BTC", make_quote(number))),
    ):
        deadline = time.monotonic() + PATIENCE_S
        measured_from: float | None = None
        while measured_from is None or time.monotonic() < measured_from + SLICE_S:
            hop.require_alive()
            assert time.monotonic() < deadline, "the chain brings nothing through"
            message = reader.poll(0.5)
            if message is None or message.error() is not None:
                continue
            passed_ms = (time.time_ns() - decoder.decode(message.value()).time_ns) / 1e6
            if measured_from is None:
                # What piled up while the chain came up is not what it costs.
                measured_from = time.monotonic() + SETTLE_S
            elif time.monotonic() > measured_from:
                times_ms.append(passed_ms)
    reader.close()
    cuts = quantiles(times_ms, n=100)
    return cuts[49], cuts[98]
