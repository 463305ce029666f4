"""Keeps a stepper's state, and gives a newly assigned partition the one that an uninterrupted worker would have.

To restore, the newest checkpoint is loaded, then the log is replayed from the checkpoint's offset (or from its start)
up to the group's committed offset without sending anything: those messages were taken up before.
"""

import asyncio
from collections.abc import Iterable
from typing import Protocol, runtime_checkable

import structlog
from aiokafka.errors import KafkaError

from hedgerow.ledger.connection import LedgerUnreachable
from hedgerow.streams.checkpoints import Checkpoint, CheckpointStore
from hedgerow.streams.context import Checkpointed, Readiness, Stepper
from hedgerow.streams.faust_app import group_of
from hedgerow.streams.log_reader import LogReader
from hedgerow.streams.partitions import Slot
from hedgerow.streams.processor import Processor
from hedgerow.streams.producer import KafkaProducer
from hedgerow.streams.settings import Settings

_log = structlog.get_logger(__name__)

_FIRST_RETRY_S = 0.5
_LONGEST_RETRY_S = 5.0
_YIELD_EVERY = 200


@runtime_checkable
class CheckpointedStepper(Checkpointed, Stepper, Protocol):
    """What a `checkpointed` role steps with."""


class StateKeeper:
    """Saves and loads the partitions of one checkpointed role."""

    def __init__(
        self,
        role: str,
        settings: Settings,
        stepper: CheckpointedStepper,
        processor: Processor,
        producer: KafkaProducer,
        readiness: Readiness,
    ) -> None:
        self._role = role
        self._servers = settings.kafka
        self._stepper = stepper
        self._processor = processor
        self._producer = producer
        self._store = CheckpointStore(settings.ledger_dsn, role)
        self._readiness = readiness
        self._asking = asyncio.Lock()

    async def save(self, slots: Iterable[Slot]) -> None:
        """Save what changed; a ledger that is away is no reason to stop, since the log can be replayed.

        Raises:
            DeliveryFailed: what the state has caused could not be delivered.
        """
        changed = [
            (slot, Checkpoint(next_offset=slot.next_offset, state=self._stepper.snapshot(slot.partition[1])))
            for slot in slots
            if slot.loaded and slot.next_offset is not None and slot.next_offset != slot.saved_offset
        ]
        if not changed:
            return
        # Messages below a checkpoint are skipped after a crash, so what they caused must have been delivered.
        await self._producer.drained()
        try:
            for slot, checkpoint in changed:
                await self._store.save(slot.partition, checkpoint)
                slot.saved_offset = checkpoint.next_offset
        except LedgerUnreachable as error:
            self._readiness.set("ledger", False, str(error), outage=True)
            _log.warning("checkpoint not saved", role=self._role, error=str(error))
        else:
            self._readiness.set("ledger", True)

    async def close(self) -> None:
        await self._store.close()

    async def restore(self, slot: Slot) -> None:
        """Load the slot's state and set its `next_offset`; a server that is away is waited for."""
        wait_s = _FIRST_RETRY_S
        while True:
            try:
                await self._restore(slot)
                return
            except KafkaError as error:
                _log.warning(
                    "log cannot be read", partition=slot.partition, error=str(error), next_try_s=wait_s
                )
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, _LONGEST_RETRY_S)

    async def _restore(self, slot: Slot) -> None:
        # An earlier try may have left half a state.
        self._stepper.revoke(*slot.partition)
        async with LogReader(self._servers, slot.partition, group_of(self._role)) as log:
            committed = await log.committed()
            checkpoint = await self._load(slot, await log.first(), await log.end())
            start = await log.first() if checkpoint is None else checkpoint.next_offset
            stop = start if committed is None else committed
            async for message in log.read(start, stop):
                self._processor.absorb(message)
                if message.offset % _YIELD_EVERY == 0:
                    await asyncio.sleep(0)
            slot.next_offset = max(start, stop)
            _log.info(
                "state loaded",
                role=self._role,
                partition=slot.partition,
                checkpoint=checkpoint and checkpoint.next_offset,
                replayed=max(0, stop - start),
                next_offset=slot.next_offset,
            )

    async def _load(self, slot: Slot, first: int, end: int) -> Checkpoint | None:
        """The checkpoint, already in the stepper, or None when there is none that fits this log."""
        checkpoint = await self._saved(slot)
        if checkpoint is None:
            return None
        problem = None
        if checkpoint.next_offset > end:
            problem = f"it is of offset {checkpoint.next_offset}, the log ends at {end}: it is of another log"
        elif checkpoint.next_offset < first:
            problem = (
                f"it is of offset {checkpoint.next_offset}, the log begins at {first}: messages are missing"
            )
        else:
            try:
                self._stepper.restore(slot.partition[1], checkpoint.state)
            except ValueError as error:
                problem = f"it cannot be read: {error}"
        if problem is None:
            return checkpoint
        _log.warning(
            "checkpoint dropped, replaying the whole log",
            role=self._role,
            partition=slot.partition,
            problem=problem,
        )
        await self._store.drop(slot.partition, checkpoint)
        return None

    async def _saved(self, slot: Slot) -> Checkpoint | None:
        async with self._asking:  # one partition knocks on a ledger that is away, for all
            return await self._ask(slot)

    async def _ask(self, slot: Slot) -> Checkpoint | None:
        wait_s = _FIRST_RETRY_S
        while True:
            try:
                saved = await self._store.load(slot.partition)
            except LedgerUnreachable as error:
                self._readiness.set("ledger", False, str(error), outage=True)
                _log.warning("ledger away", role=self._role, error=str(error), next_try_s=wait_s)
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, _LONGEST_RETRY_S)
            else:
                self._readiness.set("ledger", True)
                return saved
