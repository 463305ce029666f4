"""The newest quote of every instrument, from `market.enriched`, as a plain consumer that joins no group."""

import asyncio
from collections.abc import Callable

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from hedgerow.schemas.codec import Decoder, UndecodableRecord
from hedgerow.schemas.records import Quote
from hedgerow.schemas.topics import MARKET_ENRICHED
from hedgerow.streams.context import Readiness
from hedgerow.streams.newest import Newest
from hedgerow.streams.waiting import stopped_within

_log = structlog.get_logger(__name__)

_POLL_MS = 500
_PROBE_S = 1.0
_PROBE_PATIENCE_S = 2.0
_RETRY_S = 1.0


class Market:
    """Quotes, newest wins. Read from now on only: what was written before is too old to trade at.

    Attributes:
        reachable: Kafka answered the last time it was asked.
        changed: set while an instrument waits to be looked at.

    Args:
        on_message, on_stale: called once for each message taken in, and for each that was no news.
    """

    def __init__(
        self,
        servers: str,
        partitions: int,
        readiness: Readiness,
        on_message: Callable[[], None],
        on_stale: Callable[[], None],
    ) -> None:
        self.reachable = False
        self._on_message = on_message
        self.changed = asyncio.Event()
        self._servers = servers
        self._partitions = [TopicPartition(MARKET_ENRICHED.name, number) for number in range(partitions)]
        self._readiness = readiness
        self._newest: Newest[str, Quote] = Newest(on_stale)
        self._moved: set[str] = set()
        self._decoder = Decoder[Quote](Quote)
        self._away("not connected yet")

    def quote(self, symbol: str) -> Quote | None:
        return self._newest.get(symbol)

    def nudge(self, symbol: str) -> None:
        """Have the instrument looked at again."""
        self._moved.add(symbol)
        self.changed.set()

    def take_moved(self) -> set[str]:
        """The instruments that moved since the last call."""
        moved, self._moved = self._moved, set()
        self.changed.clear()
        return moved

    async def follow(self, stopping: asyncio.Event) -> None:
        """Follow the topic until asked to stop; Kafka's absences are waited out and said."""
        while not stopping.is_set():
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._servers, enable_auto_commit=False, auto_offset_reset="latest"
            )
            try:
                await consumer.start()
                await self._read(consumer, stopping)
            except (KafkaError, OSError, TimeoutError) as error:
                self._away(f"Kafka at {self._servers} does not answer: {error or type(error).__name__}")
            finally:
                await consumer.stop()
            await stopped_within(stopping, _RETRY_S)

    def offer(self, value: bytes | None) -> None:
        """Take one message in. A bad one is left: the role that owns the topic makes it a dead letter."""
        try:
            quote = self._decoder.decode(value)
        except UndecodableRecord as error:
            _log.warning("quote cannot be read", cause=str(error))
            return
        # A source repeats a state under its sequence with a later time.
        if self._newest.offer(quote.instrument, (quote.sequence, quote.time_ns), quote):
            self.nudge(quote.instrument)
        self._on_message()

    async def _read(self, consumer: AIOKafkaConsumer, stopping: asyncio.Event) -> None:
        consumer.assign(self._partitions)
        await self._probe(consumer)
        await consumer.seek_to_end(*self._partitions)
        probing = asyncio.create_task(self._keep_probing(consumer))
        try:
            while not stopping.is_set() and not probing.done():
                batches: dict[TopicPartition, list[ConsumerRecord]] = await consumer.getmany(
                    timeout_ms=_POLL_MS
                )
                for records in batches.values():
                    for record in records:
                        self.offer(record.value)
            if probing.done():
                probing.result()
        finally:
            probing.cancel()

    async def _keep_probing(self, consumer: AIOKafkaConsumer) -> None:
        """A consumer that lost its broker only falls silent, so it is asked.

        Raises:
            KafkaError, TimeoutError: it did not answer.
        """
        while True:
            await asyncio.sleep(_PROBE_S)
            await self._probe(consumer)

    async def _probe(self, consumer: AIOKafkaConsumer) -> None:
        async with asyncio.timeout(_PROBE_PATIENCE_S):
            await consumer.end_offsets(self._partitions)
        self.reachable = True
        self._readiness.set("market", True)

    def _away(self, detail: str) -> None:
        self.reachable = False
        self._readiness.set("market", False, detail, outage=True)
