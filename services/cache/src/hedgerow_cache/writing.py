"""Keeps writing what waits, to each master by itself: one that is slow or dead delays only its own keys."""

import asyncio
import time
from collections.abc import Sequence

import structlog

from hedgerow.adapters.cache_keys import Entry
from hedgerow.adapters.cache_store import Store, Stored
from hedgerow.adapters.redis_masters import CacheAway, Master, Masters
from hedgerow.streams.context import Readiness
from hedgerow.streams.waiting import stopped_within
from hedgerow_cache.backlog import Backlog
from hedgerow_cache.metrics import OUTCOMES, CacheMetrics

_log = structlog.get_logger(__name__)

FLUSH_S = 0.05
# What one command line to a master may hold: it answers nobody else meanwhile.
BATCH = 2_000


class Writer:
    """The condition `cache` says whether all of the cache takes what is written."""

    def __init__(self, masters: Masters, metrics: CacheMetrics, readiness: Readiness) -> None:
        self._masters = masters
        self._store = Store(masters)
        self._metrics = metrics
        self._readiness = readiness
        self._backlog = Backlog()
        self._busy: dict[Master, asyncio.Task[None]] = {}
        readiness.set("cache", False, "not connected yet", outage=True)

    def offer(self, entry: Entry) -> None:
        """To be written with the next batch, unless something newer comes before."""
        self._backlog.offer(entry)

    async def keep_writing(self, stopping: asyncio.Event) -> None:
        """Write until asked to stop. What waits then is left: the next writer hears it again within a second."""
        while not await stopped_within(stopping, FLUSH_S):
            await self.flush()
        await asyncio.gather(*self._busy.values())

    async def flush(self) -> None:
        """Begin to write all that waits, except to masters that are busy or rest. Does not wait for it."""
        waiting = self._backlog.take()
        try:
            groups = await self._masters.group(waiting)
        except CacheAway as error:
            self._backlog.put_back(waiting.values())
            self._say(str(error))
            return
        left = set(waiting)
        for master, keys in groups.items():
            if master.rests or master in self._busy:
                continue
            batch = [waiting[key] for key in keys[:BATCH]]
            left.difference_update(keys[:BATCH])
            self._busy[master] = asyncio.create_task(self._write(master, batch))
        self._backlog.put_back(waiting[key] for key in left)
        unserved = len(waiting) - sum(map(len, groups.values()))
        self._say(f"{unserved} states belong to slots that no master serves" if unserved else "")

    async def _write(self, master: Master, batch: Sequence[Entry]) -> None:
        began = time.perf_counter()
        try:
            stored = await self._store.write(master, batch)
        finally:
            del self._busy[master]
        self._metrics.seconds.observe(time.perf_counter() - began)
        self._count(batch, stored)
        if stored.error is not None:
            self._backlog.put_back(
                entry for entry, outcome in zip(batch, stored.outcomes, strict=True) if outcome is None
            )
            self._metrics.failed.inc()
            _log.warning("cache not written", master=master.name, error=str(stored.error))

    def _count(self, batch: Sequence[Entry], stored: Stored) -> None:
        for entry, outcome in zip(batch, stored.outcomes, strict=True):
            if outcome is not None:
                self._metrics.states.labels(entry.kind, OUTCOMES[outcome]).inc()

    def _say(self, problem: str) -> None:
        away = [master.problem for master in self._masters.known() if master.problem]
        problem = "; ".join([*away, *([problem] if problem else [])])
        self._metrics.masters_away.set(len(away))
        self._metrics.waiting.set(len(self._backlog))
        self._readiness.set("cache", not problem, f"{problem}; {len(self._backlog)} states wait", outage=True)
