"""What a role is, and what the worker hands to it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import msgspec
import prometheus_client

from hedgerow.schemas.records import StrategyPublished
from hedgerow.streams.settings import Settings

Headers = Mapping[str, bytes]


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """One decoded message and where it came from.

    Attributes:
        received_ns: the shell's clock when it was taken up.
        value: the bytes that `record` was decoded from, for whoever finds later that it cannot be used.
    """

    topic: str
    partition: int
    offset: int
    key: str | None
    record: Any
    headers: Headers
    received_ns: int
    value: bytes | None = None


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """One message to send. `cause` is the Incoming whose trace headers it carries on; None starts a trace."""

    topic: str
    key: str
    record: msgspec.Struct | None
    cause: Incoming | None = None


class Stepper(Protocol):
    """The pure part of a stream role: state inside, no clock, no I/O; time comes in with the message."""

    def step(self, incoming: Incoming) -> Sequence[Outgoing]: ...

    def tick(self, now_ns: int) -> Sequence[Outgoing]: ...

    def revoke(self, topic: str, partition: int) -> None: ...

    def strategy_changed(self, strategy: str, published: StrategyPublished | None) -> Sequence[Outgoing]: ...


@runtime_checkable
class FollowsAssignment(Protocol):
    """A stepper that must know which partitions it owns is told of each once its state is loaded."""

    def assign(self, topic: str, partition: int) -> None: ...


@runtime_checkable
class Checkpointed(Protocol):
    """What the stepper of a `checkpointed` role has beside `Stepper`.

    `restore` raises `ValueError` when the bytes are no state that it can read.
    """

    def snapshot(self, partition: int) -> bytes: ...

    def restore(self, partition: int, state: bytes) -> None: ...


class Producer(Protocol):
    """The process's one producer. `send` never blocks: a full queue raises `BufferError`.

    `flush` and `drained` wait until what was sent is confirmed, the one blocking, the other while the loop goes on.
    """

    def send(self, topic: str, key: str, value: bytes | None, headers: Headers) -> None: ...

    def flush(self, timeout_s: float) -> None: ...

    async def drained(self, timeout_s: float) -> None: ...


class Readiness(Protocol):
    """Named conditions that must all hold before `/ready` says yes.

    A condition that does not hold because a server is away is marked `outage`: the watchdog then waits.
    """

    def set(self, name: str, ok: bool, detail: str = "", outage: bool = False) -> None: ...


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Handed to every role when its worker starts."""

    role: str
    worker: str
    settings: Settings
    producer: Producer
    readiness: Readiness
    metrics: prometheus_client.CollectorRegistry
    stopping: asyncio.Event


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """A topic and the record type (or union) that its values decode to."""

    topic: str
    record_type: Any


class StreamRole(msgspec.Struct, frozen=True, kw_only=True):
    """A role that turns messages into messages, as Faust agents around a pure stepper.

    Attributes:
        make_stepper: builds the stepper; called once per worker.
        follows_strategies: the shell tails `strategies` and calls `strategy_changed` on the stepper.
        tick_interval_s: how often `tick` is called; None never.
        checkpointed: the stepper has `snapshot(partition) -> bytes` and `restore(partition, bytes)`, which the shell
            keeps in the ledger's database with the offset they belong to (see `streams/checkpoints.py`).
        background: an extra task of this role, e.g. hedging's decide loop.
    """

    name: str
    subscriptions: tuple[Subscription, ...]
    make_stepper: Callable[[Context], Stepper]
    follows_strategies: bool = False
    tick_interval_s: float | None = None
    checkpointed: bool = False
    background: Callable[[Context, Any], Awaitable[None]] | None = None


class ServiceRole(msgspec.Struct, frozen=True, kw_only=True):
    """A role that is a plain asyncio service: it runs until `context.stopping` is set, then returns.

    Attributes:
        needs_kafka: the role starts once Kafka answers, and is not ready while it does not.
    """

    name: str
    run: Callable[[Context], Awaitable[None]]
    needs_kafka: bool = True


Role = StreamRole | ServiceRole
