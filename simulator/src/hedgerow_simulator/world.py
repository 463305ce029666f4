"""What every part of one run shares: its seed, its clock, its story, and whether faults still happen."""

import asyncio
import hashlib
import random
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any

from hedgerow_simulator.loop import SimulatedLoop
from hedgerow_simulator.plan import Plan

START_NS = 1_900_000_000_000_000_000
SECOND_NS = 1_000_000_000
# Where a process is struck more often: between what must not come apart.
CRITICAL = frozenset(
    {
        "ledger commit",
        "ledger commit answered",
        "ledger claim answered",
        "send",
        "venue order answered",
        "venue order not answered",
        "ledger outcome",
    }
)
CRITICAL_WEIGHT = 6


class World:
    """`calm`: faults have stopped, and what is left must become right by itself.

    Attributes:
        deaths: processes that ended by an error that nobody foresaw.
    """

    def __init__(self, seed: int, plan: Plan, loop: SimulatedLoop) -> None:
        self.seed = seed
        self.plan = plan
        self.loop = loop
        self.calm = False
        self.story: list[str] = []
        self.deaths: list[str] = []
        self.faults: dict[str, int] = {}
        self.lives: list[Life] = []
        self._streams: dict[str, random.Random] = {}

    @property
    def now_ns(self) -> int:
        return START_NS + round(self.loop.seconds * SECOND_NS)

    def random(self, name: str) -> random.Random:
        """A stream of numbers of its own for each purpose, so that one more draw here changes nothing there."""
        stream = self._streams.get(name)
        if stream is None:
            stream = self._streams[name] = random.Random(f"{self.seed}:{name}")
        return stream

    def happens(self, name: str, probability: float) -> bool:
        """Whether a fault strikes now; counted when it does."""
        if self.calm or probability <= 0 or self.random(name).random() >= probability:
            return False
        self.faults[name] = self.faults.get(name, 0) + 1
        return True

    def tell(self, who: str, what: str) -> None:
        self.story.append(f"{self.loop.seconds:10.6f}  {who:<11} {what}")

    def later(self, delay_s: float, call: Callable[..., None], *arguments: Any) -> None:
        self.loop.call_later(delay_s, call, *arguments)


class Life:
    """One process from its start to its death. Everything that it asks of the outside passes `passes`.

    A killed process never comes back from there; a paused one comes back when it is resumed, and believes that no
    time has gone by.
    """

    def __init__(self, world: World, name: str, clock_offset_ns: int, mortal: bool) -> None:
        self.world = world
        self.name = name
        self.mortal = mortal
        self.dead = False
        self.clock_offset_ns = clock_offset_ns
        self.tasks: list[asyncio.Task[Any]] = []
        self.on_death: list[Callable[[], None]] = []
        self._resumed: asyncio.Event | None = None
        self._paused_at_s = 0.0

    def asleep_s(self) -> float:
        """For how long this process has been paused."""
        return self.world.loop.seconds - self._paused_at_s if self.paused else 0.0

    @property
    def paused(self) -> bool:
        return self._resumed is not None

    def now_ns(self) -> int:
        return self.world.now_ns + self.clock_offset_ns

    async def passes(self, where: str) -> None:
        """Where a process may die or fall asleep."""
        plan, weight = self.world.plan, CRITICAL_WEIGHT if where in CRITICAL else 1
        if self.mortal and self.world.happens("kill", plan.kill * weight):
            self.kill(where)
        elif self.mortal and self.world.happens("pause", plan.pause * weight):
            self.pause(self.world.random("pause").uniform(0.2, plan.longest_pause_s), where)
        while self.dead or self._resumed is not None:
            if self.dead or self._resumed is None:
                await asyncio.get_running_loop().create_future()
            else:
                await self._resumed.wait()

    def kill(self, where: str) -> None:
        if self.dead:
            return
        self.world.tell(self.name, f"KILLED at {where}")
        self.end()

    def end(self) -> None:
        """Nothing of this process runs any more; what it asked for before is on its way."""
        self.dead = True
        for task in self.tasks:
            task.cancel()
        for call in self.on_death:
            call()

    def pause(self, seconds: float, where: str) -> None:
        if self.dead or self._resumed is not None:
            return
        self.world.tell(self.name, f"PAUSED for {seconds:.3f} s at {where}")
        self._resumed = asyncio.Event()
        self._paused_at_s = self.world.loop.seconds
        self.world.later(seconds, self.resume)

    def resume(self) -> None:
        if self._resumed is None:
            return
        if not self.dead:
            self.world.tell(self.name, "RESUMED")
        self._resumed.set()
        self._resumed = None


LIFE: ContextVar[Life] = ContextVar("life")


class Process:
    """Starts lives of one program, one after the other, as a supervisor does."""

    def __init__(
        self,
        world: World,
        name: str,
        program: Callable[[Life], Coroutine[Any, Any, None]],
        mortal: bool = True,
    ) -> None:
        self.world = world
        self.name = name
        self.mortal = mortal
        self.life: Life | None = None
        self._program = program

    def start(self) -> None:
        offset_ms = self.world.random(f"clock {self.name}").uniform(-1, 1) * self.world.plan.clock_skew_ms
        life = self.life = Life(self.world, self.name, round(offset_ms * 1_000_000), self.mortal)
        self.world.lives.append(life)
        life.on_death.append(self._start_again)
        self.world.tell(self.name, f"started, clock off by {offset_ms:.0f} ms")
        token = LIFE.set(life)
        self.world.loop.create_task(self._run(life))
        LIFE.reset(token)

    async def _run(self, life: Life) -> None:
        try:
            await self._program(life)
        except asyncio.CancelledError:
            if not life.dead:
                raise
        except Exception as error:
            self.world.deaths.append(f"{self.name} died: {type(error).__name__}: {error}")
            self.world.tell(self.name, f"DIED: {type(error).__name__}: {error}")
            life.end()

    def _start_again(self) -> None:
        pause_s = self.world.random(f"restart {self.name}").uniform(0.2, 2.0)
        self.world.later(pause_s, self.start)


def task_factory(loop: asyncio.AbstractEventLoop, coro: Any, **kwargs: Any) -> asyncio.Task[Any]:
    """Every task belongs to the process that started it."""
    task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **kwargs)
    life = LIFE.get(None)
    if life is not None:
        if len(life.tasks) > 64:
            life.tasks = [old for old in life.tasks if not old.done()]
        life.tasks.append(task)
    return task


def digest_of(*parts: bytes) -> str:
    """SHA-256 over length-prefixed parts, hex."""
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()
