"""The newest state of each name in a topic: looked for from the end backwards, then kept up to date."""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import msgspec
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from hedgerow.cli.topics import POLL_S, READ_TIMEOUT_S, decoded, open_consumer, require_partitions
from hedgerow.schemas.codec import Decoder
from hedgerow.schemas.records import AccountState, Quote, Score
from hedgerow.schemas.risk_state import RiskState
from hedgerow.schemas.topics import ACCOUNTS, MARKET_ENRICHED, RISK_STATE, SCORES, Topic
from hedgerow.streams.partitioning import partition_of
from hedgerow.streams.sender import ANSWER_TIMEOUT_S, KafkaUnreachable, unreachable

T = TypeVar("T")

# How far back from a partition's end a state is looked for, one after the other.
TAILS = (200, 5_000, 100_000)
BATCH = 1_000


class NewestStates(Generic[T]):
    """What some partitions of a topic say last of each name. Everything here blocks.

    Args:
        consumer: without a group of its own; partitions are assigned by hand.
        name_of: what a message speaks of.

    Raises:
        KafkaUnreachable: from every method, when the broker does not answer or does not send a partition's end.
    """

    def __init__(
        self,
        consumer: Consumer,
        kafka: str,
        topic: Topic,
        partitions: Collection[int],
        record_type: Any,
        name_of: Callable[[Message], str],
    ) -> None:
        self._consumer, self._kafka, self._topic = consumer, kafka, topic.name
        self._partitions = sorted(partitions)
        self._decoder: Decoder[T] = Decoder(record_type)
        self._name_of = name_of
        self._newest: dict[str, Message] = {}
        self._next: dict[int, int] = {}

    def find(self, wanted: Collection[str]) -> None:
        """Read the ends of the partitions, and further back only while a wanted name was not met."""
        bounds = {partition: self._bounds(partition) for partition in self._partitions}
        ends = {partition: high for partition, (_, high) in bounds.items()}
        for tail in TAILS:
            self._next = {partition: max(low, high - tail) for partition, (low, high) in bounds.items()}
            self._consumer.assign(
                [TopicPartition(self._topic, partition, start) for partition, start in self._next.items()]
            )
            starts = dict(self._next)
            self._read_to(ends)
            whole = all(starts[partition] == low for partition, (low, _) in bounds.items())
            if whole or set(wanted) <= self._newest.keys():
                return

    def update(self) -> None:
        """Read what was written since; what comes while this reads is left for the next time."""
        self._read_to({partition: self._bounds(partition)[1] for partition in self._partitions})

    def states(self) -> dict[str, T]:
        """The newest state of each name.

        Raises:
            UnreadableRecord: another version of Hedgerow wrote it.
        """
        return {name: decoded(self._decoder, message) for name, message in self._newest.items()}

    def get(self, name: str) -> T | None:
        """The newest state of one name.

        Raises:
            UnreadableRecord: another version of Hedgerow wrote it.
        """
        message = self._newest.get(name)
        return None if message is None else decoded(self._decoder, message)

    def _bounds(self, partition: int) -> tuple[int, int]:
        place = TopicPartition(self._topic, partition)
        low, high = self._consumer.get_watermark_offsets(place, timeout=ANSWER_TIMEOUT_S)
        return low, high

    def _read_to(self, ends: dict[int, int]) -> None:
        give_up = time.monotonic() + READ_TIMEOUT_S
        behind = {partition for partition, end in ends.items() if self._next[partition] < end}
        while behind:
            if time.monotonic() > give_up:
                raise KafkaUnreachable(
                    f"Kafka at {self._kafka} did not send the end of {self._topic} within {READ_TIMEOUT_S:g} s"
                )
            for message in self._consumer.consume(BATCH, POLL_S):
                self._take(message)
            behind = {partition for partition in behind if self._next[partition] < ends[partition]}

    def _take(self, message: Message) -> None:
        error, partition, offset = message.error(), message.partition(), message.offset()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            raise unreachable(self._kafka, error)
        assert partition is not None
        assert offset is not None
        # A partition's end is told with the offset that its next message will get.
        self._next[partition] = max(self._next[partition], offset + (error is None))
        if error is None and message.value() is not None:
            self._newest[self._name_of(message)] = message


