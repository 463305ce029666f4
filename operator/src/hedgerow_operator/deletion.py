"""Deleting a strategy: its hedge is kept or taken off, as it says; then it is withdrawn and let go."""

import time
from datetime import datetime
from typing import Any

import msgspec
import structlog

from hedgerow.ledger.connection import LedgerUnreachable
from hedgerow.ledger.publishers import DeclaredElsewhere, Publisher
from hedgerow.ledger.strategies import ResourceId, find_strategy
from hedgerow.schemas.records import StrategyPublished
from hedgerow.streams.publisher import publish, withdraw
from hedgerow.streams.sender import KafkaUnreachable, Sender
from hedgerow_operator.cluster import Cluster, Gone
from hedgerow_operator.conditions import Finding, Status, fold
from hedgerow_operator.kinds import STRATEGY, Object, key_of
from hedgerow_operator.ledger_side import LedgerSide, read_held
from hedgerow_operator.objects import holds_finalizer, with_finalizers
from hedgerow_operator.observed import Held
from hedgerow_operator.report import Note
from hedgerow_operator.world import World
from hedgerow_operator.writing import Writer

_log = structlog.get_logger(__name__)
LOOK_AGAIN_S = 0.5


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What a deletion does next: flatten (publish so), wait, or let the resource go. `note` is worth an Event."""

    flatten: bool = False
    let_go: bool = False
    note: Note | None = None


def next_step(policy: str, live: StrategyPublished | None, held: Held, seconds_left: float) -> Step:
    """Pure. `seconds_left` until the deadline for taking the hedge off."""
    left = ", ".join(held.positions)
    if live is None or policy != "Flatten":
        note = Note(warning=False, reason="Retained", message=f"the hedge is kept: {left}") if left else None
        return Step(let_go=True, note=note)
    if live.config.flatten and held.flat:
        return Step(
            let_go=True, note=Note(warning=False, reason="Flattened", message="the hedge is taken off")
        )
    if seconds_left > 0:
        return Step(flatten=not live.config.flatten)
    open_ones = f" with open intents {', '.join(map(str, held.open_intents))}" if held.open_intents else ""
    return Step(
        let_go=True,
        note=Note(
            warning=True,
            reason="FlattenDeadline",
            message=f"the hedge was not taken off in time and is left: {left or 'flat'}{open_ones}; see "
            "`hedgerow orders`, and close it at the venue",
        ),
    )


class Deletion:
    """Carries a deletion on, one step at a time; it may be interrupted anywhere."""

    def __init__(
        self,
        cluster: Cluster,
        writer: Writer,
        world: World,
        ledger: LedgerSide,
        sender: Sender,
        flatten_deadline_s: float,
    ) -> None:
        self._cluster, self._writer, self._world = cluster, writer, world
        self._ledger, self._sender, self._deadline_s = ledger, sender, flatten_deadline_s

    async def proceed(self, resource: Object) -> float | None:
        """One step; returns after how many seconds the next is due, None when it is over.

        Raises:
            ClusterUnreachable, LedgerUnreachable, KafkaUnreachable: to be tried again.
        """
        if not holds_finalizer(resource):
            return None
        try:
            return await self._step(resource)
        except (LedgerUnreachable, KafkaUnreachable) as error:
            if self._seconds_left(resource) > 0:
                raise
            # Without them nothing is sent either; the sweep withdraws it when they are back.
            note = Note(
                warning=True,
                reason="NotWithdrawn",
                message=f"it was let go at the deadline, and is withdrawn later: {error}",
            )
            await self._let_go(resource, Step(let_go=True, note=note))
            return None

    async def _step(self, resource: Object) -> float | None:
        key = key_of(resource)
        async with self._ledger.connection() as connection:
            live, held = await self._read(connection, resource)
            step = next_step(_policy(resource), live, held, self._seconds_left(resource))
            if step.flatten:
                assert live is not None
                config = msgspec.structs.replace(live.config, flatten=True)
                identity = ResourceId(uid=live.uid, generation=resource["metadata"]["generation"])
                await publish(connection, self._sender, config, identity)
                _log.info("flattening", strategy=key)
            if step.let_go:
                await self._withdraw(connection, key, live)
        if step.let_go:
            await self._let_go(resource, step)
            return None
        await self._say_flattening(resource, held)
        return LOOK_AGAIN_S

    async def _read(self, connection: Any, resource: Object) -> tuple[StrategyPublished | None, Held]:
        live = await find_strategy(connection, key_of(resource))
        if live is None or live.uid != resource["metadata"]["uid"]:
            return None, Held(positions=(), open_intents=())
        return live, await read_held(connection, live.uid, time.time_ns())

    async def _withdraw(self, connection: Any, key: str, live: StrategyPublished | None) -> None:
        try:
            await withdraw(connection, self._sender, key, Publisher.CLUSTER)
        except DeclaredElsewhere:
            # Files declare the one that is live: it was never this resource's.
            assert live is None
        _log.info("withdrawn", strategy=key)

    async def _let_go(self, resource: Object, step: Step) -> None:
        if step.note is not None:
            await self._writer.last_words(resource, step.note)
        try:
            released = await self._cluster.apply(STRATEGY, with_finalizers(resource, []))
        except Gone:
            return
        self._world.of(STRATEGY).offer(released)

    async def _say_flattening(self, resource: Object, held: Held) -> None:
        previous = resource.get("status") or {}
        before = previous.get("conditions") or []
        finding = Finding(
            type="Ready",
            status=Status.FALSE,
            reason="Flattening",
            message="it is being deleted; its hedge is taken off first",
        )
        folded = fold(before, [finding], resource["metadata"]["generation"], time.time_ns())
        kept = [item for item in before if item["type"] != finding.type]
        status = {**previous, "state": "Flattening", "conditions": [*kept, *folded]}
        await self._writer.status(STRATEGY, resource, status, ())

    def _seconds_left(self, resource: Object) -> float:
        deleted = datetime.fromisoformat(resource["metadata"]["deletionTimestamp"]).timestamp()
        return deleted + self._deadline_s - time.time()


def _policy(resource: Object) -> str:
    return str((resource.get("spec") or {}).get("deletionPolicy") or "Retain")
