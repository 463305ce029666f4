"""A message that cannot be delivered ends the process."""

from collections.abc import Callable

import pytest

from hedgerow.streams.lifeline import Lifeline, WorkerFailed
from hedgerow.streams.producer import DeliveryFailed, KafkaProducer


async def test_an_undeliverable_message_fails_the_worker_and_every_later_send(
    free_port: Callable[[], int],
) -> None:
    lifeline = Lifeline()
    producer = KafkaProducer(f"127.0.0.1:{free_port()}", lifeline, delivery_timeout_s=0.2)
    try:
        producer.send("t", "k", b"v", {})
        with pytest.raises(DeliveryFailed, match="message for t was not delivered"):
            await producer.drained()
        await lifeline.stopping.wait()
        assert "message for t was not delivered" in (lifeline.reason or "")
        with pytest.raises(WorkerFailed):
            lifeline.check()
        with pytest.raises(DeliveryFailed):
            producer.send("t", "k", b"v", {})
    finally:
        producer.close()


async def test_what_is_not_confirmed_in_time_is_said_with_the_count(free_port: Callable[[], int]) -> None:
    producer = KafkaProducer(f"127.0.0.1:{free_port()}", Lifeline(), delivery_timeout_s=60)
    try:
        producer.send("t", "k", b"v", {})
        producer.send("t", "k", None, {"a": b"b"})
        with pytest.raises(DeliveryFailed, match=r"2 messages not confirmed in 0\.1 s"):
            producer.flush(0.1)
    finally:
        producer.close()


async def test_with_nothing_sent_there_is_nothing_to_wait_for(free_port: Callable[[], int]) -> None:
    producer = KafkaProducer(f"127.0.0.1:{free_port()}", Lifeline())
    try:
        await producer.drained(timeout_s=0.0)
    finally:
        producer.close()
