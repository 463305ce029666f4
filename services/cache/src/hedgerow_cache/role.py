"""The cache as a role of the worker: the newest quotes, risk states, books and summaries into Redis Cluster.

It reads what the hedge path wrote and nothing waits for it. It keeps nothing: every source repeats its states within
a second, so a cache that was flushed, or was away, is whole again a heartbeat later.
"""

import asyncio
import time

import asyncpg
import structlog

from hedgerow.adapters.redis_masters import Masters
from hedgerow.ledger.overview import Overview, read_overview
from hedgerow.schemas.codec import UndecodableRecord
from hedgerow.streams.context import Context, ServiceRole
from hedgerow.streams.ledger_link import LedgerLink
from hedgerow.streams.metrics import worker_metrics
from hedgerow.streams.settings import SettingsError
from hedgerow.streams.tail import Tail
from hedgerow.streams.waiting import stopped_within
from hedgerow_cache.intake import TOPICS, entry_of
from hedgerow_cache.metrics import CacheMetrics
from hedgerow_cache.summaries import summary_entries
from hedgerow_cache.writing import Writer

_log = structlog.get_logger(__name__)

SUMMARIES_EVERY_S = 1.0
# Nobody waits for a write, and a busy master should not be taken for a dead one.
PATIENCE_S = 2.0


async def run(context: Context) -> None:
    """Write until asked to stop; Kafka, the ledger and Redis may come and go.

    Raises:
        SettingsError: no Redis Cluster is named.
    """
    settings = context.settings
    masters = _masters(settings.redis)
    metrics = CacheMetrics(context.metrics)
    writer = Writer(masters, metrics, context.readiness)
    received = worker_metrics(context.metrics).received

    def take(topic: str, value: bytes | None) -> None:
        received.labels(context.role, topic).inc()
        try:
            entry = entry_of(topic, value)
        except (UndecodableRecord, ValueError) as error:
            # The role that owns the topic makes it a dead letter.
            metrics.unreadable.labels(topic).inc()
            _log.warning("message left out", topic=topic, cause=str(error))
            return
        if entry is not None:
            writer.offer(entry)

    tail = Tail(settings.kafka, TOPICS, settings.partitions, context.readiness, "states", take)
    try:
        async with asyncio.TaskGroup() as work:
            work.create_task(tail.follow(context.stopping))
            work.create_task(_keep_summing_up(context, writer))
            work.create_task(writer.keep_writing(context.stopping))
    finally:
        await masters.close()


async def _keep_summing_up(context: Context, writer: Writer) -> None:
    link = LedgerLink(context)
    try:
        while not context.stopping.is_set():
            overview = await link.until_done(_read)
            if overview is not None:
                for entry in summary_entries(overview, time.time_ns()):
                    writer.offer(entry)
            await stopped_within(context.stopping, SUMMARIES_EVERY_S)
    finally:
        await link.close()


async def _read(connection: asyncpg.Connection) -> Overview:
    return await read_overview(connection, time.time_ns())


def _masters(nodes: str | None) -> Masters:
    if nodes is None:
        raise SettingsError("HEDGEROW_REDIS is not set; it should name nodes of a Redis Cluster, host:port,…")
    try:
        return Masters(nodes, PATIENCE_S)
    except ValueError as error:
        raise SettingsError(f"HEDGEROW_REDIS: {error}") from None


role = ServiceRole(name="cache", run=run, needs_kafka=False)
