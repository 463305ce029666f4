"""One run: a seed in, a story and a verdict out. The same seed gives the same bytes."""

import asyncio
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import structlog

from hedgerow.schemas.codec import encode
from hedgerow_simulator.invariants import is_settled, violations
from hedgerow_simulator.ledger import LedgerServer
from hedgerow_simulator.log import Log
from hedgerow_simulator.loop import SimulatedLoop
from hedgerow_simulator.plan import ACCOUNT, UID, VENUE, Plan, draw_plan, strategy_of
from hedgerow_simulator.programs import Scene
from hedgerow_simulator.promotion import lose_tails
from hedgerow_simulator.tables import Tables
from hedgerow_simulator.venue import SimulatedVenue
from hedgerow_simulator.world import LIFE, Life, Process, World, digest_of, task_factory

LEDGER_ID = UUID("51a1a7ed-0000-4000-8000-000000000001")
SETTLE_DEADLINE_S = 120.0
LOOK_EVERY_S = 0.5


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a run.

    Attributes:
        adopted: executions that a lost tail left to be taken in by name.
        trace: SHA-256 over story, ledger, venue and log, hex; equal for equal seeds.
        settled_s: from the end of the faults until all was right; None when it never was.
    """

    seed: int
    violations: tuple[str, ...]
    trace: str
    story: tuple[str, ...]
    faults: dict[str, int]
    intents: int
    orders: int
    executions: int
    adopted: int
    settled_s: float | None


def simulate(seed: int, plan: Plan | None = None) -> Verdict:
    """
    Args:
        plan: instead of the one that the seed draws, to shrink a failing run.
    """
    loop = SimulatedLoop()
    loop.set_task_factory(task_factory)
    world = World(seed, plan or draw_plan(seed), loop)
    scene = _scene(world)
    with _told(world):
        try:
            settled_s = loop.run_until_complete(_play(world, scene))
        finally:
            _bury(world, loop)
    found = [*world.deaths, *violations(scene.ledger, scene.venue, scene.log)]
    return _verdict(world, scene, settled_s, found)


def _scene(world: World) -> Scene:
    ledger = LedgerServer(world, Tables(LEDGER_ID))
    ledger.tables.publish_venue(VENUE)
    venue = SimulatedVenue(world, lambda name: name in ledger.tables.orders or name in ledger.lost_orders)
    return Scene(world, ledger, venue, Log(world))


async def _play(world: World, scene: Scene) -> float | None:
    published = scene.ledger.tables.publish_strategy(UID, strategy_of(world.plan), "r0", world.now_ns)
    scene.strategies.publish(published)
    processes = [
        Process(world, "market", scene.market, mortal=False),
        Process(world, "person", scene.operator, mortal=False),
        Process(world, "gateway", scene.gateway),
        *(
            Process(world, f"{role}-{number}", partial(scene.stream_role, role))
            for role in ("router", "risk", "hedging")
            for number in (1, 2)
        ),
        Process(world, "executor-1", scene.executor),
        Process(world, "executor-2", scene.executor),
    ]
    for process in processes:
        process.start()
    troubles = [
        asyncio.ensure_future(_trouble(world, scene)),
        asyncio.ensure_future(lose_tails(world, scene)),
    ]
    await asyncio.sleep(world.plan.faults_s)
    for trouble in troubles:
        trouble.cancel()
    world.calm = True
    world.tell("world", "faults stop")
    for process in processes:
        if process.life is not None:
            process.life.resume()
    return await _settle(world, scene)


async def _trouble(world: World, scene: Scene) -> None:
    """Servers go down now and then."""
    plan, drawn = world.plan, world.random("trouble")
    troubles: list[tuple[float, str, Callable[[], None]]] = [
        (plan.crash_ledger_every_s, "ledger crash", lambda: scene.ledger.crash(drawn.uniform(0.05, 3.0))),
        (plan.lose_lock_every_s, "lock lost", scene.ledger.lose_lock),
        (plan.crash_venue_every_s, "venue down", lambda: scene.venue.crash(drawn.uniform(0.05, 4.0))),
        (plan.rebalance_every_s, "rebalance", scene.log.shuffle),
        (plan.crash_log_every_s, "log down", lambda: scene.log.crash(drawn.uniform(0.05, 3.0))),
    ]
    while True:
        await asyncio.sleep(0.25)
        scene.log.watch()
        for every_s, name, strike in troubles:
            if every_s and world.happens(name, 0.25 / every_s):
                strike()


async def _settle(world: World, scene: Scene) -> float | None:
    """Wait until all is right and stays so for as long as a worker needs to see it."""
    began_s = world.loop.seconds
    right_since: float | None = None
    while world.loop.seconds - began_s < SETTLE_DEADLINE_S:
        await asyncio.sleep(LOOK_EVERY_S)
        scene.log.watch()
        tables = scene.ledger.tables
        right = is_settled(tables) and all(halt.released for halt in tables.halts.values())
        if not right:
            right_since = None
        elif right_since is None:
            right_since = world.loop.seconds
        elif world.loop.seconds - right_since >= 2.0:
            world.tell("world", "all is settled")
            return right_since - began_s
    world.tell("world", "did not settle")
    return None


def _bury(world: World, loop: SimulatedLoop) -> None:
    """End what still runs, without a word: the run is over."""
    world.tell = lambda who, what: None  # type: ignore[method-assign]
    for life in world.lives:
        life.dead = True
        life.on_death.clear()
    # A task that is cancelled may ask once more for something, and waits then, as the dead do.
    for _ in range(3):
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
    loop.close()


@contextmanager
def _told(world: World) -> Iterator[None]:
    """Let what the services log become part of the story, under the name of the process that says it."""

    def tell(logger: Any, method: str, event: MutableMapping[str, Any]) -> Any:
        life: Life | None = LIFE.get(None)
        text = " ".join(f"{name}={value}" for name, value in event.items() if name != "event")
        world.tell(life.name if life else "-", f"{event['event']} {text}")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[tell], cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**before)


def _verdict(world: World, scene: Scene, settled_s: float | None, found: list[str]) -> Verdict:
    tables, account = scene.ledger.tables, scene.venue.engine.accounts[ACCOUNT]
    trace = digest_of(
        "\n".join([*world.story, *found]).encode(),
        *(payload + digest for entries in tables.chain.values() for payload, digest in entries),
        *(encode(item) for item in account.executions),
        *(message.value or b"" for messages in scene.log.partitions.values() for message in messages),
    )
    return Verdict(
        seed=world.seed,
        violations=tuple(found),
        trace=trace,
        story=tuple(world.story),
        faults=dict(sorted(world.faults.items())),
        intents=len(tables.intents),
        orders=len(account.orders),
        executions=len(account.executions),
        adopted=len(tables.adoptions),
        settled_s=settled_s,
    )
