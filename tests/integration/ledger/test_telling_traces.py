"""A concluded hedge reaches an OpenTelemetry collector as one trace, under the id that its tick was given."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable

import hedge_examples as example
import pytest
from aiohttp import web
from ledger_desk import Desk
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from hedgerow.execution.intents import Intent, VenueOrder
from hedgerow.execution.order_life import IntentState
from hedgerow.hedging.decide import decide
from hedgerow.ledger.connection import create_pool
from hedgerow.ledger.decisions import Trace, commit_decision
from hedgerow.ledger.outcomes import record_answer
from hedgerow.streams import trace
from hedgerow_executor.tracing import ENDPOINT, Traces, open_traces


class Listener:
    """Takes spans as a collector does: OTLP over HTTP, protobuf."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.spans: list[Span] = []

    def exporter(self) -> OTLPSpanExporter:
        return OTLPSpanExporter(endpoint=f"http://127.0.0.1:{self.port}/v1/traces")

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)
        return web.Response()


@pytest.fixture
async def collector(free_port: Callable[[], int]) -> AsyncIterator[Listener]:
    listener = Listener(free_port())
    app = web.Application()
    app.router.add_post("/v1/traces", listener.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", listener.port).start()
    yield listener
    await runner.cleanup()


async def _decide(desk: Desk, headers: dict[str, bytes]) -> int:
    desk.now_ns += desk.config.execution.cooldown_ns
    risk, ledger = desk.risk("1.4"), await desk.snapshot()
    traced = Trace(
        cause=trace.read_cause(headers),
        stages=headers[trace.STAGES].decode(),
        traceparent=headers[trace.TRACEPARENT].decode(),
    )
    async with desk.pool.acquire() as connection:
        committed = await commit_decision(connection, risk, ledger, decide(risk, ledger), traced)
    assert committed is not None
    return committed.intents[0]


async def _filled(desk: Desk, headers: dict[str, bytes]) -> Intent:
    """Decided by the message with these headers, sent, and filled 3 ms after the claim."""
    taken = await desk.claim(await _decide(desk, headers))
    assert taken is not None
    intent = taken.intent
    async with desk.pool.acquire() as connection:
        await record_answer(connection, intent.id, "v-1", "accepted", desk.now_ns + 1_000_000)
    desk.now_ns += 3_000_000
    order = VenueOrder(
        client_order_id=str(intent.client_order_id),
        venue_order_id="v-1",
        state=IntentState.FILLED,
        filled_quantity=intent.quantity,
    )
    await desk.conclude(intent.id, order, example.fill("e-1", f"{intent.quantity:f}"))
    return intent


async def test_a_filled_hedge_is_one_trace_from_tick_to_fill(desk: Desk, collector: Listener) -> None:
    began_ns = desk.now_ns
    headers = trace.carry(trace.start("quote:BTC/USDT:7", began_ns), "decided", began_ns + 5_000_000)
    intent = await _filled(desk, headers)
    traces = open_traces(collector.exporter())
    assert traces is not None
    traces.concluded(intent.id)
    async with desk.pool.acquire() as connection:
        await traces.tell(connection)
        await traces.tell(connection)
    await _closed(traces)

    names = ["hedge BTC/USDT:USDT", "to decided", "to claimed", "to accepted", "to concluded"]
    spans = sorted(collector.spans, key=lambda span: names.index(span.name))
    assert [span.name for span in spans] == names
    assert {span.trace_id.hex() for span in spans} == {trace.trace_id(headers)}
    root, *parts = spans
    assert {part.parent_span_id for part in parts} == {root.span_id}
    assert not root.parent_span_id
    assert (root.start_time_unix_nano, root.end_time_unix_nano) == (began_ns, desk.now_ns)
    told = {item.key: item.value for item in root.attributes}
    assert told["hedgerow.cause"].string_value == "quote:BTC/USDT:7"
    assert told["hedgerow.filled_quantity"].string_value == f"{intent.quantity:f}"
    assert told["hedgerow.state"].string_value == "Filled"


async def test_an_intent_that_is_still_open_is_not_told(desk: Desk, collector: Listener) -> None:
    traces = open_traces(collector.exporter())
    assert traces is not None
    traces.concluded((await desk.send()).id)
    async with desk.pool.acquire() as connection:
        await traces.tell(connection)
    await _closed(traces)
    assert collector.spans == []


async def test_what_ends_while_the_role_stops_is_told(desk: Desk, collector: Listener) -> None:
    headers = trace.carry(trace.start("quote:BTC/USDT:7", desk.now_ns), "decided", desk.now_ns + 5_000_000)
    intent = await _filled(desk, headers)
    traces, stopping = open_traces(collector.exporter()), asyncio.Event()
    assert traces is not None
    loop = asyncio.create_task(traces.loop(desk.pool, stopping))
    stopping.set()
    await loop
    traces.concluded(intent.id)
    await traces.tell_last(desk.pool)
    await _closed(traces)
    assert {span.trace_id.hex() for span in collector.spans} == {trace.trace_id(headers)}


async def test_a_ledger_that_is_away_does_not_hold_up_a_stop(
    ledger_dsn: str, collector: Listener, capsys: pytest.CaptureFixture[str]
) -> None:
    traces = open_traces(collector.exporter())
    assert traces is not None
    traces.concluded(1)
    gone = await create_pool(ledger_dsn, "gone", 1)
    await gone.close()
    await traces.tell_last(gone)
    assert "traces given up" in capsys.readouterr().out
    await _closed(traces)


def test_without_a_collector_nothing_is_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENDPOINT, raising=False)
    assert open_traces() is None


async def _closed(traces: Traces) -> None:
    """The exporter blocks, and the collector runs in this loop."""
    await asyncio.to_thread(traces.close)
