"""Which objects are to be reconciled: each at most once at a time, and a failed one again, later and later.

What changed goes before what is only looked at again, or an edit would wait for a whole resync.
"""

import asyncio
import heapq
import itertools

from hedgerow.streams.waiting import set_within

FIRST_RETRY_S = 0.25
LONGEST_RETRY_S = 30.0
# Of so many that are taken one is a second look, however much changes.
SECOND_LOOK_EVERY = 5

# Kind and `namespace/name`.
Item = tuple[str, str]


class WorkQueue:
    """A level-triggered queue. An item that is added while it is worked on is worked on once more."""

    def __init__(self) -> None:
        self._due: dict[Item, float] = {}  # in order of arrival, with the time of it
        self._second_looks: dict[Item, float] = {}
        self._taken = 0
        self._taken_s = 0.0
        self._working: set[Item] = set()
        self._again: set[Item] = set()
        self._later: list[tuple[float, int, Item]] = []
        self._planned: dict[Item, float] = {}  # what `_later` says of another time is out of date
        self._number = itertools.count()
        self._failures: dict[Item, int] = {}
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return len(self._due) + len(self._second_looks)

    def oldest_s(self, now_s: float) -> float:
        """How long the first has been waiting."""
        return now_s - min(next(iter(lane.values()), now_s) for lane in (self._due, self._second_looks))

    def stuck_s(self, now_s: float) -> float:
        """For how long nothing was taken although something waits. A long queue that moves is not stuck."""
        return min(self.oldest_s(now_s), now_s - self._taken_s)

    def add(self, item: Item) -> None:
        """It changed, or something that it depends on."""
        if item in self._working:
            self._again.add(item)
        elif item not in self._due:
            self._due[item] = self._second_looks.pop(item, asyncio.get_running_loop().time())
            self._wake.set()

    def look_again(self, item: Item) -> None:
        """Nothing is known to have changed."""
        if item not in self._working and item not in self._due and item not in self._second_looks:
            self._second_looks[item] = asyncio.get_running_loop().time()
            self._wake.set()

    def add_after(self, item: Item, delay_s: float) -> None:
        """Once, at the earliest time that was asked for; not at all when it is taken before that."""
        when_s = asyncio.get_running_loop().time() + delay_s
        if self._planned.get(item, when_s + 1) <= when_s:
            return
        self._planned[item] = when_s
        heapq.heappush(self._later, (when_s, next(self._number), item))
        self._wake.set()

    def retry(self, item: Item) -> float:
        """Have a failed one worked on again; returns after how long."""
        failures = self._failures.get(item, 0)
        self._failures[item] = failures + 1
        delay_s: float = min(FIRST_RETRY_S * 2**failures, LONGEST_RETRY_S)
        self.add_after(item, delay_s)
        return delay_s

    def succeeded(self, item: Item) -> None:
        self._failures.pop(item, None)

    async def take(self) -> Item:
        """The next one, when there is one. Give it back with `done`."""
        while True:
            self._wake.clear()
            next_s = self._bring_due()
            lane = self._lane()
            if lane:
                item = next(iter(lane))
                del lane[item]
                self._planned.pop(item, None)
                self._taken += 1
                self._taken_s = asyncio.get_running_loop().time()
                self._working.add(item)
                return item
            timeout_s = None if next_s is None else next_s - asyncio.get_running_loop().time()
            await set_within(self._wake, timeout_s)

    def done(self, item: Item) -> None:
        self._working.discard(item)
        if item in self._again:
            self._again.discard(item)
            self.add(item)

    def _lane(self) -> dict[Item, float]:
        """Where to take the next from."""
        second = not self._due or self._taken % SECOND_LOOK_EVERY == 0
        return self._second_looks if second and self._second_looks else self._due

    def _bring_due(self) -> float | None:
        """Add what has waited long enough; returns when the next will have."""
        now_s = asyncio.get_running_loop().time()
        while self._later and self._later[0][0] <= now_s:
            when_s, _, item = heapq.heappop(self._later)
            if self._planned.get(item) == when_s:
                del self._planned[item]
                self.add(item)
        return self._later[0][0] if self._later else None
