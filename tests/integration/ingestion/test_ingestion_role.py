"""The ingestion role as its worker runs it, on the bundled recordings and the real clock."""

import asyncio
import time
from itertools import pairwise
from pathlib import Path

import pytest
from role_context import RECORDINGS, RememberingProducer, RememberingReadiness, role_context, settings

from hedgerow.domain.instruments import LISTINGS
from hedgerow.schemas.records import BookState, MarketReset
from hedgerow.streams import trace
from hedgerow.streams.context import Context
from hedgerow_ingestion.role import role

RECORDED = ("BTC/USDT", "BTC/USDT:USDT")
PATIENCE_S = 30.0
Market = BookState | MarketReset


def make_context(session_start_ns: int, recordings: Path = RECORDINGS) -> Context:
    chosen = settings(session_start_ns=session_start_ns, recordings=recordings, replay_speed=50.0)
    return role_context("ingestion", RememberingProducer(Market), chosen)


def of(producer: RememberingProducer, instrument: str) -> list[Market]:
    return [record for _, _, record, _ in producer.sent if record.instrument == instrument]


async def play(context: Context, laps: int) -> RememberingProducer:
    """Run the role until both BTC instruments have announced that many laps."""
    producer = context.producer
    assert isinstance(producer, RememberingProducer)
    task = asyncio.ensure_future(role.run(context))
    deadline = time.monotonic() + PATIENCE_S
    while any(
        sum(isinstance(record, MarketReset) for record in of(producer, symbol)) < laps for symbol in RECORDED
    ):
        assert not task.done(), task.exception()
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.05)
    context.stopping.set()
    await asyncio.wait_for(task, PATIENCE_S)
    return producer


async def test_every_instrument_is_replayed_in_order_each_with_its_cause() -> None:
    context = make_context(time.time_ns())
    producer = await play(context, laps=1)
    assert {(topic, key) for topic, key, _, _ in producer.sent} == {
        ("market.raw", item.underlying) for item in LISTINGS.values()
    }
    for instrument in LISTINGS:
        records = of(producer, instrument)
        assert len(records) > 20
        for before, after in pairwise(records):
            assert (before.sequence, before.time_ns) < (after.sequence, after.time_ns)
        assert all(record.valid for record in records if isinstance(record, BookState))
    for _, _, record, headers in producer.sent:
        assert trace.read_cause(headers) == f"quote:{record.instrument}:{record.sequence}"
        assert trace.read_stages(headers)["received"] >= record.time_ns
    assert isinstance(context.readiness, RememberingReadiness)
    assert context.readiness.conditions == [("tape", False), ("tape", True)]


async def test_a_restarted_role_goes_on_where_the_clock_is() -> None:
    start_ns = time.time_ns() - 1_000_000_000
    first = await play(make_context(start_ns), laps=1)
    second = await play(make_context(start_ns), laps=2)
    for instrument in RECORDED:
        states = [record for record in of(second, instrument) if isinstance(record, BookState)]
        assert states[0].sequence >= of(first, instrument)[-1].sequence


async def test_absent_recordings_end_the_role_with_a_message(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="HEDGEROW_RECORDINGS"):
        await role.run(make_context(time.time_ns(), tmp_path))
