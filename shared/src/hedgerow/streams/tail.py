"""Follows topics from now on, as a plain consumer that joins no group: for who only wants what is newest."""

import asyncio
from collections.abc import Callable, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from hedgerow.streams.context import Readiness
from hedgerow.streams.kafka_access import aiokafka_options
from hedgerow.streams.waiting import stopped_within

_POLL_MS = 500
_PROBE_S = 1.0
_PROBE_PATIENCE_S = 2.0
_RETRY_S = 1.0


class Tail:
    """Topics with all their partitions, read from their end; what was written before is not looked at.

    Attributes:
        reachable: Kafka answered the last time it was asked.

    Args:
        condition: the name under which readiness tells whether Kafka answers.
        take: called with each message.
    """

    def __init__(
        self,
        servers: str,
        topics: Sequence[str],
        partitions: int,
        readiness: Readiness,
        condition: str,
        take: Callable[[str, bytes | None], None],
    ) -> None:
        self.reachable = False
        self._servers = servers
        self._partitions = [TopicPartition(topic, number) for topic in topics for number in range(partitions)]
        self._readiness = readiness
        self._condition = condition
        self._take = take
        self._away("not connected yet")

    async def follow(self, stopping: asyncio.Event) -> None:
        """Follow until asked to stop; Kafka's absences are waited out and said."""
        while not stopping.is_set():
            consumer = AIOKafkaConsumer(
                **aiokafka_options(self._servers), enable_auto_commit=False, auto_offset_reset="latest"
            )
            try:
                await consumer.start()
                await self._read(consumer, stopping)
            except (KafkaError, OSError, TimeoutError) as error:
                self._away(f"Kafka at {self._servers} does not answer: {error or type(error).__name__}")
            finally:
                await consumer.stop()
            await stopped_within(stopping, _RETRY_S)

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
                        self._take(record.topic, record.value)
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
        self._readiness.set(self._condition, True)

    def _away(self, detail: str) -> None:
        self.reachable = False
        self._readiness.set(self._condition, False, detail, outage=True)
