"""One message through one role: decode, step, send. Faust does not come in here, so it is tested without a server."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache

import msgspec
import structlog

from hedgerow.schemas.codec import Decoder, encode
from hedgerow.schemas.records import DeadLetter
from hedgerow.schemas.topics import DEAD_LETTERS
from hedgerow.streams import trace
from hedgerow.streams.context import Headers, Incoming, Outgoing, Producer, Stepper, Subscription
from hedgerow.streams.metrics import WorkerMetrics

_log = structlog.get_logger(__name__)

Clock = Callable[[], int]


class RawMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What the log holds."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class _Encoded(msgspec.Struct, frozen=True):
    topic: str
    key: str
    value: bytes | None
    headers: Headers


def as_headers(headers: Iterable[tuple[str, bytes]] | Mapping[str, bytes] | None) -> dict[str, bytes]:
    """Headers as clients hand them out: pairs, a mapping, or nothing."""
    return dict(headers or ())


class Processor:
    """Turns raw messages into steps of one stepper, and sends what comes out.

    A message that cannot be decoded, or whose step raises, or whose results cannot be encoded, is bad: it goes to
    `dead.letters` whole and with its cause, none of its results are sent, and the stream goes on. Whatever the
    producer raises is the infrastructure's failure and leaves `process`.
    """

    def __init__(
        self,
        role: str,
        stepper: Stepper,
        subscriptions: Sequence[Subscription],
        producer: Producer,
        metrics: WorkerMetrics,
        clock: Clock = time.time_ns,
    ) -> None:
        self._role = role
        self._stepper = stepper
        self._producer = producer
        self._clock = clock
        self._decoders = {item.topic: Decoder[object](item.record_type) for item in subscriptions}
        self._received = {item.topic: metrics.received.labels(role, item.topic) for item in subscriptions}
        self._sent = cache(lambda topic: metrics.sent.labels(role, topic))
        self._dead = metrics.dead
        self._step_seconds = metrics.step_seconds.labels(role)
        self._hop_seconds = metrics.hop_seconds.labels(role)

    def process(self, message: RawMessage) -> None:
        """Take one message up, once and for all.

        Raises:
            BufferError, DeliveryFailed: the producer failed; the message must not be acknowledged.
        """
        received_ns = self._clock()
        self._received[message.topic].inc()
        previous_ns = trace.last_stage_ns(message.headers)
        if previous_ns is not None:
            self._hop_seconds.observe((received_ns - previous_ns) / 1e9)
        began = time.perf_counter()
        try:
            outgoing = self._encode(self._step(message, received_ns))
        except Exception as error:  # whatever a message makes a step raise, the message is to blame
            self._bury(message, error, received_ns)
            return
        self._step_seconds.observe(time.perf_counter() - began)
        self._send(outgoing)

    def absorb(self, message: RawMessage) -> None:
        """Step through a message that was taken up before, for its effect on the state only."""
        try:
            self._step(message, self._clock())
        except Exception as error:  # it became a dead letter when it was taken up
            _log.info("bad message again while replaying", offset=message.offset, cause=_words(error))

    def emit(self, outgoing: Sequence[Outgoing]) -> None:
        """Send what a role says on its own account: at a tick, or when a strategy changed."""
        if outgoing:
            self._send(self._encode(outgoing))

    def dead_letter(self, message: RawMessage, error: Exception) -> None:
        """Send a message that cannot be used to `dead.letters`."""
        self._bury(message, error, self._clock())

    def _step(self, message: RawMessage, received_ns: int) -> Sequence[Outgoing]:
        incoming = Incoming(
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            key=None if message.key is None else message.key.decode(),
            record=self._decoders[message.topic].decode(message.value),
            headers=message.headers,
            received_ns=received_ns,
            value=message.value,
        )
        return list(self._stepper.step(incoming))

    def _encode(self, outgoing: Iterable[Outgoing]) -> list[_Encoded]:
        return [
            _Encoded(
                item.topic,
                item.key,
                None if item.record is None else encode(item.record),
                self._headers(item),
            )
            for item in outgoing
        ]

    def _headers(self, item: Outgoing) -> dict[str, bytes]:
        if item.cause is not None:
            return trace.carry(item.cause.headers, self._role, item.cause.received_ns)
        now_ns = self._clock()
        return trace.start(f"{self._role}:{item.topic}:{item.key}:{now_ns}", now_ns)

    def _send(self, messages: Iterable[_Encoded]) -> None:
        for item in messages:
            self._producer.send(item.topic, item.key, item.value, item.headers)
            self._sent(item.topic).inc()

    def _bury(self, message: RawMessage, error: Exception, now_ns: int) -> None:
        bury(self._producer, self._role, message, error, now_ns)
        self._dead.labels(self._role, message.topic).inc()


def bury(producer: Producer, role: str, message: RawMessage, error: Exception, now_ns: int) -> None:
    """Send a message that cannot be used to `dead.letters`, whole and with its cause."""
    letter = DeadLetter(
        role=role,
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=message.key,
        value=message.value,
        cause=_words(error),
        time_ns=now_ns,
    )
    _log.error(
        "dead letter",
        role=role,
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        cause=letter.cause,
        trace_id=trace.trace_id(message.headers),
    )
    headers = trace.carry(message.headers, role, now_ns)
    producer.send(DEAD_LETTERS.name, message.topic, encode(letter), headers)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
