"""One message through one role, without a server."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import DeadLetter, HedgeDecided
from hedgerow.streams import trace
from hedgerow.streams.context import Incoming, Outgoing, Subscription
from hedgerow.streams.metrics import WorkerMetrics
from hedgerow.streams.processor import Processor, RawMessage

Sent = tuple[str, str, bytes | None, Mapping[str, bytes]]
NOW_NS = 7_000


class Outbox:
    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.full = False

    def send(self, topic: str, key: str, value: bytes | None, headers: Mapping[str, bytes]) -> None:
        if self.full:
            raise BufferError("queue full")
        self.sent.append((topic, key, value, headers))

    def flush(self, timeout_s: float) -> None:
        pass


class Echo:
    """Says each decision again; a decision below zero is more than it can bear, and 13 cannot be encoded."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def step(self, incoming: Incoming) -> Sequence[Outgoing]:
        record: HedgeDecided = incoming.record
        if record.decision < 0:
            raise ArithmeticError("below zero")
        self.seen.append(record.decision)
        second: Any = object() if record.decision == 13 else None
        return [
            Outgoing(topic="out", key="k", record=record, cause=incoming),
            Outgoing(topic="out", key="gone", record=second, cause=incoming),
        ]

    def tick(self, now_ns: int) -> Sequence[Outgoing]:
        return ()

    def revoke(self, topic: str, partition: int) -> None:
        pass

    def strategy_changed(self, strategy: str, published: object) -> Sequence[Outgoing]:
        return ()


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def processor(outbox: Outbox, registry: CollectorRegistry, echo: Echo) -> Processor:
    subscriptions = [Subscription(topic="in", record_type=HedgeDecided)]
    return Processor("echo", echo, subscriptions, outbox, WorkerMetrics(registry), clock=lambda: NOW_NS)


def message(value: bytes | None, key: bytes | None = b"demo/btc", offset: int = 41) -> RawMessage:
    headers = trace.start("quote:BTC/USDT:1", 1_000)
    return RawMessage(topic="in", partition=2, offset=offset, key=key, value=value, headers=headers)


def decided(decision: int) -> bytes:
    return encode(HedgeDecided(strategy="demo/btc", uid="u", decision=decision, intents=(), decided_ns=1))


def test_results_are_sent_with_the_trace_carried_on(processor: Processor, outbox: Outbox) -> None:
    processor.process(message(decided(1)))
    (topic, key, value, headers), (_, gone, nothing, _) = outbox.sent
    assert (topic, key, value) == ("out", "k", decided(1))
    assert (gone, nothing) == ("gone", None)
    assert trace.read_stages(headers) == {"received": 1_000, "echo": NOW_NS}
    assert trace.read_cause(headers) == "quote:BTC/USDT:1"


@pytest.mark.parametrize(
    ("bad", "cause"),
    [
        (message(b"{not json"), "UndecodableRecord: JSON is malformed"),
        (message(None), "UndecodableRecord: null value where a record is expected"),
        (message(decided(1).replace(b'"v":1', b'"v":2')), "UndecodableRecord: schema version 2"),
        (message(decided(1), key=b"\xff"), "UnicodeDecodeError"),
        (message(decided(-1)), "ArithmeticError: below zero"),
        (message(decided(13)), "TypeError"),
    ],
)
def test_a_bad_message_becomes_one_dead_letter_and_nothing_else(
    processor: Processor, outbox: Outbox, registry: CollectorRegistry, bad: RawMessage, cause: str
) -> None:
    processor.process(bad)
    ((topic, key, value, headers),) = outbox.sent
    assert (topic, key) == ("dead.letters", "in")
    letter = msgspec.json.decode(value or b"", type=DeadLetter)
    assert letter.cause.startswith(cause)
    assert (letter.role, letter.topic, letter.partition, letter.offset) == ("echo", "in", 2, 41)
    assert (letter.key, letter.value) == (bad.key, bad.value)
    assert trace.trace_id(headers) == trace.trace_id(bad.headers)
    assert registry.get_sample_value("hedgerow_dead_letters_total", {"role": "echo", "topic": "in"}) == 1


def test_a_full_queue_is_no_fault_of_the_message(processor: Processor, outbox: Outbox) -> None:
    outbox.full = True
    with pytest.raises(BufferError):
        processor.process(message(decided(1)))
    with pytest.raises(BufferError):
        processor.process(message(b"{not json"))


def test_absorbing_changes_the_state_and_sends_nothing(
    processor: Processor, outbox: Outbox, echo: Echo
) -> None:
    processor.absorb(message(decided(5)))
    processor.absorb(message(b"{not json"))
    assert echo.seen == [5]
    assert outbox.sent == []


def test_what_a_role_says_on_its_own_account_starts_a_trace(processor: Processor, outbox: Outbox) -> None:
    processor.emit([Outgoing(topic="out", key="k", record=None)])
    assert trace.read_cause(outbox.sent[0][3]) == f"echo:out:k:{NOW_NS}"


def test_what_is_counted(processor: Processor, registry: CollectorRegistry) -> None:
    processor.process(message(decided(1)))
    role = {"role": "echo"}
    assert registry.get_sample_value("hedgerow_messages_received_total", {**role, "topic": "in"}) == 1
    assert registry.get_sample_value("hedgerow_messages_sent_total", {**role, "topic": "out"}) == 2
    assert registry.get_sample_value("hedgerow_hop_seconds_sum", role) == pytest.approx(6e-6)
    assert registry.get_sample_value("hedgerow_step_seconds_count", role) == 1
