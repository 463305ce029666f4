"""Runs one stream role: its stepper, its Faust app, its config, its checkpoints and its clock."""

import asyncio
import time
from collections.abc import Coroutine, Iterable

import structlog
from confluent_kafka import KafkaException

from hedgerow.schemas.records import StrategyPublished
from hedgerow.streams.agent import Agents
from hedgerow.streams.config_tail import ConfigTail
from hedgerow.streams.context import Context, FollowsAssignment, StreamRole
from hedgerow.streams.faust_app import Partition, build_app
from hedgerow.streams.lifeline import Lifeline
from hedgerow.streams.log_offsets import LogOffsets
from hedgerow.streams.metrics import WorkerMetrics
from hedgerow.streams.ownership import acknowledgement, beat, home_of
from hedgerow.streams.partitions import Partitions, Slot
from hedgerow.streams.processor import Processor
from hedgerow.streams.producer import KafkaProducer
from hedgerow.streams.readiness import Conditions
from hedgerow.streams.state_keeper import CheckpointedStepper, StateKeeper
from hedgerow.streams.watchdog import Watchdog

_log = structlog.get_logger(__name__)

_CHECKPOINT_EVERY_S = 5.0
_OBSERVE_EVERY_S = 1.0
_BEAT_EVERY_S = 3.0
_STOP_GRACE_S = 10.0


