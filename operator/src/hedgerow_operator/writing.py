"""Writing back to the API server what a reconciliation found: a status that differs, and its Events."""

import time
from collections.abc import Iterable

import structlog

from hedgerow_operator.cluster import Cluster, ClusterUnreachable
from hedgerow_operator.conditions import differs
from hedgerow_operator.kinds import EVENT, Kind, Object
from hedgerow_operator.objects import build_event, with_status
from hedgerow_operator.report import Note
from hedgerow_operator.world import World

_log = structlog.get_logger(__name__)


class Writer:
    """Takes every answer into the world, so that the next look sees what was just written."""

    def __init__(self, cluster: Cluster, world: World) -> None:
        self._cluster = cluster
        self._world = world

    async def status(self, kind: Kind, resource: Object, status: Object, notes: Iterable[Note]) -> bool:
        """Apply the status where it differs, and record the Events that came with the change; say whether it did.

        Raises:
            ClusterUnreachable, Gone
        """
        if not differs(resource.get("status") or {}, status):
            return False
        written = await self._cluster.apply(kind, with_status(resource, status), "status")
        self._world.of(kind).offer(written)
        await self.events(resource, notes)
        return True

    async def events(self, resource: Object, notes: Iterable[Note]) -> None:
        """Record Events; one that says the same of the same generation is there already. A namespace that is being
        deleted takes none, and that must hold up nothing."""
        for note in notes:
            try:
                await self._cluster.create(EVENT, build_event(resource, note, time.time_ns()))
            except ClusterUnreachable as error:
                _log.warning("no event recorded", reason=note.reason, message=note.message, error=str(error))
