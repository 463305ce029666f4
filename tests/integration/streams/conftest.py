"""Worker processes on a real Kafka, what they are fed and what they say."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import hedge_examples as example
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from worker_process import WorkerProcess, eventually

from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import BookInput, ClientBook, MarkInput, Quote, StrategyInput, StrategyPublished
from hedgerow.schemas.topics import RISK_INPUTS
from hedgerow.strategy.compiled import BookSource
from hedgerow.streams.log_reader import LogReader
from hedgerow.streams.processor import RawMessage

SECOND_NS = 1_000_000_000


@pytest.fixture(name="eventually")
def eventually_fixture() -> Callable[..., Any]:
    return eventually


@pytest.fixture
def start_worker(kafka: str, ledger_dsn: str, tmp_path: Path) -> Iterator[Callable[..., WorkerProcess]]:
    """Call it with roles, and settings that differ, for a worker that the test's end ends."""
    settings = {
        "HEDGEROW_KAFKA": kafka,
        "HEDGEROW_LEDGER_DSN": ledger_dsn,
        "HEDGEROW_EXCHANGE_URL": "http://127.0.0.1:1",
        "HEDGEROW_KEYS_DIR": str(tmp_path),
        "HEDGEROW_RECORDINGS": str(tmp_path),
        "HEDGEROW_DATA_DIR": str(tmp_path),
    }
    with ExitStack() as ends:

        def start(roles: str, **other: str) -> WorkerProcess:
            log = tmp_path / f"worker-{uuid.uuid4().hex[:8]}.log"
            worker = WorkerProcess(roles, settings | other, log)
            ends.callback(worker.end)
            return worker

        yield start


class Cluster:
    """Writes to and reads from the topics, as a plain client."""

    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._producer = Producer({"bootstrap.servers": servers, "partitioner": "murmur2_random"})

    def send(
        self, topic: str, key: str, value: bytes | None, headers: dict[str, bytes] | None = None
    ) -> None:
        self._producer.produce(topic, value, key.encode(), headers=list((headers or {}).items()))
        self._producer.poll(0)

    def flush(self) -> None:
        assert self._producer.flush(30) == 0

    def end(self, topic: str, partition: int) -> int:
        consumer = Consumer({"bootstrap.servers": self._servers, "group.id": "test-ends"})
        try:
            return consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=30)[1]
        finally:
            consumer.close()

    async def read(self, topic: str, partition: int = 0) -> list[RawMessage]:
        """The whole partition as it stands."""
        async with LogReader(self._servers, (topic, partition)) as log:
            return [message async for message in log.read(await log.first(), await log.end())]

    async def read_all(self, topic: str, partitions: int = 4) -> list[RawMessage]:
        found = []
        for partition in range(partitions):
            found += await self.read(topic, partition)
        return found

    def committed(self, group: str, topic: str, partition: int) -> int:
        consumer = Consumer({"bootstrap.servers": self._servers, "group.id": group})
        try:
            return consumer.committed([TopicPartition(topic, partition)], timeout=30)[0].offset
        finally:
            consumer.close()


@pytest.fixture
def cluster(kafka: str) -> Cluster:
    return Cluster(kafka)


def published(
    name: str, generation: int = 1, uid: str = "7c1d2e3f-4a5b-4c6d-8e9f-0a1b2c3d4e5f"
) -> StrategyPublished:
    """A strategy with one book, one leg and one band on BTC."""
    config = example.strategy(
        namespace="test", name=name, exposure=(BookSource(name="clients", book=f"{name}-book"),)
    )
    return StrategyPublished(
        uid=uid, generation=generation, revision=f"r{generation}", published_ns=1, config=config
    )


def quote(symbol: str, sequence: int, time_ns: int, mid: float, valid: bool = True) -> Quote:
    return Quote(
        instrument=symbol,
        underlying="BTC",
        sequence=sequence,
        time_ns=time_ns,
        source_time_ns=time_ns,
        bid=mid - 0.5 if valid else 0.0,
        ask=mid + 0.5 if valid else 0.0,
        bid_size=1.0,
        ask_size=2.0,
        mid=mid if valid else 0.0,
        spread_bps=0.2,
        imbalance=-0.3,
        depth_bps=20.0,
        bid_depth_usd=1e6,
        ask_depth_usd=1e6,
        reach_bps=25.0,
        valid=valid,
        reason="" if valid else "crossed",
    )


@pytest.fixture
def make_published() -> Callable[..., StrategyPublished]:
    return published


@pytest.fixture
def make_quote() -> Callable[..., Quote]:
    return quote


class Feed:
    """Writes the risk inputs of some strategies, in rounds, with a clock of its own."""

    def __init__(self, cluster: Cluster, names: list[str]) -> None:
        self._cluster = cluster
        self._names = names
        self._round = 0

    @property
    def keys(self) -> list[str]:
        return [f"test/{name}" for name in self._names]

    def introduce(self) -> None:
        """The generation of each strategy."""
        for name, key in zip(self._names, self.keys, strict=True):
            record = StrategyInput(strategy=key, routed_ns=SECOND_NS, published=published(name))
            self._cluster.send(RISK_INPUTS.name, key, encode(record))
        self._cluster.flush()

    def send_rounds(self, rounds: int) -> None:
        """In each round, two quotes and a book for each strategy."""
        for _ in range(rounds):
            self._round += 1
            now_ns = self._round * SECOND_NS // 10
            for name, key in zip(self._names, self.keys, strict=True):
                self._send_round(name, key, now_ns)
        self._cluster.flush()

    def _send_round(self, name: str, key: str, now_ns: int) -> None:
        number = self._round
        for symbol in ("BTC/USDT", "BTC/USDT:USDT"):
            mark = MarkInput(
                strategy=key, routed_ns=now_ns, quote=quote(symbol, number, now_ns, 60_000 + number / 7)
            )
            self._cluster.send(RISK_INPUTS.name, key, encode(mark))
        book = ClientBook(
            name=f"{name}-book",
            sequence=number // 3,
            as_of_ns=now_ns,
            published_ns=now_ns,
            positions={"BTC/USDT": Decimal(number) / 100},
        )
        self._cluster.send(
            RISK_INPUTS.name, key, encode(BookInput(strategy=key, routed_ns=now_ns, book=book))
        )


@pytest.fixture
def make_feed(cluster: Cluster) -> Callable[[int], Feed]:
    """Call it with a number of strategies, whose names no other test has."""

    def make(strategies: int) -> Feed:
        mark = uuid.uuid4().hex[:8]
        return Feed(cluster, [f"s{index}-{mark}" for index in range(strategies)])

    return make
