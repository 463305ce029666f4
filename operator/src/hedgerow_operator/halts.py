"""Reconciling a Halt: the ledger holds it while the resource is there, and only this resource's."""

import time
from collections.abc import Callable
from typing import Any

import structlog

from hedgerow.ledger.halts import HaltTarget, place_halt, release_halt, standing_halts
from hedgerow.strategy.halt import Halt
from hedgerow.strategy.parse import parse_halt
from hedgerow.strategy.problem import Problem
from hedgerow_operator.conditions import Finding, Status, fold
from hedgerow_operator.kinds import HALT, STRATEGY, Object
from hedgerow_operator.ledger_side import LedgerSide
from hedgerow_operator.observed import document
from hedgerow_operator.validate import refused
from hedgerow_operator.world import World
from hedgerow_operator.writing import Writer

_log = structlog.get_logger(__name__)
SOURCE = "Halt "


class HaltReconciler:
    """Places and releases.

    Args:
        wake: called with a strategy's key when a halt against it came or went.
    """

    def __init__(self, writer: Writer, world: World, ledger: LedgerSide, wake: Callable[[str], None]) -> None:
        self._writer, self._world, self._ledger, self._wake = writer, world, ledger, wake

    async def reconcile(self, key: str) -> None:
        """One Halt, there or gone.

        Raises:
            ClusterUnreachable, LedgerUnreachable: to be tried again.
            Gone: the object was deleted meanwhile.
        """
        resource = self._world.find(HALT, key)
        if resource is None or "deletionTimestamp" in resource["metadata"]:
            await self.release(key)
            return
        parsed = parse_halt(document(resource))
        if isinstance(parsed, list):
            await self._report(resource, _inactive(parsed))
            return
        number = await self._place(key, halt_target(parsed), parsed.spec.reason)
        await self._report(resource, _active(number), number)

    async def release(self, key: str) -> None:
        """The resource is gone: its halts go, those of others stand."""
        async with self._ledger.connection() as connection:
            standing = [halt for halt in await standing_halts(connection) if halt.source == source_of(key)]
            for halt in standing:
                await release_halt(connection, halt.id, halt.source, halt.source, time.time_ns())
                _log.warning("released", halt=halt.id, source=halt.source)
        for halt in standing:
            self._wake_those(halt.target)

    async def _place(self, key: str, target: HaltTarget, reason: str) -> int:
        async with self._ledger.connection() as connection:
            for halt in await standing_halts(connection):
                if (halt.source, halt.target) == (source_of(key), target):
                    return halt.id
            number = await place_halt(connection, target, source_of(key), reason, time.time_ns())
        _log.warning("halted", halt=number, source=source_of(key), target=target.name or "All")
        self._wake_those(target)
        return number

    async def _report(self, resource: Object, finding: Finding, number: int | None = None) -> None:
        before = (resource.get("status") or {}).get("conditions") or []
        generation = resource["metadata"]["generation"]
        status: dict[str, Any] = {
            "observedGeneration": generation,
            "conditions": fold(before, [finding], generation, time.time_ns()),
        }
        if number is not None:
            status["ledgerId"] = number
        await self._writer.status(HALT, resource, status, ())

    def _wake_those(self, target: HaltTarget) -> None:
        match target.kind:
            case "Strategy":
                keys = [target.name]
            case "Venue":
                keys = self._world.strategies_on(target.name)
            case "All":
                keys = list(self._world.of(STRATEGY).objects)
        for key in keys:
            self._wake(key)


def _active(number: int) -> Finding:
    message = f"halt {number} stands in the ledger; deleting this resource releases it"
    return Finding(type="Active", status=Status.TRUE, reason="Halted", message=message)


def _inactive(problems: list[Problem]) -> Finding:
    refusal = refused("Invalid", problems)
    return Finding(type="Active", status=Status.FALSE, reason=refusal.reason, message=refusal.message)


def source_of(key: str) -> str:
    """What the ledger calls a Halt resource."""
    return f"{SOURCE}{key}"


def halt_target(halt: Halt) -> HaltTarget:
    """What a Halt resource halts: in its own namespace, or everything."""
    namespace, target = halt.metadata.namespace, halt.spec.target
    if target.strategy is not None:
        return HaltTarget(kind="Strategy", name=f"{namespace}/{target.strategy}")
    if target.venue is not None:
        return HaltTarget(kind="Venue", name=f"{namespace}/{target.venue}")
    return HaltTarget(kind="All")