class StreamRunner:
    """One per stream role and worker. It is the role's `RebalanceListener` as well."""

    def __init__(
        self,
        role: StreamRole,
        context: Context,
        producer: KafkaProducer,
        metrics: WorkerMetrics,
        lifeline: Lifeline,
        conditions: Conditions,
        watchdog: Watchdog,
        log_offsets: LogOffsets,
    ) -> None:
        self._role = role
        self._context = context
        self._producer = producer
        self._metrics = metrics
        self._lifeline = lifeline
        self._conditions = conditions
        self._watchdog = watchdog
        self._log_offsets = log_offsets
        self._stepper = role.make_stepper(context)
        self._processor = Processor(role.name, self._stepper, role.subscriptions, producer, metrics)
        self._partitions = Partitions()
        self._loading: dict[Partition, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        settings = context.settings
        self._app = build_app(role.name, settings.kafka, settings.data_dir, lifeline, producer, self)
        self._agents = Agents(self._processor, self._partitions, producer, lifeline)
        self._tail = (
            ConfigTail(settings.kafka, self._strategy_changed, self._processor.dead_letter)
            if role.follows_strategies
            else None
        )
        self._keeper = self._make_keeper() if role.checkpointed else None

    def _make_keeper(self) -> StateKeeper:
        if not isinstance(self._stepper, CheckpointedStepper):
            raise TypeError(
                f"role {self._role.name} is checkpointed; its stepper lacks `snapshot` or `restore`"
            )
        return StateKeeper(
            self._role.name,
            self._context.settings,
            self._stepper,
            self._processor,
            self._producer,
            self._context.readiness,
        )

    async def start(self) -> None:
        """Read the config, then join the group."""
        self._context.readiness.set("group", False, "has not joined its group yet")
        if self._tail is not None:
            self._context.readiness.set("strategies", False, "is reading the strategies")
            await self._tail.open()
            self._context.readiness.set("strategies", True)
            self._keep(self._tail.follow(), "tail of strategies")
        for subscription in self._role.subscriptions:
            self._agents.subscribe(self._app, subscription.topic)
        await self._app.start()
        self._keep(self._app_crash(), "Faust")
        self._keep(self._observe(), "observer")
        self._keep(self._beat(), "beat")
        if self._role.tick_interval_s is not None:
            self._keep(self._tick(self._role.tick_interval_s), "tick")
        if self._keeper is not None:
            self._keep(self._save_regularly(self._keeper), "checkpoints")
        if self._role.background is not None:
            self._keep(self._background(), "background task")

    async def stop(self) -> None:
        """Stop consuming, commit what is done, save the state, leave the group."""
        self._context.readiness.set("group", False, "is stopping")
        for task in self._tasks:
            if task.get_name() != "background task":
                task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_STOP_GRACE_S)
        for task in [*self._tasks, *self._loading.values()]:
            task.cancel()
        await self._app.stop()
        if self._keeper is not None:
            await self._keeper.save(self._partitions)
            await self._keeper.close()
        for slot in self._partitions:
            self._partitions.remove(slot.partition)
        if self._tail is not None:
            await self._tail.close()

    # The group's decisions

    async def assigned(self, partitions: frozenset[Partition]) -> None:
        for partition in sorted(partitions):
            slot = self._partitions.add(partition)
            self._loading[partition] = asyncio.create_task(self._load(slot), name=f"load {partition}")
        _log.info("assigned", role=self._role.name, partitions=sorted(partitions))
        self._context.readiness.set("group", True)
        self._show_state()

    async def revoked(self, partitions: frozenset[Partition]) -> None:
        _log.info("revoked", role=self._role.name, partitions=sorted(partitions))
        slots = [slot for slot in self._partitions if slot.partition in partitions]
        if self._keeper is not None:
            await self._keeper.save(slots)
        for slot in slots:
            loading = self._loading.pop(slot.partition, None)
            if loading is not None:
                loading.cancel()
            self._partitions.remove(slot.partition)
            self._stepper.revoke(*slot.partition)
            self._metrics.lag.remove(self._role.name, slot.partition[0], slot.partition[1])
        self._context.readiness.set("group", False, "is in a rebalance")

    async def _load(self, slot: Slot) -> None:
        try:
            if self._keeper is not None:
                await self._keeper.restore(slot)
            if isinstance(self._stepper, FollowsAssignment):
                self._stepper.assign(*slot.partition)
        except Exception as error:
            self._lifeline.fail(f"{self._role.name}: cannot load {slot.partition}: {error}", error)
            return
        slot.open()
        self._show_state()
        self._acknowledge_owned(slot.partition)

    def _show_state(self) -> None:
        loading = sorted(slot.partition for slot in self._partitions if not slot.loaded)
        self._context.readiness.set("state", not loading, f"is loading {loading}" if loading else "")

    # Strategies

    def _strategy_changed(self, strategy: str, published: StrategyPublished | None) -> None:
        self._processor.emit(self._stepper.strategy_changed(strategy, published))
        slot = self._partitions.get(home_of(self._role, strategy, self._context.settings.partitions))
        if published is not None and slot is not None and slot.loaded:
            self._acknowledge(strategy, published)

    def _acknowledge_owned(self, partition: Partition) -> None:
        for strategy, published in self._tail.known.items() if self._tail is not None else ():
            if home_of(self._role, strategy, self._context.settings.partitions) == partition:
                self._acknowledge(strategy, published)

    def _acknowledge(self, strategy: str, published: StrategyPublished) -> None:
        self._processor.emit([acknowledgement(self._role.name, self._context.worker, strategy, published)])

    # What runs beside the stream

    def _keep(self, work: Coroutine[object, object, None], name: str) -> None:
        """Run a task whose end, while the worker is not stopping, ends the process."""

        async def kept() -> None:
            try:
                await work
            except Exception as error:
                self._lifeline.fail(f"{self._role.name}: {name} failed: {error}", error)
            else:
                if not self._lifeline.stopping.is_set():
                    self._lifeline.fail(f"{self._role.name}: {name} ended by itself")

        self._tasks.append(asyncio.create_task(kept(), name=name))

    async def _app_crash(self) -> None:
        await self._app._crashed.wait()
        raise RuntimeError("crashed") from self._app._crash_reason

    async def _background(self) -> None:
        assert self._role.background is not None
        await self._role.background(self._context, self._stepper)

    async def _tick(self, interval_s: float) -> None:
        while True:
            await asyncio.sleep(interval_s)
            self._processor.emit(self._stepper.tick(time.time_ns()))

    async def _beat(self) -> None:
        while True:
            owned = [slot.partition for slot in self._partitions if slot.loaded]
            self._processor.emit([beat(self._role, self._context.worker, owned)])
            await asyncio.sleep(_BEAT_EVERY_S)

    async def _observe(self) -> None:
        while True:
            await asyncio.sleep(_OBSERVE_EVERY_S)
            lag = await self._lag()
            outage = self._conditions.outage(self._role.name)
            if self._watchdog.observe(time.monotonic(), self._agents.processed, lag, outage):
                self._lifeline.fail(f"{self._role.name}: {lag} messages behind and no progress")

    async def _lag(self) -> int:
        """Messages not yet taken up. Where the brokers do not tell there may be some: that counts as one message."""
        slots = list(self._partitions)
        try:
            ends = await self._log_offsets.ends(slot.partition for slot in slots)
            await self._find_starts(slot for slot in slots if slot.taken_up_to is None)
        except KafkaException as error:
            _log.warning("Kafka does not tell where logs end", role=self._role.name, error=str(error))
            return max(1, self._watchdog.lag)
        lags = {slot.partition: max(0, ends[slot.partition] - (slot.taken_up_to or 0)) for slot in slots}
        for partition, lag in lags.items():
            self._metrics.lag.labels(self._role.name, *partition).set(lag)
        return sum(lags.values())

    async def _find_starts(self, slots: Iterable[Slot]) -> None:
        unknown = {slot.partition: slot for slot in slots}
        for partition, start in (await self._log_offsets.starts(self._app.conf.id, unknown)).items():
            unknown[partition].start_offset = start

    # Checkpoints

    async def _save_regularly(self, keeper: StateKeeper) -> None:
        while True:
            await asyncio.sleep(_CHECKPOINT_EVERY_S)
            await keeper.save(self._partitions)
