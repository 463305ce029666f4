"""Faust, held to what the shell needs: its consumer group, its fetching and its commits, and nothing else.

Three things are replaced through Faust's own extension points:
- the producer: nothing is sent through Faust, but its `flush`, which Faust awaits before it commits offsets, waits
  for the process's own producer;
- the consumer's rebalance callbacks: the shell must hear of an assignment before the first message of it flows, and
  of a revocation after the last. Faust also forgets the acknowledgements of revoked partitions before it would
  commit them, so they are committed first;
- the web server, the sensors and the leader topic are left out.
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol, cast

import faust
from aiokafka import AIOKafkaConsumer
from faust.app.base import BootStrategy
from faust.sensors import SensorDelegate
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from hedgerow.streams.eager import begin
from hedgerow.streams.kafka_access import read_kafka_access
from hedgerow.streams.lifeline import Lifeline
from hedgerow.streams.producer import KafkaProducer

_FETCH_MAX_WAIT_MS = 250
_PREFETCH_BACKOFF_S = 5.0

Partition = tuple[str, int]


class RebalanceListener(Protocol):
    """Hears of the group's decisions, in the loop's thread."""

    async def assigned(self, partitions: frozenset[Partition]) -> None: ...

    async def revoked(self, partitions: frozenset[Partition]) -> None: ...


class _Producer(driver.Producer):
    async def on_start(self) -> None:
        """Open no second connection: whatever Faust itself would send fails with its `NotReady`."""

    async def on_stop(self) -> None:
        await self.flush()

    async def flush(self) -> None:
        app = cast(StreamApp, self.app)
        # A worker that is failing must not commit what it did not finish.
        app.lifeline.check()
        await app.shared_producer.drained()


class _ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer with two of aiokafka's times set, which Faust does not let through.

    When fetched messages wait to be taken for longer than the prefetch backoff (0.1 s), aiokafka asks the broker for
    the other partitions alone, and a quiet partition keeps that request open for the maximum wait (1.5 s in Faust):
    for as long nothing is fetched at all. Under load every such stall made the next batch, and so the next stall.
    """

    def _create_consumer(self, loop: asyncio.AbstractEventLoop) -> AIOKafkaConsumer:
        consumer = super()._create_consumer(loop)
        consumer._fetch_max_wait_ms = _FETCH_MAX_WAIT_MS
        return consumer

    async def on_start(self) -> None:
        await super().on_start()
        self._ensure_consumer()._fetcher._prefetch_backoff = _PREFETCH_BACKOFF_S


class _Consumer(driver.Consumer):
    def _new_consumer_thread(self) -> _ConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def wait_first(self, *waits: Any, **limits: Any) -> Any:
        """Faust's own, except that handing on a message while the flow is open first tries to do so at once."""
        if len(waits) == 2 and asyncio.iscoroutine(waits[0]) and not self.suspend_flow.is_set():
            delivery, suspension = waits
            rest = begin(delivery)
            if rest is None:
                suspension.close()
                return None
            waits = (rest, suspension)
        return await super().wait_first(*waits, **limits)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        await self.commit()
        await super().on_partitions_revoked(revoked)
        await cast(StreamApp, self.app).listener.revoked(_plain(revoked))

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        await cast(StreamApp, self.app).listener.assigned(_plain(assigned))
        await super().on_partitions_assigned(assigned, generation_id)


class _Transport(driver.Transport):
    Consumer = _Consumer
    Producer = _Producer


class _Boot(BootStrategy):
    enable_web = False
    enable_sensors = False


class StreamApp(faust.App):
    """One role's Faust app. Build it with `build_app`."""

    BootStrategy = _Boot

    lifeline: Lifeline
    shared_producer: KafkaProducer
    listener: RebalanceListener

    def _new_transport(self) -> _Transport:
        return _Transport(self.conf.broker_consumer, self)


def group_of(role: str) -> str:
    """A role's consumer group, which is its Faust app id as well."""
    return f"hedgerow-{role}"


def build_app(
    role: str,
    servers: str,
    data_dir: Path,
    lifeline: Lifeline,
    producer: KafkaProducer,
    listener: RebalanceListener,
) -> StreamApp:
    """The app of one role, with the settings that measured best.

    A session timeout of 6 s is the least that brokers accept unless told otherwise; Faust's own default leaves a
    dead worker's partitions alone for 60 s.
    """
    work_dir = data_dir / "faust" / role
    work_dir.mkdir(parents=True, exist_ok=True)
    app = StreamApp(
        group_of(role),
        broker=[f"kafka://{server}" for server in servers.split(",")],
        broker_credentials=_credentials(),
        store="memory://",
        datadir=str(work_dir),
        autodiscover=False,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        # Messages are acknowledged by hand, so one that a rebalance interrupts is simply not acknowledged. Faust
        # would wait for it, for ever.
        stream_wait_empty=False,
        stream_buffer_maxsize=65536,
        broker_session_timeout=6,
        broker_heartbeat_interval=1.5,
        broker_rebalance_timeout=10,
        broker_request_timeout=15,
        broker_commit_interval=0.5,
        consumer_metadata_max_age_ms=5000,
        producer_metadata_max_age_ms=5000,
    )
    app.sensors = _NoSensors(app)
    app.lifeline = lifeline
    app.shared_producer = producer
    app.listener = listener
    return app


def _credentials() -> faust.SASLCredentials | faust.SSLCredentials | None:
    access = read_kafka_access()
    if access.security.with_login:
        return faust.SASLCredentials(
            username=access.user,
            password=access.password,
            ssl_context=access.context(),
            mechanism=access.mechanism.value,
        )
    return faust.SSLCredentials(access.context()) if access.security.encrypted else None


class _NoSensors(SensorDelegate):
    """Faust makes its monitor a sensor, and every message would then pass through it three times."""

    def add(self, sensor: object) -> None:
        pass


def _plain(partitions: Iterable[Any]) -> frozenset[Partition]:
    return frozenset((tp.topic, tp.partition) for tp in partitions)
