"""Writing back to the API server what a reconciliation found: a status that differs, and its Events."""

from collections.abc import Iterable

from hedgerow_operator.cluster import Cluster
from hedgerow_operator.conditions import differs
from hedgerow_operator.kinds import Kind, Object
from hedgerow_operator.objects import with_status
from hedgerow_operator.report import Note
from hedgerow_operator.scribe import Scribe
from hedgerow_operator.world import World


class Writer:
    """Takes every answer into the world, so that the next look sees what was just written."""

    def __init__(self, cluster: Cluster, world: World, scribe: Scribe) -> None:
        self._cluster = cluster
        self._world = world
        self._scribe = scribe

    async def status(self, kind: Kind, resource: Object, status: Object, notes: Iterable[Note]) -> bool:
        """Apply the status where it differs, and have its Events recorded then; say whether it did.

        Raises:
            ClusterUnreachable, Gone
        """
        if not differs(resource.get("status") or {}, status):
            return False
        written = await self._cluster.apply(kind, with_status(resource, status), "status")
        self._world.of(kind).offer(written)
        self._scribe.note(resource, notes)
        return True

    async def last_words(self, resource: Object, note: Note) -> None:
        """Record an Event now: the object is about to go."""
        await self._scribe.record(resource, note)
