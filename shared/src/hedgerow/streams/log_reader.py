"""Plain reading of a topic's partition, beside Faust and without joining its group."""

from collections.abc import AsyncIterator
from types import TracebackType

from aiokafka import AIOKafkaConsumer, TopicPartition

from hedgerow.streams.faust_app import Partition
from hedgerow.streams.kafka_access import aiokafka_options
from hedgerow.streams.processor import RawMessage, as_headers

_POLL_MS = 500


class LogReader:
    """Reads one partition. Open it with `async with`.

    Args:
        group: whose committed offset `committed` tells; nothing is ever committed here.
    """

    def __init__(self, servers: str, partition: Partition, group: str | None = None) -> None:
        self._at = TopicPartition(*partition)
        self._consumer = AIOKafkaConsumer(
            **aiokafka_options(servers), group_id=group, enable_auto_commit=False, auto_offset_reset="none"
        )

    async def __aenter__(self) -> "LogReader":
        await self._consumer.start()
        self._consumer.assign([self._at])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()

    async def first(self) -> int:
        """The first offset that the log still holds."""
        offsets = await self._consumer.beginning_offsets([self._at])
        return int(offsets[self._at])

    async def end(self) -> int:
        """The offset that the next message will get."""
        offsets = await self._consumer.end_offsets([self._at])
        return int(offsets[self._at])

    async def committed(self) -> int | None:
        """The group's committed offset; None when it has none."""
        offset = await self._consumer.committed(self._at)
        return None if offset is None or offset < 0 else int(offset)

    async def read(self, start: int, stop: int) -> AsyncIterator[RawMessage]:
        """Messages with `start` <= offset < `stop`, as they stand."""
        self._consumer.seek(self._at, start)
        while await self._consumer.position(self._at) < stop:
            for message in await self._poll():
                if message.offset >= stop:
                    return
                yield message

    async def follow(self, start: int) -> AsyncIterator[RawMessage]:
        """Messages from `start` on, for ever."""
        self._consumer.seek(self._at, start)
        while True:
            for message in await self._poll():
                yield message

    async def _poll(self) -> list[RawMessage]:
        batches = await self._consumer.getmany(self._at, timeout_ms=_POLL_MS)
        return [
            RawMessage(
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                key=record.key,
                value=record.value,
                headers=as_headers(record.headers),
            )
            for record in batches.get(self._at, ())
        ]
