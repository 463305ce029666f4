"""How long a partition stands still when its worker is killed: the shell beside a plain aiokafka consumer group.

`HEDGEROW_BENCH=1 pytest -s tests/bench/test_kill_pause.py`. Both have a session timeout of 6 s.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from hops import PARTITIONS, Hop, Log, make_quote, make_topic

from hedgerow.schemas.codec import Decoder, encode
from hedgerow.schemas.records import Quote
from hedgerow.schemas.topics import MARKET_RAW
from hedgerow.streams import trace
from hedgerow.streams.faust_app import group_of
from hedgerow.streams.partitioning import partition_of

pytestmark = pytest.mark.skipif(os.environ.get("HEDGEROW_BENCH") != "1", reason="only with HEDGEROW_BENCH=1")

SESSION_S = 6.0
EVERY_S = 0.02
PATIENCE_S = 120.0
ROUNDS = 2


def test_the_pause_after_a_worker_was_killed(own_kafka: str, tmp_path: Path) -> None:
    print(
        f"\n{'killed -9':12}{'pause s':>9}{'x session':>11}   (session timeout {SESSION_S:g} s; aim 1.3 at most)"
    )
    with feeding(own_kafka):
        for number in range(ROUNDS):
            for way in ("aiokafka", "shell"):
                pause_s = pause_after_kill(own_kafka, way, number, tmp_path)
                print(f"{way:12}{pause_s:>9.2f}{pause_s / SESSION_S:>11.2f}")


def pause_after_kill(servers: str, way: str, number: int, folder: Path) -> float:
    """From the kill until each partition has brought a message through that came after it."""
    out, name = f"bench.pause.{way}.{number}", f"pause-{way}-{number}"
    make_topic(servers, out)
    Log(servers, out)
    group = group_of(name) if way == "shell" else name
    with ExitStack() as ends:
        workers = []
        for index in range(2):
            work = folder / f"{name}-{index}"
            work.mkdir()
            workers.append(ends.enter_context(Hop(way, servers, MARKET_RAW.name, out, name, work)))
        wait_for_two_owners(servers, group, workers)
        reader = read_to_its_end(servers, out)
        ends.callback(reader.close)
        killed_ns = time.time_ns()
        workers[0].kill()
        return (all_went_on_ns(reader, killed_ns) - killed_ns) / 1e9


def wait_for_two_owners(servers: str, group: str, workers: list[Hop]) -> None:
    admin = AdminClient({"bootstrap.servers": servers})
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found = admin.describe_consumer_groups([group])[group].result(30)
        owned = [len(member.assignment.topic_partitions) for member in found.members if member.assignment]
        if sorted(owned) == [PARTITIONS // 2, PARTITIONS // 2]:
            return
        assert time.monotonic() < deadline, f"{group} is owned as {owned}"
        for worker in workers:
            worker.require_alive()
        time.sleep(0.2)


def read_to_its_end(servers: str, topic: str) -> Consumer:
    """A reader that has seen a message of each partition, so that nothing but the hop can be late."""
    reader = Consumer(
        {"bootstrap.servers": servers, "group.id": f"read-{topic}", "auto.offset.reset": "latest"}
    )
    reader.subscribe([topic])
    seen: set[int] = set()
    deadline = time.monotonic() + PATIENCE_S
    while len(seen) < PARTITIONS:
        assert time.monotonic() < deadline, f"only partitions {seen} bring messages"
        message = reader.poll(1.0)
        if message is not None and message.error() is None:
            seen.add(message.partition())
    return reader


def all_went_on_ns(reader: Consumer, killed_ns: int) -> int:
    decoder = Decoder[Quote](Quote)
    went_on: set[int] = set()
    deadline = time.monotonic() + PATIENCE_S
    while len(went_on) < PARTITIONS:
        assert time.monotonic() < deadline, f"only partitions {went_on} went on"
        message = reader.poll(1.0)
        if message is None or message.error() is not None:
            continue
        if decoder.decode(message.value()).time_ns > killed_ns:
            went_on.add(message.partition())
    return time.time_ns()


@contextmanager
def feeding(servers: str) -> Iterator[None]:
    """A quote to every partition, again and again."""
    producer = Producer({"bootstrap.servers": servers, "linger.ms": 0})
    stopping = threading.Event()

    def feed() -> None:
        number = 0
        while not stopping.wait(EVERY_S):
            number += 1
            quote = make_quote(number)
            headers = list(trace.start(f"quote:{number}", quote.time_ns).items())
            for partition in range(PARTITIONS):
                producer.produce(
                    MARKET_RAW.name,
                    encode(quote),
                    KEYS[partition].encode(),
                    partition=partition,
                    headers=headers,
                )
            producer.poll(0)

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
        producer.flush(30)


def _keys() -> list[str]:
    """A key for each partition, so that a hop that goes by keys keeps the partitions."""
    found: dict[int, str] = {}
    for number in range(1_000):
        found.setdefault(partition_of(f"key-{number}", PARTITIONS), f"key-{number}")
    return [found[partition] for partition in range(PARTITIONS)]


KEYS = _keys()
