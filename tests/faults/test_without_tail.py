"""A replica that missed the ledger's last commits is promoted. Comes last: what the lost tail decided is gone."""

import asyncio
import time
from collections.abc import Mapping

import msgspec
import pytest

from faults import invariants
from faults.rig import RECOVERY_DEADLINE_S, Rig
from faults.scenario import Run, break_off_kept, hurt, keep, size
from faults.servers import Replica, Servers
from faults.tcp_proxy import Direction
from hedgerow.adapters.ccxt_client import RECEIVE_WINDOW_MS
from hedgerow.ledger.chain import verify_chain
from hedgerow.strategy.compiled import CompiledVenue

pytestmark = pytest.mark.timeout(7200)
HALTED = "select target, released_ns from halts where target_kind = 'Venue' and source = 'ledger' order by id"
KNOWN = """
    select execution_id from fills union select execution_id from adoptions where execution_id is not null
"""


async def test_promoted_with_a_lost_tail(rig: Rig, servers: Servers) -> None:
    """Nothing is sent from a ledger that does not know its last orders: each venue is halted until the executions of
    the lost tail were taken in by their names, and venue and ledger agree."""
    # Enough that each desk loses some, at whatever scale.
    orders = max(size(full=50, short=12), 12)
    name, full, ran = "Postgres promoted, tail lost", "50 orders lost", f"{orders} orders lost"
    run = await hurt(rig, name)
    before = rig.journal.stat().st_size
    with break_off_kept(name, full, ran, run):
        async with rig.supervised():
            with servers.replica() as replica:
                await _caught_up(rig, replica)
                replica.link.hold(*Direction)
                await run.hedged(orders, 60 + orders)
                await asyncio.to_thread(servers.postgres.kill)
                promoted_ns = time.time_ns()
                await asyncio.to_thread(servers.promote, replica)
                released_ns = await _halted_until_agreed(run)
                await invariants.settle(rig, rig.ledger)
                found = await _look(rig, before, promoted_ns, released_ns, run)
    keep(
        name,
        full,
        ran,
        run,
        orders=len(invariants.journal_orders(rig.journal, before)),
        doubled=found.doubled,
        lost=found.lost,
        violations=tuple(found.broken),
    )
    assert found.broken == []


class _Found(msgspec.Struct, frozen=True):
    doubled: int
    lost: int
    broken: list[str]


async def _halted_until_agreed(run: Run) -> dict[str, int]:
    """When each venue was released."""
    rig = run.rig
    venues = {venue.key for venue in rig.venues}

    async def halted() -> bool:
        return {row["target"] for row in await rig.ledger.fetch(HALTED)} >= venues

    seconds = await rig.until(halted, "every venue is halted", RECOVERY_DEADLINE_S)
    run.noted.append(f"every venue halted {seconds:.1f} s after the promotion")

    async def agreed() -> bool:
        return all(row["released_ns"] is not None for row in await rig.ledger.fetch(HALTED))

    seconds = await rig.until(agreed, "venue and ledger agree", RECOVERY_DEADLINE_S)
    run.noted.append(f"they agreed {seconds:.1f} s later")
    return {row["target"]: row["released_ns"] for row in await rig.ledger.fetch(HALTED)}


async def _look(rig: Rig, before: int, promoted_ns: int, released_ns: Mapping[str, int], run: Run) -> _Found:
    """What is wrong, once all is settled. The decisions of the lost tail cannot be asked for: they are gone."""
    names = invariants.journal_orders(rig.journal)
    doubled = len(names) - len(set(names))
    known = {row["execution_id"] for row in await rig.ledger.fetch(KNOWN)}
    lost = len(set(invariants.journal_executions(rig.journal)) ^ known)
    adopted = await rig.ledger.fetchval("select count(*) from adoptions where execution_id is not null")
    run.noted.append(f"{adopted} executions of the lost tail were taken in")
    broken = [] if adopted else ["nothing was taken in: no tail was lost"]
    for venue in rig.venues:
        early = await _sent_before_agreement(rig, venue, before, promoted_ns, released_ns[venue.key])
        if early:
            broken.append(f"sent to {venue.key} before venue and ledger agreed: {', '.join(early)}")
    broken += [f"I1 unbalanced: {item}" for item in await invariants.positions_differ(rig, rig.ledger)]
    broken += [f"I2 orders doubled: {doubled}"] if doubled else []
    broken += [f"I4 executions lost: {lost}"] if lost else []
    chain = await verify_chain(await rig.ledger.connection(), None)
    return _Found(doubled, lost, broken + [f"I7 chain broken: {item}" for item in chain.breaks[:5]])


async def _sent_before_agreement(
    rig: Rig, venue: CompiledVenue, before: int, promoted_ns: int, released_ns: int
) -> list[str]:
    """Names of orders, but for those of the lost tail: claimed of the old ledger, they may arrive for as long as the
    venue's receive window lets them."""
    known = {row["client_order_id"] for row in await rig.ledger.fetch("select client_order_id from orders")}
    last_ns = promoted_ns + RECEIVE_WINDOW_MS * 1_000_000
    return [
        name
        for name, at_ns in invariants.order_times_ns(rig.journal, before, venue.account).items()
        if promoted_ns < at_ns < released_ns and (name in known or at_ns > last_ns)
    ]


async def _caught_up(rig: Rig, replica: Replica) -> None:
    async def streams() -> bool:
        query = "select count(*) from pg_stat_replication where state = 'streaming'"
        return bool(await rig.ledger.fetchval(query))

    await rig.until(streams, "the replica follows", RECOVERY_DEADLINE_S)
