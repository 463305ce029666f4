"""Ingestion: replays the recordings into `market.raw`."""

import asyncio
import time

import prometheus_client
import structlog

from hedgerow.adapters.tape import Tape
from hedgerow.domain.instruments import LISTINGS
from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import BookState, MarketReset
from hedgerow.schemas.topics import MARKET_RAW
from hedgerow.streams import trace
from hedgerow.streams.context import Context, ServiceRole
from hedgerow.streams.settings import Settings
from hedgerow.streams.waiting import stopped_within
from hedgerow_ingestion.replay import Replay

_log = structlog.get_logger(__name__)
_LONGEST_WAIT_S = 0.5
_SHORTEST_WAIT_S = 0.001


async def run(context: Context) -> None:
    """Send what is due until asked to stop.

    Raises:
        FileNotFoundError: the recordings folder lacks an instrument.
        ValueError: a recording or a setting cannot be used.
    """
    context.readiness.set("tape", False, f"loading recordings from {context.settings.recordings}")
    replays = await asyncio.to_thread(load_replays, context.settings)
    context.readiness.set("tape", True)
    sent = prometheus_client.Counter(
        "hedgerow_ingestion_records",
        "Records sent to market.raw",
        ["instrument", "kind"],
        registry=context.metrics,
    )
    while not context.stopping.is_set():
        for replay in replays:
            for record in replay.due(time.time_ns()):
                _send(context, record)
                sent.labels(record.instrument, _kind(record)).inc()
        await stopped_within(context.stopping, _wait_s(min(replay.next_due_ns() for replay in replays)))


def load_replays(settings: Settings) -> list[Replay]:
    """One replay per listed instrument. Blocks while the recordings are read."""
    return [
        Replay(
            Tape.load(settings.recordings, symbol),
            settings.session_start_ns,
            settings.replay_speed,
            settings.max_jump_bps,
        )
        for symbol in LISTINGS
    ]


def _send(context: Context, record: BookState | MarketReset) -> None:
    headers = trace.start(f"quote:{record.instrument}:{record.sequence}", time.time_ns())
    context.producer.send(MARKET_RAW.name, record.underlying, encode(record), headers)
    if isinstance(record, MarketReset):
        _log.info("market reset", instrument=record.instrument, lap=record.lap, reason=record.reason)


def _kind(record: BookState | MarketReset) -> str:
    if isinstance(record, MarketReset):
        return "reset"
    return "state" if record.valid else "invalid"


def _wait_s(due_ns: int) -> float:
    return min(max((due_ns - time.time_ns()) / 1e9, _SHORTEST_WAIT_S), _LONGEST_WAIT_S)


role = ServiceRole(name="ingestion", run=run)
