"""Concluded hedges as OpenTelemetry traces, told from the ledger after the fact: sending waits for nothing of it."""

import asyncio
import contextlib
import os
from collections import deque
from typing import Any

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Tracer, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import set_span_in_context

from hedgerow.execution.journey import journey
from hedgerow.ledger.connection import LEDGER_LOST
from hedgerow.streams import trace
from hedgerow.streams.waiting import set_within

_log = structlog.get_logger()
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
EVERY_S = 1.0
LAST_S = 1.0
BACKLOG = 10_000

_CONCLUDED = """
    select i.id, i.strategy_uid, i.venue, i.account, i.instrument, i.side, i.mode, i.quantity, i.filled_quantity,
        i.state, i.reason, i.concluded_ns, d.cause, d.stages, d.traceparent, o.client_order_id, o.claimed_ns,
        o.answered_ns
    from intents i join decisions d on d.id = i.decision left join orders o on o.intent = i.id
    where i.id = any($1) and i.concluded_ns is not null order by i.id
"""


class _GivenTrace(RandomIdGenerator):
    """Trace ids come from the message headers that the ledger kept; span ids are random."""

    def __init__(self) -> None:
        self.trace_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id


class Traces:
    """Intents whose end is to be told; beyond `BACKLOG` the oldest are given up, and said."""

    def __init__(self, provider: TracerProvider, ids: _GivenTrace) -> None:
        self._provider = provider
        self._tracer: Tracer = provider.get_tracer("hedgerow")
        self._ids = ids
        self._waiting: deque[int] = deque(maxlen=BACKLOG)

    def concluded(self, intent: int) -> None:
        """Have this intent told with the next batch."""
        if len(self._waiting) == BACKLOG:
            _log.warning("trace given up", intent=self._waiting[0], backlog=BACKLOG)
        self._waiting.append(intent)

    async def loop(self, pool: Any, stopping: asyncio.Event) -> None:
        """Tell what was concluded, every `EVERY_S`. A ledger that is away is tried again."""
        while not stopping.is_set():
            await set_within(stopping, EVERY_S)
            await self._tell(pool, "traces wait for the ledger")

    async def tell_last(self, pool: Any) -> None:
        """Tell what still waits when the role stops. A ledger that does not answer in `LAST_S` leaves it untold."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_S):
                await self._tell(pool, "the ledger is away while stopping")
        if self._waiting:
            _log.warning("traces given up", intents=len(self._waiting))

    async def _tell(self, pool: Any, otherwise: str) -> None:
        if not self._waiting:
            return
        try:
            async with pool.acquire() as connection:
                await self.tell(connection)
        except LEDGER_LOST as error:
            _log.warning(otherwise, error=str(error) or type(error).__name__)

    async def tell(self, connection: Any) -> None:
        """Hand the spans of every waiting intent to the exporter."""
        waiting = list(self._waiting)
        for row in await connection.fetch(_CONCLUDED, waiting) if waiting else ():
            self._emit(row)
        # Some may have been given up meanwhile.
        told = set(waiting)
        while self._waiting and self._waiting[0] in told:
            self._waiting.popleft()

    def close(self) -> None:
        """Send what waits. Blocks for at most the exporter's timeout."""
        self._provider.shutdown()

    def _emit(self, row: Any) -> None:
        headers = {trace.TRACEPARENT: row["traceparent"].encode(), trace.STAGES: row["stages"].encode()}
        self._ids.trace_id = int(trace.trace_id(headers) or "0", 16)
        whole, *parts = journey(
            trace.read_stages(headers), row["claimed_ns"], row["answered_ns"], row["concluded_ns"]
        )
        root = self._tracer.start_span(
            f"hedge {row['instrument']}", start_time=whole.start_ns, attributes=_attributes(row)
        )
        inside = set_span_in_context(root)
        for part in parts:
            span = self._tracer.start_span(part.name, context=inside, start_time=part.start_ns)
            span.end(part.end_ns)
        root.end(whole.end_ns)


def open_traces(exporter: Any = None) -> Traces | None:
    """Traces to where OpenTelemetry's own variables say; None when `OTEL_EXPORTER_OTLP_ENDPOINT` is not set."""
    if exporter is None and not os.environ.get(ENDPOINT):
        return None
    ids = _GivenTrace()
    provider = TracerProvider(id_generator=ids, resource=Resource.create({"service.name": "hedgerow"}))
    provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
    return Traces(provider, ids)


def _attributes(row: Any) -> dict[str, str | int]:
    return {
        "hedgerow.intent": row["id"],
        "hedgerow.strategy_uid": str(row["strategy_uid"]),
        "hedgerow.cause": row["cause"],
        "hedgerow.venue": row["venue"],
        "hedgerow.account": row["account"],
        "hedgerow.instrument": row["instrument"],
        "hedgerow.side": row["side"],
        "hedgerow.mode": row["mode"],
        "hedgerow.quantity": f"{row['quantity']:f}",
        "hedgerow.filled_quantity": f"{row['filled_quantity']:f}",
        "hedgerow.state": row["state"],
        "hedgerow.reason": row["reason"],
        "hedgerow.client_order_id": row["client_order_id"] or "",
    }
