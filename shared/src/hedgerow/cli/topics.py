"""What the command line reads of Kafka: a topic's newest."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from hedgerow.schemas.codec import Decoder, UndecodableRecord
from hedgerow.schemas.records import Acknowledgement, StrategyReport
from hedgerow.schemas.topics import STRATEGY_STATUS
from hedgerow.streams.kafka_access import librdkafka_options
from hedgerow.streams.sender import ANSWER_TIMEOUT_S, KafkaUnreachable, client_log, unreachable

T = TypeVar("T")

READ_TIMEOUT_S = 20.0
POLL_S = 0.1


class UnreadableRecord(ValueError):
    """A record that this version cannot read; the message says where it is and what is wrong with it."""


class Acknowledged(msgspec.Struct, frozen=True, kw_only=True):
    """Which roles run which generation: the newest acknowledgement of each (strategy, role)."""

    newest: dict[tuple[str, str], Acknowledgement]

    def roles(self, strategy: str, uid: str, generation: int) -> frozenset[str]:
        """The roles that run exactly this generation of the strategy."""
        return frozenset(
            role
            for (key, role), item in self.newest.items()
            if key == strategy and (item.uid, item.generation) == (uid, generation)
        )


def read_acknowledgements(
    kafka: str, enough: Callable[[Acknowledged], bool] = lambda _: True, wait_s: float = 0.0
) -> Acknowledged:
    """`strategy.status` to its end, and from there on until `enough` or until the time is over. Blocks.

    Raises:
        KafkaUnreachable: no broker answers, or there is no such topic.
        UnreadableRecord: another version of Hedgerow wrote it.
    """
    decoder: Decoder[StrategyReport] = Decoder(StrategyReport)
    found = Acknowledged(newest={})
    deadline = time.monotonic() + wait_s
    with open_consumer(kafka) as consumer:
        require_partitions(consumer, kafka, STRATEGY_STATUS.name)
        consumer.assign([TopicPartition(STRATEGY_STATUS.name, 0, 0)])
        for message in _messages(consumer, kafka, deadline):
            if message is None:
                if enough(found):
                    break
                continue
            if message.value() is not None:
                record = decoded(decoder, message)
                if isinstance(record, Acknowledgement):
                    found.newest[record.strategy, record.role] = record
    return found


def _messages(consumer: Consumer, kafka: str, until: float) -> Iterator[Message | None]:
    """What the assigned partition holds; None each time its end is reached. Ends there once the clock is past `until`.

    Raises:
        KafkaUnreachable: the end is not reached in time.
    """
    give_up = time.monotonic() + READ_TIMEOUT_S
    at_end = False
    while True:
        message = consumer.poll(POLL_S)
        error = message.error() if message is not None else None
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            raise unreachable(kafka, error)
        if message is not None:
            at_end = error is not None
        if at_end:
            yield None
            if time.monotonic() >= until:
                return
        elif time.monotonic() > give_up:
            raise KafkaUnreachable(f"Kafka at {kafka} did not send a topic's end within {READ_TIMEOUT_S:g} s")
        elif message is not None:
            yield message


@contextmanager
def open_consumer(kafka: str) -> Iterator[Consumer]:
    # A group is demanded and never joined: partitions are assigned by hand, and nothing is committed.
    consumer = Consumer(
        {
            **librdkafka_options(kafka),
            "group.id": "hedgerow-cli",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "logger": client_log,
        }
    )
    try:
        yield consumer
    except KafkaException as error:
        raise unreachable(kafka, error.args[0]) from error
    finally:
        consumer.close()


def require_partitions(consumer: Consumer, kafka: str, topic: str) -> int:
    found = consumer.list_topics(topic, timeout=ANSWER_TIMEOUT_S).topics[topic]
    if found.error is not None:
        raise KafkaUnreachable(
            f"Kafka at {kafka} has no usable topic {topic}: {found.error.str()}; start the stack that makes it"
        )
    return len(found.partitions)


def decoded(decoder: Decoder[T], message: Message) -> T:
    """The record.

    Raises:
        UnreadableRecord: another version of Hedgerow wrote it; the message says where it is.
    """
    try:
        return decoder.decode(message.value())
    except UndecodableRecord as error:
        place = f"{message.topic()}, partition {message.partition()}, offset {message.offset()}"
        raise UnreadableRecord(f"{place} cannot be read by this version: {error}") from None
