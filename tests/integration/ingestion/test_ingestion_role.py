"""The ingestion role as its worker runs it, on the bundled recordings and the real clock."""

import asyncio
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import prometheus_client
import pytest

from hedgerow.domain.instruments import LISTINGS
from hedgerow.schemas.codec import Decoder
from hedgerow.schemas.records import BookState, MarketReset
from hedgerow.streams import trace
from hedgerow.streams.context import Context
from hedgerow.streams.settings import Settings
from hedgerow_ingestion.role import role

RECORDINGS = Path(__file__).parents[3] / "recordings"
RECORDED = ("BTC/USDT", "BTC/USDT:USDT")
PATIENCE_S = 30.0
Market = BookState | MarketReset
DECODER = Decoder[Market](Market)


class RememberingProducer:
    def __init__(self) -> None:
        self.sent: list[tuple[str, str, Market, Mapping[str, bytes]]] = []

    def send(self, topic: str, key: str, value: bytes | None, headers: Mapping[str, bytes]) -> None:
        self.sent.append((topic, key, DECODER.decode(value), headers))

    def flush(self, timeout_s: float) -> None:
        """Nothing is kept back."""

    def of(self, instrument: str) -> list[Market]:
        return [record for _, _, record, _ in self.sent if record.instrument == instrument]


class RememberingReadiness:
    def __init__(self) -> None:
        self.tape: list[bool] = []

    def set(self, name: str, ok: bool, detail: str = "", outage: bool = False) -> None:
        self.tape.append(ok)


def make_context(session_start_ns: int, recordings: Path = RECORDINGS) -> Context:
    here = Path()
    settings = Settings(
        kafka="",
        ledger_dsn="",
        partitions=4,
        exchange_url="",
        keys_dir=here,
        recordings=recordings,
        session_start_ns=session_start_ns,
        replay_speed=50.0,
        data_dir=here,
        http_host="127.0.0.1",
        http_port=0,
        max_jump_bps=200.0,
    )
    return Context(
        role="ingestion",
        worker="test",
        settings=settings,
        producer=RememberingProducer(),
        readiness=RememberingReadiness(),
        metrics=prometheus_client.CollectorRegistry(),
        stopping=asyncio.Event(),
    )


async def play(context: Context, laps: int) -> RememberingProducer:
    """Run the role until both BTC instruments have announced that many laps."""
    producer = context.producer
    assert isinstance(producer, RememberingProducer)
    task = asyncio.ensure_future(role.run(context))
    deadline = time.monotonic() + PATIENCE_S
    while any(
        sum(isinstance(record, MarketReset) for record in producer.of(symbol)) < laps for symbol in RECORDED
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
        records = producer.of(instrument)
        assert len(records) > 20
        for before, after in pairwise(records):
            assert (before.sequence, before.time_ns) < (after.sequence, after.time_ns)
        assert all(record.valid for record in records if isinstance(record, BookState))
    for _, _, record, headers in producer.sent:
        assert trace.read_cause(headers) == f"quote:{record.instrument}:{record.sequence}"
        assert trace.read_stages(headers)["received"] >= record.time_ns
    assert isinstance(context.readiness, RememberingReadiness)
    assert context.readiness.tape == [False, True]


async def test_a_restarted_role_goes_on_where_the_clock_is() -> None:
    start_ns = time.time_ns() - 1_000_000_000
    first = await play(make_context(start_ns), laps=1)
    second = await play(make_context(start_ns), laps=2)
    for instrument in RECORDED:
        states = [record for record in second.of(instrument) if isinstance(record, BookState)]
        assert states[0].sequence >= first.of(instrument)[-1].sequence


async def test_absent_recordings_end_the_role_with_a_message(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="HEDGEROW_RECORDINGS"):
        await role.run(make_context(time.time_ns(), tmp_path))
