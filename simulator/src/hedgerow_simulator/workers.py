"""Workers of the stream roles: each role's own stepper in its own processor, on the simulated log.

What stands here in Faust's place is its contract only: partitions are assigned and taken away, messages are handed out
in order and again from the last committed offset, and a checkpointed role's state is loaded and the log replayed, as
`streams/state_keeper.py` does.
"""

import asyncio
from functools import partial
from types import SimpleNamespace
from typing import Any

from prometheus_client import CollectorRegistry

from hedgerow.schemas.records import StrategyPublished
from hedgerow.streams.config_tail import Generations
from hedgerow.streams.context import Context, FollowsAssignment, StreamRole
from hedgerow.streams.metrics import WorkerMetrics, worker_metrics
from hedgerow.streams.processor import Processor, RawMessage
from hedgerow_simulator.ledger import LedgerServer
from hedgerow_simulator.log import PARTITIONS, Group, Log, SimulatedProducer, TopicPartition
from hedgerow_simulator.tables import Tables
from hedgerow_simulator.world import Life, World

COMMIT_EVERY_S = 1.0
CHECKPOINT_EVERY_S = 5.0


class Quiet:
    """Readiness that nobody asks for."""

    def set(self, name: str, ok: bool, detail: str = "", outage: bool = False) -> None:
        """Nobody asks."""


class Keys:
    """The folder of mounted keys, which never change."""

    def __truediv__(self, name: str) -> "Keys":
        return self

    def read_text(self) -> str:
        return "simulated"


def context_of(role: str, life: Life, log: Log) -> Context:
    """What a role is handed, as far as it uses it in a run."""
    settings: Any = SimpleNamespace(partitions=PARTITIONS, ledger_dsn="simulated", keys_dir=Keys())
    producer: Any = SimulatedProducer(log, life)
    return Context(
        role=role,
        worker=life.name,
        settings=settings,
        producer=producer,
        readiness=Quiet(),
        metrics=CollectorRegistry(),
        stopping=asyncio.Event(),
    )


class Strategies:
    """The compacted topic `strategies`: the newest of each, and who tails it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.newest: dict[str, StrategyPublished] = {}
        self._tails: list[StreamWorker] = []

    def publish(self, published: StrategyPublished) -> None:
        known = self.newest.get(published.config.key)
        if known is None or published.generation > known.generation:
            self.newest[published.config.key] = published
        for tail in self._tails:
            if not tail.life.dead:
                self.world.later(
                    self.world.random("strategies").uniform(0.001, 0.5), tail.strategy_changed, published
                )

    def follow(self, worker: "StreamWorker") -> None:
        self._tails = [tail for tail in self._tails if not tail.life.dead]
        self._tails.append(worker)


class StreamWorker:
    """One worker of one role, from its start until its process dies."""

    def __init__(
        self,
        role: StreamRole,
        life: Life,
        log: Log,
        ledger: LedgerServer,
        strategies: Strategies,
        context: Context,
    ) -> None:
        self.life = life
        self.stepper = role.make_stepper(context)
        self._role = role
        self._log = log
        self._ledger = ledger
        self._strategies = strategies
        metrics: WorkerMetrics = worker_metrics(context.metrics)
        self._processor = Processor(
            role.name, self.stepper, role.subscriptions, context.producer, metrics, clock=life.now_ns
        )
        topics = tuple(item.topic for item in role.subscriptions)
        self._group: Group = log.group(role.name, topics)
        self._epoch = -1
        self._next: dict[TopicPartition, int] = {}
        self._wake = asyncio.Event()
        self._generations = Generations()
        self._changed: list[StrategyPublished] = []
        self._committed_s = self._saved_s = 0.0
        self._saved: dict[TopicPartition, int] = {}

    async def run(self) -> None:
        """Until killed."""
        world = self.life.world
        if self._role.follows_strategies:
            self._strategies.follow(self)
            for published in self._strategies.newest.values():
                self.strategy_changed(published)
            self._take_changes()
        if self._role.tick_interval_s is not None:
            world.loop.create_task(self._ticks(self._role.tick_interval_s))
        self._log.join(self._group, self.life, self._wake.set)
        while True:
            if not self._wake.is_set():
                await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(world.random("fetch").uniform(0.001, 0.004))
            await self.life.passes("fetch")
            if self._epoch != self._group.epoch:
                await self._take_assignment()
            self._take_changes()
            if world.loop.seconds >= self._log.up_at_s:
                for where in list(self._next):
                    self._process(where)
            self._commit()
            await self._save()

    async def _ticks(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            if not self.life.paused and not self.life.dead:
                self._processor.emit(self.stepper.tick(self.life.now_ns()))

    def strategy_changed(self, published: StrategyPublished) -> None:
        if self._generations.offer(published.config.key, published):
            self._changed.append(published)
            self._wake.set()

    def _take_changes(self) -> None:
        for published in self._changed:
            self._processor.emit(self.stepper.strategy_changed(published.config.key, published))
        self._changed.clear()

    async def _take_assignment(self) -> None:
        group = self._group
        if self.life.name not in group.members:
            self._log.join(group, self.life, self._wake.set)
        self._epoch = epoch = group.epoch
        owned = [where for where, owner in group.owners.items() if owner == self.life.name]
        for where in [where for where in self._next if where not in owned]:
            self.stepper.revoke(*where)
            del self._next[where]
        for where in [where for where in owned if where not in self._next]:
            start = group.committed.get(where)
            if self._role.checkpointed:
                start = await self._restore(where, start)
            if self._epoch != epoch or group.epoch != epoch:
                self._wake.set()
                return
            self._next[where] = start or 0
            if isinstance(self.stepper, FollowsAssignment):
                self.stepper.assign(*where)
        self._wake.set()

    async def _restore(self, where: TopicPartition, committed: int | None) -> int:
        stepper: Any = self.stepper
        while True:
            try:
                found = await self._ledger.ask(
                    self.life,
                    "load checkpoint",
                    lambda tables: tables.checkpoints.get((self._role.name, *where)),
                )
                break
            except ConnectionError:
                await asyncio.sleep(0.5)
        self.stepper.revoke(*where)
        start = 0
        if found is not None:
            start = found[0]
            stepper.restore(where[1], found[1])
        stop = start if committed is None else committed
        for message in self._messages(where)[start:stop]:
            self._processor.absorb(message)
        return max(start, stop)

    def _messages(self, where: TopicPartition) -> list[RawMessage]:
        return self._log.partitions.get(where, [])

    def _process(self, where: TopicPartition) -> None:
        messages = self._messages(where)
        while self._next[where] < len(messages):
            message = messages[self._next[where]]
            self._next[where] += 1
            self._processor.process(message)

    def _commit(self) -> None:
        now_s = self.life.world.loop.seconds
        if now_s - self._committed_s < COMMIT_EVERY_S or self._epoch != self._group.epoch:
            return
        self._committed_s = now_s
        self._group.committed.update(self._next)

    async def _save(self) -> None:
        now_s = self.life.world.loop.seconds
        if not self._role.checkpointed or now_s - self._saved_s < CHECKPOINT_EVERY_S:
            return
        self._saved_s = now_s
        stepper: Any = self.stepper
        for where, offset in list(self._next.items()):
            key, checkpoint = (self._role.name, *where), (offset, stepper.snapshot(where[1]))
            # What the state has caused is in the log by then, as the producer's drain makes sure.
            await asyncio.sleep(0.01)
            try:
                await self._ledger.ask(
                    self.life,
                    "save checkpoint",
                    partial(Tables.save_checkpoint, key=key, checkpoint=checkpoint),
                )
            except ConnectionError:
                return
