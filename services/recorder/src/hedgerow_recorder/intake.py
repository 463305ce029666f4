"""Reads the topics from where history ends, and writes batch after batch.

Kafka is the backlog: while the database is slow or away nothing more is fetched than the batches in hand, and what was
not committed is read again. Partitions are shared out by the consumer group; where to read comes from the history
database alone, so that a batch of a partition that meanwhile belongs to somebody else is found moved and let go.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from hedgerow.history.offsets import Gap, Moved, Partition, settle_places
from hedgerow.history.rows import SOURCES
from hedgerow.history.writing import Batch, Message, Written, write_batch
from hedgerow.schemas.codec import Decoder
from hedgerow.streams.context import Context
from hedgerow.streams.kafka_access import aiokafka_options
from hedgerow.streams.metrics import worker_metrics
from hedgerow.streams.processor import RawMessage, as_headers, bury
from hedgerow.streams.server_link import ServerLink
from hedgerow.streams.steps import reached
from hedgerow.streams.waiting import stopped_within
from hedgerow_recorder.batching import BATCH_ROWS, Gathering
from hedgerow_recorder.metrics import RecorderMetrics

_log = structlog.get_logger(__name__)

GROUP = "hedgerow-recorder"
SESSION_MS = 6_000
HEARTBEAT_MS = 1_500
METADATA_MS = 5_000
# Longer than any absence of the database: heartbeats, not polls, say that this worker lives.
LONGEST_WAIT_MS = 24 * 3_600_000
POLL_MS = 100
RETRY_S = 1.0
LOOK_EVERY_S = 2.0
FAR_BEHIND_S = 60.0
BURIED_WITHIN_S = 30.0


class _Assignment(ConsumerRebalanceListener):  # type: ignore[misc]
    """Remembers that partitions were given or taken, until the places to read from are set anew."""

    def __init__(self) -> None:
        self.changed = True
        self.joined = False

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self.changed = True

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self.changed = self.joined = True


class Intake:
    """One worker's share of the topics."""

    def __init__(self, context: Context, link: ServerLink, metrics: RecorderMetrics) -> None:
        self._context = context
        self._link = link
        self._metrics = metrics
        self._worker = worker_metrics(context.metrics)
        self._decoders = {topic: Decoder[object](source.record_type) for topic, source in SOURCES.items()}
        self._assignment = _Assignment()
        self._gathering = Gathering({})
        self._writing: asyncio.Task[None] | None = None
        self._writing_since_ms: int | None = None
        metrics.show_lag(self._oldest_ms)
        context.readiness.set("partitions", False, "none read yet")

    async def run(self) -> None:
        """Record until asked to stop; then what is in hand is written, or left to be read again."""
        stopping = self._context.stopping
        while not stopping.is_set():
            consumer = self._consumer()
            self._assignment.changed = True
            try:
                await consumer.start()
                consumer.subscribe(list(SOURCES), listener=self._assignment)
                looking = asyncio.create_task(self._keep_looking(consumer))
                try:
                    await self._record(consumer)
                finally:
                    looking.cancel()
            except (KafkaError, OSError, TimeoutError) as error:
                _log.warning("reading failed", error=str(error) or type(error).__name__, next_try_s=RETRY_S)
            finally:
                await self._settle()
                await consumer.stop()
            await stopped_within(stopping, RETRY_S)

    def _consumer(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            **aiokafka_options(self._context.settings.kafka),
            group_id=GROUP,
            enable_auto_commit=False,
            auto_offset_reset="none",
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            max_poll_interval_ms=LONGEST_WAIT_MS,
            # On a new cluster it may be here before the topics are; aiokafka would look again after five minutes.
            metadata_max_age_ms=METADATA_MS,
        )

    async def _record(self, consumer: AIOKafkaConsumer) -> None:
        first_s: float | None = None
        while not self._context.stopping.is_set():
            if self._assignment.changed:
                await self._find_place(consumer)
                first_s = None
                continue
            try:
                records = await consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH_ROWS)
            except OffsetOutOfRangeError:
                self._assignment.changed = True
                continue
            if self._assignment.changed:
                continue
            for found in records.values():
                self._gathering.add(self._messages(found))
            if first_s is None and self._gathering.oldest_ms is not None:
                first_s = time.monotonic()
            if first_s is not None and self._gathering.is_full(time.monotonic() - first_s):
                await self._hand_over()
                first_s = None
        if self._gathering.oldest_ms is not None and not self._assignment.changed:
            await self._hand_over()

    async def _find_place(self, consumer: AIOKafkaConsumer) -> None:
        """Go to where history ends on every partition that is ours. What was in hand is read again."""
        await self._settle()
        mine = consumer.assignment()
        if not mine:
            if self._assignment.joined:  # a worker too many is as ready as it can be
                self._context.readiness.set("partitions", True)
            await stopped_within(self._context.stopping, POLL_MS / 1000)
            return
        self._assignment.changed = False
        consumer.pause(*mine)
        first, end = await consumer.beginning_offsets(mine), await consumer.end_offsets(mine)
        places = await self._link.until_done(
            lambda connection: settle_places(connection, _plain(first), _plain(end), time.time_ns())
        )
        if places is None or self._assignment.changed:
            self._assignment.changed = True
            return
        for gap in places.gaps:
            self._tell_of(gap)
        for topic, number in places.begun_anew:
            _log.warning(
                "the topic begins anew: it ends before where history was", topic=topic, partition=number
            )
        for (topic, number), offset in places.at.items():
            consumer.seek(TopicPartition(topic, number), offset)
        consumer.resume(*mine)
        self._gathering = Gathering(places.at)
        self._context.readiness.set("partitions", True)
        _log.info("recording", partitions=len(places.at))

    def _tell_of(self, gap: Gap) -> None:
        topic, number = gap.partition
        _log.error(
            "messages lost: Kafka let go of them before they were recorded",
            topic=topic,
            partition=number,
            from_offset=gap.start,
            to_offset=gap.end,
        )
        self._metrics.lost.labels(topic).inc(gap.end - gap.start)

    async def _hand_over(self) -> None:
        """Write what was gathered while the next is gathered; one batch at a time."""
        if self._writing is not None:
            await self._writing
        if self._assignment.changed:
            return
        self._writing_since_ms = self._gathering.oldest_ms
        self._writing = asyncio.create_task(self._write(self._gathering.close()))

    async def _settle(self) -> None:
        """Wait for the batch that is being written; what was gathered besides is let go."""
        self._gathering = Gathering({})
        if self._writing is not None:
            writing, self._writing = self._writing, None
            await writing

    async def _write(self, batch: Batch) -> None:
        begun = time.perf_counter()
        reached("recorder.batch")
        try:
            written = await self._link.until_done(
                lambda connection: write_batch(connection, batch, self._bury)
            )
        except Moved as moved:
            _log.info("a batch was recorded by somebody else", detail=str(moved))
            self._assignment.changed = True
            return
        finally:
            self._writing_since_ms = None
        if written is not None:
            reached("recorder.committed")
            self._count(batch, written, time.perf_counter() - begun)

    def _count(self, batch: Batch, written: Written, seconds: float) -> None:
        self._metrics.batch_seconds.observe(seconds)
        for table, rows in written.rows.items():
            self._metrics.rows.labels(table).inc(rows)
        for partition, offset in batch.to.items():
            received = self._worker.received.labels(self._context.role, partition[0])
            received.inc(offset - batch.was[partition])

    async def _bury(self, refused: list[tuple[Message, Exception]]) -> None:
        """Into `dead.letters`, confirmed before the batch is committed without them."""
        for message, error in refused:
            topic, number = message.partition
            raw = RawMessage(
                topic=topic,
                partition=number,
                offset=message.offset,
                key=message.key,
                value=message.value,
                headers=as_headers(message.headers),
            )
            bury(self._context.producer, self._context.role, raw, error, time.time_ns())
        await self._context.producer.drained(BURIED_WITHIN_S)
        for message, _ in refused:
            self._worker.dead.labels(self._context.role, message.partition[0]).inc()

    def _messages(self, records: Iterable[ConsumerRecord]) -> Iterable[Message]:
        for record in records:
            rows, problem = (), None
            try:
                rows = SOURCES[record.topic].rows(self._decoders[record.topic].decode(record.value))
            except Exception as error:  # whatever a message makes its reading raise, the message is to blame
                problem = error
            yield Message(
                partition=(record.topic, record.partition),
                offset=record.offset,
                key=record.key,
                value=record.value,
                headers=record.headers,
                timestamp_ms=record.timestamp,
                rows=rows,
                problem=problem,
            )

    def _oldest_ms(self) -> int | None:
        return self._writing_since_ms if self._writing_since_ms is not None else self._gathering.oldest_ms

    async def _keep_looking(self, consumer: AIOKafkaConsumer) -> None:
        """Tell how much waits, also while nothing is fetched."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self._tell_how_far_behind()
            try:
                ends = await consumer.end_offsets(consumer.assignment())
            except (KafkaError, TimeoutError):
                continue  # the worker itself says that Kafka is away
            for at, end in ends.items():
                position = self._gathering.next_offset((at.topic, at.partition))
                if position is not None:
                    self._worker.lag.labels(self._context.role, at.topic, at.partition).set(end - position)

    def _tell_how_far_behind(self) -> None:
        oldest_ms = self._oldest_ms()
        behind_s = 0.0 if oldest_ms is None else time.time() - oldest_ms / 1000
        near = behind_s < FAR_BEHIND_S
        detail = "" if near else f"history is {behind_s:.0f} s behind; Kafka keeps the rest"
        self._context.readiness.set("up to date", near, detail, outage=True)


def _plain(offsets: Mapping[TopicPartition, int]) -> dict[Partition, int]:
    return {(at.topic, at.partition): offset for at, offset in offsets.items()}