@contextmanager
def risk_states(kafka: str, strategy: str | None = None) -> Iterator[NewestStates[RiskState]]:
    """`risk.state` by strategy: the partition of one, or all.

    Raises:
        KafkaUnreachable: no broker answers, or there is no such topic.
    """
    with open_consumer(kafka) as consumer:
        count = require_partitions(consumer, kafka, RISK_STATE.name)
        partitions = range(count) if strategy is None else [partition_of(strategy, count)]
        yield NewestStates(consumer, kafka, RISK_STATE, partitions, RiskState, _key_of)


def newest_risk_state(kafka: str, strategy: str) -> RiskState | None:
    """The newest risk state of a strategy; None when there is none near the end of its partition. Blocks.

    Raises:
        KafkaUnreachable: no broker answers, or there is no such topic.
        UnreadableRecord: another version of Hedgerow wrote it.
    """
    with risk_states(kafka, strategy) as newest:
        newest.find({strategy})
        return newest.get(strategy)


def newest_quotes(kafka: str, underlyings: Collection[str], instruments: Collection[str]) -> list[Quote]:
    """The newest quote of every instrument on these underlyings, as the router would hand them on. Blocks.

    Args:
        instruments: those that are looked for far back; one that never had a quote is left out.

    Raises:
        KafkaUnreachable: no broker answers, or there is no such topic.
        UnreadableRecord: another version of Hedgerow wrote it.
    """
    found = _newest_of(kafka, MARKET_ENRICHED, Quote, underlyings, instruments, _instrument_of)
    return [quote for quote in found if quote.underlying in underlyings]


def newest_scores(kafka: str, assets: Collection[str]) -> list[Score]:
    """The newest sentiment score of each of these assets that has one. Blocks.

    Raises:
        KafkaUnreachable: no broker answers, or there is no such topic.
        UnreadableRecord: another version of Hedgerow wrote it.
    """
    found = _newest_of(kafka, SCORES, Score, assets, assets, _key_of)
    return [score for score in found if score.asset in assets]


def newest_accounts(kafka: str, venues: Collection[str]) -> list[AccountState]:
    """The newest state of each of these Venues' accounts that has one. Blocks.

    Args:
        venues: by key, `namespace/name`.

    Raises:
        KafkaUnreachable: no broker answers, or there is no such topic.
        UnreadableRecord: another version of Hedgerow wrote it.
    """
    found = _newest_of(kafka, ACCOUNTS, AccountState, venues, venues, _key_of)
    return [account for account in found if account.venue in venues]


def _newest_of(
    kafka: str,
    topic: Topic,
    record_type: type[T],
    keys: Collection[str],
    wanted: Collection[str],
    name_of: Callable[[Message], str],
) -> Collection[T]:
    """What the partitions of these keys say last of each name; nothing is asked when there are no keys."""
    if not keys:
        return []
    with open_consumer(kafka) as consumer:
        count = require_partitions(consumer, kafka, topic.name)
        partitions = {partition_of(key, count) for key in keys}
        newest: NewestStates[T] = NewestStates(consumer, kafka, topic, partitions, record_type, name_of)
        newest.find(wanted)
        return newest.states().values()


class _Named(msgspec.Struct):
    """The one field by which a quote is filed; the newest ones are decoded whole."""

    instrument: str = ""


_named = msgspec.json.Decoder(_Named)


def _key_of(message: Message) -> str:
    return (message.key() or b"").decode(errors="backslashreplace")


def _instrument_of(message: Message) -> str:
    try:
        return _named.decode(message.value() or b"").instrument
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Filed under no name: when the newest states are decoded, it says where it is and what is wrong with it.
        return ""
