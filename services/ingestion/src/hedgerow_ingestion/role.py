"""Ingestion: one feed's book states into `market.raw`, and sentiment scores into `scores`."""

import asyncio
import time

import prometheus_client
import structlog

from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import BookState, MarketReset
from hedgerow.schemas.topics import MARKET_RAW
from hedgerow.streams import trace
from hedgerow.streams.context import Context, ServiceRole
from hedgerow.streams.settings import FeedName
from hedgerow_ingestion.feed import Feed, MarketRecord
from hedgerow_ingestion.score_feed import follow_scores
from hedgerow_ingestion.tape_feed import follow_tapes
from hedgerow_ingestion.venue_feed import venue_feed

_log = structlog.get_logger(__name__)

# The one place where `HEDGEROW_FEED` picks the source.
FEEDS: dict[FeedName, Feed] = {
    FeedName.RECORDED: follow_tapes,
    FeedName.SYNTHETIC: follow_tapes,
    FeedName.REST: venue_feed(with_sockets=False),
    FeedName.WEB_SOCKET: venue_feed(with_sockets=True),
}


async def run(context: Context) -> None:
    """Send what the feed brings until asked to stop.

    Raises:
        FileNotFoundError, ValueError: the feed's source, or the address of the scores', is missing or cannot be used.
    """
    sent = prometheus_client.Counter(
        "hedgerow_ingestion_records",
        "Records sent to market.raw",
        ["instrument", "kind"],
        registry=context.metrics,
    )

    mid = prometheus_client.Gauge(
        "hedgerow_mid_price",
        "Mid of the newest valid book, in quote currency",
        ["instrument"],
        registry=context.metrics,
    )

    def send(record: MarketRecord) -> None:
        headers = trace.start(f"quote:{record.instrument}:{record.sequence}", time.time_ns())
        context.producer.send(MARKET_RAW.name, record.underlying, encode(record), headers)
        sent.labels(record.instrument, _kind(record)).inc()
        if isinstance(record, BookState) and record.valid:
            mid.labels(record.instrument).set((record.bids[0][0] + record.asks[0][0]) / 2)
        if isinstance(record, MarketReset):
            _log.info("market reset", instrument=record.instrument, lap=record.lap, reason=record.reason)

    work = [asyncio.create_task(FEEDS[context.settings.feed](context, send))]
    if context.settings.redis is not None:
        work.append(asyncio.create_task(follow_scores(context, context.settings.redis)))
    try:
        done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)


def _kind(record: MarketRecord) -> str:
    if isinstance(record, MarketReset):
        return "reset"
    return "state" if record.valid else "invalid"


role = ServiceRole(name="ingestion", run=run)
