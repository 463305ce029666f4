"""Runs the hops of `hop_programs.py`, and looks at their topics from outside."""

import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import Quote
from hedgerow.streams import trace

PARTITIONS = 4
_KEYS = 64
_PROGRAM = Path(__file__).parent / "hop_programs.py"


def make_quote(number: int) -> Quote:
    now_ns = time.time_ns()
    price = 60_000 + number % 1_000 / 10
    return Quote(
        instrument="BTC/USDT:USDT",
        underlying="BTC",
        sequence=now_ns,
        time_ns=now_ns,
        source_time_ns=now_ns,
        bid=price,
        ask=price + 0.1,
        bid_size=1.25,
        ask_size=0.75,
        mid=price + 0.05,
        spread_bps=0.0167,
        imbalance=0.25,
        depth_bps=20.0,
        bid_depth_usd=1_234_567.25,
        ask_depth_usd=1_345_678.5,
        reach_bps=25.0,
        valid=True,
    )


def preload(servers: str, topic: str, messages: int) -> None:
    """Quotes with the headers that every message of the pipeline carries, spread over the partitions by key."""
    producer = Producer(
        {
            "bootstrap.servers": servers,
            "linger.ms": 20,
            "queue.buffering.max.messages": messages,
            "partitioner": "murmur2_random",
        }
    )
    for number in range(messages):
        headers = list(trace.start(f"quote:BTC/USDT:USDT:{number}", time.time_ns()).items())
        producer.produce(topic, encode(make_quote(number)), f"key-{number % _KEYS}".encode(), headers=headers)
        producer.poll(0)
    assert producer.flush(120) == 0


def make_topic(servers: str, name: str) -> None:
    admin = AdminClient({"bootstrap.servers": servers})
    for future in admin.create_topics([NewTopic(name, PARTITIONS, 1)]).values():
        future.result(30)


class Log:
    """How long a topic is by now."""

    def __init__(self, servers: str, topic: str) -> None:
        self._consumer = Consumer({"bootstrap.servers": servers, "group.id": "bench-ends"})
        self._partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        self._wait_for_leaders()

    def _wait_for_leaders(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                self.ends()
                return
            except KafkaException:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def count(self) -> int:
        return sum(self.ends())

    def ends(self) -> list[int]:
        return [self._consumer.get_watermark_offsets(part, timeout=30)[1] for part in self._partitions]


class Hop:
    """One of the programs at work; ended with the block."""

    def __init__(self, way: str, servers: str, source: str, out: str, group: str, folder: Path) -> None:
        self._log = folder / f"{group}.log"
        work = folder / group
        work.mkdir()
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(_PROGRAM), way, servers, source, out, group, str(work)],
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def require_alive(self) -> None:
        assert self.process.poll() is None, self._log.read_text()[-3_000:]

    def cpu_s(self) -> float:
        """Processor time until now, of all threads."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
