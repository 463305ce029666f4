"""What a role sends outside its stepper is counted under the role's name, as its stepper's messages are."""

import pytest
from prometheus_client import CollectorRegistry

from hedgerow.streams.context import Headers
from hedgerow.streams.counting import CountingProducer
from hedgerow.streams.metrics import worker_metrics


class _Full:
    """Takes one message, then is full."""

    def __init__(self) -> None:
        self.taken = 0

    def send(self, topic: str, key: str, value: bytes | None, headers: Headers) -> None:
        if self.taken:
            raise BufferError("full")
        self.taken += 1

    def flush(self, timeout_s: float) -> None:
        self.taken = 0


def test_a_message_counts_once_the_producer_has_taken_it() -> None:
    registry = CollectorRegistry()
    producer = CountingProducer(_Full(), "ingestion", worker_metrics(registry))
    producer.send("market.raw", "BTC", b"1", {})
    with pytest.raises(BufferError):
        producer.send("market.raw", "BTC", b"2", {})
    counted = registry.get_sample_value(
        "hedgerow_messages_sent_total", {"role": "ingestion", "topic": "market.raw"}
    )
    assert counted == 1
