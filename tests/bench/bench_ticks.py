"""Ticks at a steady rate."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import Producer

from hedgerow.schemas.codec import encode
from hedgerow.streams import trace


@contextmanager
def ticking(
    servers: str, topic: str, rate: int, make: Callable[[int, int], tuple[str, Any]]
) -> Iterator[None]:
    """Send so many ticks a second; a late one is sent at once, as a venue would."""
    producer = Producer({"bootstrap.servers": servers, "linger.ms": 0, "partitioner": "murmur2_random"})
    stopping = threading.Event()

    def tick() -> None:
        begun = time.monotonic()
        for number in itertools.count():
            if stopping.wait(max(begun + number / rate - time.monotonic(), 0)):
                return
            now_ns = time.time_ns()
            key, record = make(number, now_ns)
            headers = list(trace.start(f"quote:{record.instrument}:{now_ns}", now_ns).items())
            producer.produce(topic, encode(record), key.encode(), headers=headers)
            producer.poll(0)

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
        producer.flush(30)
