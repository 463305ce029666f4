"""The process's one producer: librdkafka, with every delivery accounted for.

A delivery that fails ends the process before the input that caused it is acknowledged. Confirmations are counted by
epoch: `drained` closes the running epoch and waits for what was sent up to then, however much is sent meanwhile.
"""

import asyncio
import logging
import threading
from collections.abc import Callable

import structlog
from confluent_kafka import KafkaError, KafkaException, Message
from confluent_kafka import Producer as LibrdkafkaProducer

from hedgerow.streams.context import Headers
from hedgerow.streams.kafka_access import librdkafka_options
from hedgerow.streams.lifeline import Lifeline

_log = structlog.get_logger(__name__)

_CROWDED = 50_000
_POLL_S = 0.1


class DeliveryFailed(RuntimeError):
    """A message could not be delivered, or was not confirmed in time."""


class _Epoch:
    """Messages sent between two drains. `sent` belongs to the sender's thread, `confirmed` to the polling one."""

    def __init__(self, on_failure: Callable[[str], None]) -> None:
        self.sent = 0
        self.done = threading.Event()
        self._on_failure = on_failure
        self._confirmed = 0
        self._closed = False

    @property
    def unconfirmed(self) -> int:
        return self.sent - self._confirmed

    def confirm(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._on_failure(f"message for {message.topic()} was not delivered: {error.str()}")
        self._confirmed += 1
        self._settle()

    def close(self) -> None:
        self._closed = True
        self._settle()

    def _settle(self) -> None:
        if self._closed and self._confirmed == self.sent:
            self.done.set()


class KafkaProducer:
    """See `context.Producer`. Call `send` in the loop's thread only.

    Args:
        servers: bootstrap servers.
        delivery_timeout_s: how long librdkafka may try before a message counts as undeliverable.
        linger_ms: how long a batch may wait for company.
    """

    def __init__(
        self, servers: str, lifeline: Lifeline, *, delivery_timeout_s: float = 60.0, linger_ms: float = 1.0
    ) -> None:
        self._lifeline = lifeline
        self._loop = asyncio.get_running_loop()
        self._client = LibrdkafkaProducer(
            {
                **librdkafka_options(servers),
                "partitioner": "murmur2_random",
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": linger_ms,
                "message.timeout.ms": int(delivery_timeout_s * 1000),
                "reconnect.backoff.max.ms": 1000,
                "error_cb": self._on_error,
                "logger": logging.getLogger("librdkafka"),
            }
        )
        self._epoch = _Epoch(self._fail)
        self._open: list[_Epoch] = [self._epoch]
        self._failure: str | None = None
        self._closed = threading.Event()
        self._poller = threading.Thread(target=self._poll, name="producer-poll", daemon=True)
        self._poller.start()

    def send(self, topic: str, key: str, value: bytes | None, headers: Headers) -> None:
        """Queue one message.

        Raises:
            BufferError: the queue is full.
            DeliveryFailed: an earlier message could not be delivered.
        """
        self._check()
        epoch = self._epoch
        pairs: list[tuple[str, str | bytes | None]] = list(headers.items())
        try:
            self._client.produce(topic, value, key.encode(), headers=pairs, on_delivery=epoch.confirm)
        except KafkaException as error:
            raise DeliveryFailed(f"{topic}: {error}") from error
        epoch.sent += 1

    async def room(self) -> None:
        """Return when the queue is not crowded: whoever sends in a loop waits here, so that it never fills."""
        while len(self._client) > _CROWDED:  # noqa: ASYNC110 (librdkafka has no event for it)
            await asyncio.sleep(0.01)

    async def drained(self, timeout_s: float = 30.0) -> None:
        """Wait until everything sent so far is confirmed, while the loop goes on.

        Raises:
            DeliveryFailed: something was not delivered, or not confirmed in time.
        """
        await asyncio.to_thread(self._wait, self._close_epoch(), timeout_s)

    def flush(self, timeout_s: float) -> None:
        """As `drained`, blocking the caller."""
        self._wait(self._close_epoch(), timeout_s)

    def topic_partitions(self, timeout_s: float) -> dict[str, int]:
        """Every topic of the cluster and how many partitions it has. Blocks.

        Raises:
            KafkaException: no broker answered in time.
        """
        topics = self._client.list_topics(timeout=timeout_s).topics
        return {name: len(topic.partitions) for name, topic in topics.items()}

    def close(self) -> None:
        """Stop polling. What is still queued is given up: drain first."""
        self._closed.set()
        self._poller.join()
        self._client.purge()
        self._client.poll(0)

    def _close_epoch(self) -> list[_Epoch]:
        closing, self._epoch = self._epoch, _Epoch(self._fail)
        closing.close()
        self._open = [epoch for epoch in self._open if not epoch.done.is_set()]
        waiting = list(self._open)
        self._open.append(self._epoch)
        return waiting

    def _wait(self, epochs: list[_Epoch], timeout_s: float) -> None:
        for epoch in epochs:
            if not epoch.done.wait(timeout_s):
                raise DeliveryFailed(f"{epoch.unconfirmed} messages not confirmed in {timeout_s} s")
        self._check()

    def _check(self) -> None:
        if self._failure is not None:
            raise DeliveryFailed(self._failure)

    def _fail(self, reason: str) -> None:
        if self._failure is None and not self._closed.is_set():
            self._failure = reason
            self._loop.call_soon_threadsafe(self._lifeline.fail, reason)

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            self._fail(f"producer: {error.str()}")
        else:
            _log.debug("producer", error=error.str())

    def _poll(self) -> None:
        while not self._closed.is_set():
            self._client.poll(_POLL_S)
