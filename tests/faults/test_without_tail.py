"""A replica that missed the ledger's last commits is promoted. Comes last: it leaves a ledger that needs a person."""

import asyncio
import time

import pytest
from faults import invariants
from faults.rig import RECOVERY_DEADLINE_S, Rig
from faults.scenario import hurt, keep, size
from faults.servers import Replica, Servers
from faults.tcp_proxy import Direction

pytestmark = pytest.mark.timeout(7200)
HALTED = "select target, reason from halts where target_kind = 'Venue' and released_ns is null order by id"
QUIET_S = 8.0


async def test_promoted_with_a_lost_tail(rig: Rig, servers: Servers) -> None:
    """Nothing is sent from a ledger that does not know its last orders: each venue halts and names the difference."""
    orders = size(full=50, short=12)
    name, full, ran = "Postgres promoted, tail lost", "50 orders lost", f"{orders} orders lost"
    run = await hurt(rig, name)
    before = rig.journal.stat().st_size
    async with rig.supervised():
        with servers.replica() as replica:
            await _caught_up(rig, replica)
            replica.link.hold(*Direction)
            await run.hedged(orders, 60 + orders)
            await asyncio.to_thread(servers.postgres.kill)
            promoted_ns = time.time_ns()
            await asyncio.to_thread(servers.promote, replica)
            venues = {venue.key for venue in rig.venues}

            async def halted() -> bool:
                return {row["target"] for row in await rig.ledger.fetch(HALTED)} >= venues

            seconds = await rig.until(halted, "every venue is halted", RECOVERY_DEADLINE_S)
            run.noted.append(f"every venue halted {seconds:.1f} s after the promotion")
            await asyncio.sleep(QUIET_S)
            names = invariants.journal_orders(rig.journal)
            sent = [at for at in invariants.order_times_ns(rig.journal, before) if at > promoted_ns]
            known = {row["execution_id"] for row in await rig.ledger.fetch("select execution_id from fills")}
            unknown = set(invariants.journal_executions(rig.journal)) - known
            run.noted.append(
                f"{len(sent)} orders sent from the promoted ledger; {len(unknown)} executions of the lost tail are the "
                "venue's alone, until a person adopts them"
            )
            doubled = len(names) - len(set(names))
            count = len(invariants.journal_orders(rig.journal, before))
            keep(name, full, ran, run, orders=count, doubled=doubled, lost=len(unknown))
            assert (sent, doubled) == ([], 0)
            for row in await rig.ledger.fetch(HALTED):
                assert "the venue holds" in row["reason"]


async def _caught_up(rig: Rig, replica: Replica) -> None:
    async def streams() -> bool:
        query = "select count(*) from pg_stat_replication where state = 'streaming'"
        return bool(await rig.ledger.fetchval(query))

    await rig.until(streams, "the replica follows", RECOVERY_DEADLINE_S)
