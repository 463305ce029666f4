"""A replica that missed the ledger's last commits is promoted; and what people do then that nobody else does."""

import asyncio
from typing import TYPE_CHECKING

from hedgerow_simulator.ledger import FIRST_SERVER
from hedgerow_simulator.plan import ACCOUNT
from hedgerow_simulator.promoted import copied
from hedgerow_simulator.tables import Tables
from hedgerow_simulator.world import Life, World

if TYPE_CHECKING:
    from hedgerow_simulator.programs import Scene

LONGEST_TAIL_S = 3.0


async def lose_tails(world: World, scene: "Scene") -> None:
    """As often as the plan has it: a replica falls behind, the server dies, and the replica takes its place."""
    drawn, plan = world.random("promotion"), world.plan
    times = sorted(drawn.uniform(1.0, plan.faults_s - 1.0) for _ in range(plan.promotions))
    for at_s in times:
        await asyncio.sleep(max(at_s - world.loop.seconds, 0))
        if scene.ledger.tables.server != scene.ledger.server:
            continue  # The name that it will take must not be lost too: nobody could tell whose its orders are.
        replica = copied(scene.ledger.tables)
        await asyncio.sleep(drawn.uniform(0.1, LONGEST_TAIL_S))
        if world.happens("ledger promoted without its tail", 1.0):
            scene.ledger.promote(replica, drawn.uniform(0.05, 3.0))


async def put_right(scene: "Scene", life: Life) -> None:
    """After a promotion a person releases again what the lost tail had released, and takes back orders at the venue
    that the ledger does not have."""
    if scene.ledger.server == FIRST_SERVER:
        return
    halts = await scene.insist(life, "read", Tables.standing_halts)
    for halt in halts:
        if halt.source == "person":
            await scene.release(life, halt.target)
    if not halts:
        return
    known = await scene.insist(life, "read", lambda tables: set(tables.orders))
    for name in [order.order_link_id for order in scene.venue.engine.accounts[ACCOUNT].open_orders.values()]:
        if name not in known:
            scene.world.tell("person", f"takes back {name}, which the ledger does not have")
            scene.venue.cancel(name)
