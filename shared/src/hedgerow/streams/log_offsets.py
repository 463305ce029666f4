"""Where logs begin and end, asked for beside the consumers.

Faust's consumer takes up questions in the two tasks that fetch and commit as well. While brokers are away a question
for the ends of logs waits there for its whole timeout, and one a second kept messages from being fetched.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from hedgerow.streams.faust_app import Partition
from hedgerow.streams.kafka_access import librdkafka_options
from hedgerow.streams.sender import client_log

_ANSWER_S = 5.0
_RECONNECT_MS = 1000


class LogOffsets:
    """The brokers' own account of their logs."""

    def __init__(self, servers: str) -> None:
        options: dict[str, Any] = librdkafka_options(servers)
        options |= {"reconnect.backoff.max.ms": _RECONNECT_MS, "logger": client_log}
        self._client = AdminClient(options)

    async def starts(self, group: str, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Where a consumer group goes on: at its committed offset, or where the log begins.

        Raises:
            KafkaException: the brokers do not tell in time.
        """
        asked = list(partitions)
        firsts = await self._ask(asked, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        committed = await self._committed(group, asked)
        return {partition: max(first, committed.get(partition, 0)) for partition, first in firsts.items()}

    async def ends(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """The offset that the next message of each log will get.

        Raises:
            KafkaException: the brokers do not tell in time.
        """
        return await self._ask(partitions, OffsetSpec.latest())  # type: ignore[no-untyped-call]

    async def _ask(self, partitions: Iterable[Partition], which: OffsetSpec) -> dict[Partition, int]:
        wanted = {TopicPartition(*partition): which for partition in partitions}
        if not wanted:
            return {}
        answers = self._client.list_offsets(wanted, request_timeout=_ANSWER_S)
        found = await asyncio.gather(*(asyncio.wrap_future(answer) for answer in answers.values()))
        return {
            (at.topic, at.partition): int(result.offset) for at, result in zip(answers, found, strict=True)
        }

    async def _committed(self, group: str, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Only those for which the group has committed an offset."""
        if not partitions:
            return {}
        question = ConsumerGroupTopicPartitions(
            group, [TopicPartition(*partition) for partition in partitions]
        )
        answers = self._client.list_consumer_group_offsets([question], request_timeout=_ANSWER_S)
        found = await asyncio.wrap_future(answers[group])
        return {(at.topic, at.partition): at.offset for at in found.topic_partitions if at.offset >= 0}
