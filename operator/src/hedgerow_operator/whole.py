"""The operator as a whole: what it is made of, how it starts, what runs until it ends."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from typing import Any

import kopf
import structlog
from aiokafka.errors import KafkaError
from confluent_kafka import KafkaException
from kubernetes.client import ApiClient
from prometheus_client import CollectorRegistry

from hedgerow.ledger.connection import LedgerUnreachable
from hedgerow.streams.health import HealthServer
from hedgerow.streams.sender import KafkaUnreachable, Sender
from hedgerow.streams.topic_making import ensure_topics
from hedgerow_operator.beats import Beats, Part
from hedgerow_operator.cluster import Cluster, ClusterUnreachable, Gone
from hedgerow_operator.deletion import Deletion
from hedgerow_operator.halts import HaltReconciler
from hedgerow_operator.handlers import build_kopf_settings, build_registry
from hedgerow_operator.health import Pulse
from hedgerow_operator.kinds import GROUP_VERSION, HALT, STRATEGY, VENUE
from hedgerow_operator.ledger_side import LedgerSide
from hedgerow_operator.letting_go import dying, let_go
from hedgerow_operator.metrics import Metrics, build_metrics
from hedgerow_operator.publishing import Publishing
from hedgerow_operator.reports import Reports
from hedgerow_operator.resync import Resync
from hedgerow_operator.scribe import Scribe
from hedgerow_operator.settings import OperatorSettings
from hedgerow_operator.strategies import StrategyReconciler
from hedgerow_operator.venues import VenueReconciler
from hedgerow_operator.work_queue import Item, WorkQueue
from hedgerow_operator.world import World
from hedgerow_operator.writing import Writer

_log = structlog.get_logger(__name__)
# Mostly they wait: for the API server, the ledger, the turn to publish.
WORKERS = 32
RETRY_S = 1.0
GOODBYE_S = 15.0
AWAY: tuple[type[Exception], ...] = (
    ClusterUnreachable,
    LedgerUnreachable,
    KafkaUnreachable,
    KafkaException,
    KafkaError,
)


class Operator:
    """Make one, and `run` it once."""

    def __init__(self, settings: OperatorSettings, api: ApiClient, registry: CollectorRegistry) -> None:
        self._settings = settings
        self._metrics: Metrics = build_metrics(registry)
        self._queue = WorkQueue()
        self._world = World()
        self._pulse = Pulse(settings.resync_s)
        self._health = HealthServer(
            settings.http_host,
            settings.http_port,
            lambda: self._pulse.alive(self._queue_age_s(self._queue.stuck_s)),
            lambda: self._pulse.missing,
            registry,
        )
        self._cluster = Cluster(api, self._metrics)
        self._ledger = LedgerSide(settings.ledger_dsn)
        sender = Sender(settings.kafka)
        self._reports = Reports(self._wake_strategy)
        self._beats = Beats(settings.partitions, time.time_ns())
        self._scribe = Scribe(self._cluster)
        writer = Writer(self._cluster, self._world, self._scribe)
        deletion = Deletion(
            self._cluster, writer, self._world, self._ledger, sender, settings.flatten_deadline_s
        )
        self._strategies = StrategyReconciler(
            self._cluster,
            writer,
            self._world,
            self._ledger,
            Publishing(self._ledger, sender),
            self._reports,
            self._beats,
            deletion,
            self._metrics,
            self._wake_strategy,
        )
        self._venues = VenueReconciler(
            self._cluster, writer, self._world, self._ledger, settings.executor, self._wake_strategy
        )
        self._halts = HaltReconciler(writer, self._world, self._ledger, self._wake_strategy)
        self._resync = Resync(
            self._cluster, self._world, self._ledger, sender, self._halts, self._queue, settings.namespaces
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, or a signal.

        Raises:
            TopicsUnusable: the topics are of another shape; a person has to decide.
        """
        await self._health.start()
        tasks: set[asyncio.Task[None]] = set()
        try:
            await self._until_served()
            tasks = {
                asyncio.create_task(work, name=name)
                for name, work in (
                    ("topics", self._make_topics()),
                    ("reports", self._reports.follow(self._settings.kafka)),
                    ("events", self._scribe.run()),
                    ("beats", self._beats.follow(self._settings.kafka, self._wake_those_of)),
                    ("resync", self._keep_resyncing()),
                    ("kopf", self._watch(stop)),
                    *((f"worker-{number}", self._work()) for number in range(WORKERS)),
                )
            }
            await self._until_one_ends(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._let_go_of_the_dying()
            await self._health.stop()
            await self._ledger.close()
            self._cluster.close()

    async def _let_go_of_the_dying(self) -> None:
        """A namespace that is deleted with this operator in it would wait for the operator for ever."""
        try:
            async with asyncio.timeout(GOODBYE_S):
                gone = await dying(self._cluster, self._settings.namespaces)
                if gone:
                    await let_go(self._cluster, gone)
        except (ClusterUnreachable, TimeoutError) as error:
            _log.warning("namespaces were not looked at", error=str(error) or type(error).__name__)

    async def _until_one_ends(self, tasks: set[asyncio.Task[None]]) -> None:
        """Only the watches end by themselves, when they are told to; making topics ends when they are made."""
        running = set(tasks)
        while running:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
                if task.get_name() != "topics":
                    return

    async def _until_served(self) -> None:
        """The chart may install the definitions at the same time as this operator."""
        wanted = {kind.plural for kind in (STRATEGY, VENUE, HALT)}
        while True:
            try:
                missing = wanted - await self._cluster.served(GROUP_VERSION)
                problem = (
                    f"the API server has no {', '.join(sorted(missing))} in {GROUP_VERSION}"
                    if missing
                    else None
                )
            except ClusterUnreachable as error:
                problem = str(error)
            self._pulse.set("api-server", problem)
            if problem is None:
                return
            _log.warning("waiting", reason=problem)
            self._pulse.beat()
            await asyncio.sleep(RETRY_S)

    async def _make_topics(self) -> None:
        settings = self._settings
        while True:
            try:
                await asyncio.to_thread(
                    ensure_topics, settings.kafka, settings.partitions, settings.replication
                )
                await self._resync.sweep_topic(settings.kafka)
            except AWAY as error:
                self._pulse.set("topics", str(error))
                _log.warning("topics are not made yet", error=str(error))
                await asyncio.sleep(RETRY_S)
            else:
                self._pulse.set("topics", None)
                return

    async def _keep_resyncing(self) -> None:
        while True:
            try:
                await self._resync.run_once()
            except AWAY as error:
                self._pulse.set("resources", str(error))
                _log.warning("pass not finished", error=str(error))
                pause_s = min(RETRY_S, self._settings.resync_s)
            else:
                self._pulse.set("resources", None)
                self._metrics.last_resync.set(time.time())
                pause_s = self._settings.resync_s
            self._pulse.beat()
            self._count()
            await asyncio.sleep(pause_s)

    async def _watch(self, stop: asyncio.Event) -> None:
        namespaces = self._settings.namespaces
        await kopf.operator(
            registry=build_registry(self._world, self._queue, self._metrics),
            settings=build_kopf_settings(bool(namespaces)),
            standalone=True,
            clusterwide=not namespaces,
            namespaces=namespaces,
            stop_flag=stop,
        )

    async def _work(self) -> None:
        while True:
            item = await self._queue.take()
            try:
                await self._work_on(item)
            finally:
                self._queue.done(item)

    async def _work_on(self, item: Item) -> None:
        kind, key = item
        result = "done"
        with (
            self._metrics.reconcile_seconds.labels(kind).time(),
            structlog.contextvars.bound_contextvars(object=key),
        ):
            try:
                again_s = await self._reconciling(item)
            except Gone:
                self._queue.succeeded(item)
            except Exception as error:
                # Whatever it was, the object is looked at again: an operator that gives one up is worse than a noisy
                # one.
                delay_s = self._queue.retry(item)
                result = "failed"
                expected = isinstance(error, AWAY)
                _log.warning(
                    "to be tried again",
                    kind=kind,
                    error=str(error) or type(error).__name__,
                    retry_s=delay_s,
                    exc_info=not expected,
                )
            else:
                self._queue.succeeded(item)
                if again_s is not None:
                    result = "waiting"
                    self._queue.add_after(item, again_s)
        self._metrics.reconciles.labels(kind, result).inc()

    def _reconciling(self, item: Item) -> Coroutine[Any, Any, float | None]:
        kind, key = item
        if kind == STRATEGY.kind:
            return self._strategies.reconcile(key)
        if kind == VENUE.kind:
            return self._venues.reconcile(key)
        return self._halts.reconcile(key)

    def _wake_strategy(self, key: str) -> None:
        if self._world.find(STRATEGY, key) is not None:
            self._queue.add((STRATEGY.kind, key))

    def _wake_those_of(self, parts: frozenset[Part]) -> None:
        for key in self._world.of(STRATEGY).objects:
            if self._beats.concern(key, parts):
                self._wake_strategy(key)

    def _queue_age_s(self, measure: Callable[[float], float]) -> float:
        with contextlib.suppress(RuntimeError):
            return measure(asyncio.get_running_loop().time())
        return 0.0

    def _count(self) -> None:
        self._metrics.queued.set(len(self._queue))
        self._metrics.oldest_queued_seconds.set(self._queue_age_s(self._queue.oldest_s))
        counts: dict[tuple[str, str], int] = {}
        for body in self._world.of(STRATEGY).objects.values():
            for item in (body.get("status") or {}).get("conditions") or ():
                at = (item["type"], item["status"])
                counts[at] = counts.get(at, 0) + 1
        self._metrics.conditions.clear()
        for (condition, status), count in counts.items():
            self._metrics.conditions.labels(condition, status).set(count)
