"""The one body of every agent: take a message, process it, acknowledge it."""

import asyncio
from typing import Any

import faust

from hedgerow.streams.faust_app import StreamApp
from hedgerow.streams.lifeline import Lifeline
from hedgerow.streams.partitions import Partitions
from hedgerow.streams.processor import Processor, RawMessage, as_headers
from hedgerow.streams.producer import KafkaProducer


class Agents:
    """A role's agents, one per topic, all around the same stepper in the same thread.

    Messages are acknowledged by hand (`noack`), because Faust acknowledges what raised or was cancelled as well. A
    message is acknowledged when its results are with the producer, which is drained before offsets are committed.
    """

    def __init__(
        self, processor: Processor, partitions: Partitions, producer: KafkaProducer, lifeline: Lifeline
    ) -> None:
        self._processor = processor
        self._partitions = partitions
        self._producer = producer
        self._lifeline = lifeline
        self.processed = 0

    def subscribe(self, app: StreamApp, topic: str) -> None:
        """Add the agent of one topic to the app."""

        async def run(stream: Any) -> None:
            try:
                async for event in stream.noack().events():
                    await self._take(event)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                self._lifeline.fail(f"{app.conf.id}: {topic} can go no further: {error}", error)
                # Ending here would let Faust start the agent again, behind the message that failed.
                await asyncio.Event().wait()

        channel = app.topic(topic, key_serializer="raw", value_serializer="raw")
        app.agent(channel, name=f"{app.conf.id}.{topic}", concurrency=1)(run)

    async def _take(self, event: faust.EventT[bytes]) -> None:
        message = event.message
        slot = self._partitions.get((message.topic, message.partition))
        if slot is None or not await slot.usable():
            return
        await self._producer.room()
        if not self._partitions.owns(slot):
            return
        if slot.next_offset is None or message.offset >= slot.next_offset:
            self._processor.process(_raw(message))
            slot.next_offset = message.offset + 1
            self.processed += 1
        event.ack()


def _raw(message: Any) -> RawMessage:
    return RawMessage(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=message.key,
        value=message.value,
        headers=as_headers(message.headers),
    )
