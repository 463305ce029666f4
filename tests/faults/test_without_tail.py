"""A replica that missed the ledger's last commits is promoted. Comes last: what the lost tail decided is gone."""

import asyncio
import time

import pytest

from faults import invariants
from faults.rig import RECOVERY_DEADLINE_S, Rig
from faults.scenario import hurt, keep, size
from faults.servers import Replica, Servers
from faults.tcp_proxy import Direction

pytestmark = pytest.mark.timeout(7200)
HALTED = "select target, released_ns from halts where target_kind = 'Venue' and source = 'ledger' order by id"
KNOWN = "select execution_id from fills union select execution_id from adoptions"


async def test_promoted_with_a_lost_tail(rig: Rig, servers: Servers) -> None:
    """Nothing is sent from a ledger that does not know its last orders: each venue is halted until the executions of
    the lost tail were taken in by their names, and venue and ledger agree."""
    # Enough that each desk loses some, at whatever scale.
    orders = max(size(full=50, short=12), 12)
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

            async def agreed() -> bool:
                return all(row["released_ns"] is not None for row in await rig.ledger.fetch(HALTED))

            seconds = await rig.until(agreed, "venue and ledger agree", RECOVERY_DEADLINE_S)
            run.noted.append(f"they agreed {seconds:.1f} s later")
            released_ns = min(row["released_ns"] for row in await rig.ledger.fetch(HALTED))
            names = invariants.journal_orders(rig.journal)
            sent = [at for at in invariants.order_times_ns(rig.journal, before) if at > promoted_ns]
            adopted = await rig.ledger.fetchval("select count(*) from adoptions")
            run.noted.append(f"{adopted} executions of the lost tail were taken in")

            async def all_known() -> bool:
                known = {row["execution_id"] for row in await rig.ledger.fetch(KNOWN)}
                return set(invariants.journal_executions(rig.journal)) <= known

            await rig.until(all_known, "the ledger knows every execution of the journal", RECOVERY_DEADLINE_S)
            doubled = len(names) - len(set(names))
            count = len(invariants.journal_orders(rig.journal, before))
            keep(name, full, ran, run, orders=count, doubled=doubled, lost=0)
            assert [at for at in sent if at < released_ns] == []
            assert (doubled, adopted > 0) == (0, True)


async def _caught_up(rig: Rig, replica: Replica) -> None:
    async def streams() -> bool:
        query = "select count(*) from pg_stat_replication where state = 'streaming'"
        return bool(await rig.ledger.fetchval(query))

    await rig.until(streams, "the replica follows", RECOVERY_DEADLINE_S)
