"""States for the cache, and a writer of them."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence

import prometheus_client

from hedgerow.adapters.cache_keys import BOOKS, Entry, order_of
from hedgerow.adapters.redis_masters import Masters
from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import ClientBook
from hedgerow_cache.metrics import CacheMetrics
from hedgerow_cache.writing import Writer

PATIENCE_S = 60.0


def fresh_name() -> str:
    return f"book-{uuid.uuid4().hex}"


def book(name: str, sequence: int, published_ns: int = 0) -> ClientBook:
    return ClientBook(name=name, sequence=sequence, as_of_ns=0, published_ns=published_ns, positions={})


def entry(name: str, sequence: int, published_ns: int = 0) -> Entry:
    record = book(name, sequence, published_ns)
    return Entry(BOOKS.key(name), order_of(sequence, published_ns), encode(record))


async def eventually(what: str, look: Callable[[], Awaitable[bool]]) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if await look():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{what}: not within {PATIENCE_S} s")


class Told:
    """Readiness that remembers."""

    def __init__(self) -> None:
        self.conditions: dict[str, tuple[bool, str, bool]] = {}

    def set(self, name: str, ok: bool, detail: str = "", outage: bool = False) -> None:
        self.conditions[name] = (ok, detail, outage)


class Heartbeats:
    """A writer whose sources repeat these states, as the real ones do, only faster."""

    def __init__(self, nodes: str, entries: Sequence[Entry]) -> None:
        self.told = Told()
        self.metrics = CacheMetrics(prometheus_client.CollectorRegistry())
        self.masters = Masters(nodes)
        self._writer = Writer(self.masters, self.metrics, self.told)
        self._entries = list(entries)
        self._stopping = asyncio.Event()

    async def __aenter__(self) -> "Heartbeats":
        self._work = [
            asyncio.create_task(self._writer.keep_writing(self._stopping)),
            asyncio.create_task(self._repeat()),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping.set()
        await asyncio.gather(*self._work)
        await self.masters.close()

    def say(self, new: Entry) -> None:
        """From now on, of its key."""
        self._entries = [known for known in self._entries if known.key != new.key] + [new]

    @property
    def waiting(self) -> float:
        return float(self.metrics.waiting._value.get())

    async def _repeat(self) -> None:
        while not self._stopping.is_set():
            for item in self._entries:
                self._writer.offer(item)
            await asyncio.sleep(0.1)
