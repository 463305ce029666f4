"""Sends a few records, and knows that they arrived."""

import asyncio
import logging
from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from hedgerow.streams.kafka_access import librdkafka_options

ANSWER_TIMEOUT_S = 5.0

# Who asks says what is wrong, once; librdkafka would say it several times a second.
client_log = logging.getLogger("hedgerow.librdkafka")
client_log.addHandler(logging.NullHandler())
client_log.propagate = False


class KafkaUnreachable(ConnectionError):
    """Kafka does not answer, or did not confirm a record; the message names the servers."""


class Sender:
    """Sends records that the broker has confirmed when `send` returns."""

    def __init__(self, kafka: str) -> None:
        self._kafka = kafka
        self._producer = Producer(
            {
                **librdkafka_options(kafka),
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "message.timeout.ms": int(ANSWER_TIMEOUT_S * 1000),
                "logger": client_log,
            }
        )

    async def require_topic(self, topic: str) -> None:
        """Let a caller go on only when the topic can be written.

        Raises:
            KafkaUnreachable: no broker answers, or there is no such topic.
        """
        try:
            found = await asyncio.to_thread(self._producer.list_topics, topic, ANSWER_TIMEOUT_S)
        except KafkaException as error:
            raise unreachable(self._kafka, error.args[0]) from error
        problem = found.topics[topic].error
        if problem is not None:
            raise KafkaUnreachable(
                f"Kafka at {self._kafka} has no usable topic {topic}: {problem.str()}; start the stack that makes it"
            )

    async def send(self, topic: str, key: str, value: bytes | None) -> None:
        """Send one record; None is a tombstone.

        Raises:
            KafkaUnreachable: it was not confirmed.
        """
        await self.send_all(topic, [(key, value)])

    async def send_all(self, topic: str, records: Iterable[tuple[str, bytes | None]]) -> None:
        """Send records, each a key and a value, in this order.

        Raises:
            KafkaUnreachable: not all were confirmed.
        """
        failures: list[KafkaError] = []

        def note(error: KafkaError | None, _message: Message) -> None:
            if error is not None:
                failures.append(error)

        for key, value in records:
            self._producer.produce(topic, value, key.encode(), on_delivery=note)
        left = await asyncio.to_thread(self._producer.flush, 2 * ANSWER_TIMEOUT_S)
        if failures:
            raise unreachable(self._kafka, failures[0])
        if left:
            raise KafkaUnreachable(
                f"Kafka at {self._kafka} did not confirm {left} records for {topic} in time"
            )


def unreachable(kafka: str, error: KafkaError) -> KafkaUnreachable:
    return KafkaUnreachable(
        f"Kafka at {kafka} cannot be reached: {error.str()}; check that it runs and that HEDGEROW_KAFKA points to it"
    )
