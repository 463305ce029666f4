"""Records Events, one after the other, beside the reconciliations: nobody waits for one."""

import asyncio
import time
from collections.abc import Iterable

import structlog

from hedgerow_operator.cluster import Cluster, ClusterUnreachable
from hedgerow_operator.kinds import EVENT, Object
from hedgerow_operator.objects import build_event
from hedgerow_operator.report import Note

_log = structlog.get_logger(__name__)
# What is more than this behind helps nobody any more; conditions say the same.
MOST = 10_000


class Scribe:
    """What was not written when the operator ends is lost, and conditions say the same."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._waiting: asyncio.Queue[tuple[Object, Note]] = asyncio.Queue(MOST)

    def note(self, resource: Object, notes: Iterable[Note]) -> None:
        """Have them recorded."""
        for note in notes:
            try:
                self._waiting.put_nowait((resource, note))
            except asyncio.QueueFull:
                _log.warning(
                    "no event recorded", reason=note.reason, message=note.message, error="too many wait"
                )

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.record(*await self._waiting.get())

    async def record(self, resource: Object, note: Note) -> None:
        """Record one now; one that says the same of the same generation is there already. A namespace that is being
        deleted takes none, and that must hold up nothing."""
        try:
            await self._cluster.create(EVENT, build_event(resource, note, time.time_ns()))
        except ClusterUnreachable as error:
            _log.warning("no event recorded", reason=note.reason, message=note.message, error=str(error))
