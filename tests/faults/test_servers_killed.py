"""Kafka, Postgres and Redis die and come back; workers join and leave."""

import asyncio
import time

import pytest

from faults import invariants
from faults.rig import Rig
from faults.scenario import scenario, size
from faults.servers import Servers
from faults.small_disk import can_mount, empty, fill, small_wal_disk

pytestmark = pytest.mark.timeout(7200)
OUTAGE_DEADLINE_S = 120.0


async def test_broker_killed(rig: Rig, servers: Servers) -> None:
    """I1 to I8 while the only broker dies and comes back at once."""
    kills = size(full=20, short=1)
    async with scenario(rig, "broker killed", "20 kills", f"{kills} kills", supervised=True) as run:
        for _ in range(kills):
            await asyncio.sleep(run.random.uniform(0.5, 3.0))
            await asyncio.to_thread(servers.kafka.kill)
            await asyncio.to_thread(servers.kafka.start)
            await run.recovered("the broker's kill", OUTAGE_DEADLINE_S)


async def test_broker_down(rig: Rig, servers: Servers) -> None:
    """I1 to I8 after a long time without a broker."""
    seconds = size(full=300, short=8)
    async with scenario(rig, "broker down", "300 s", f"{seconds} s", supervised=True) as run:
        await asyncio.to_thread(servers.kafka.kill)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(servers.kafka.start)
        await run.recovered("the broker's absence", OUTAGE_DEADLINE_S)


async def test_rebalances(rig: Rig) -> None:
    """I1 to I8 while a second worker of every stream role joins and leaves, killed every other time."""
    rebalances = size(full=50, short=2)
    name = "a second worker joins and leaves"
    async with scenario(rig, name, "50 rebalances", f"{rebalances} rebalances") as run:
        surplus = rig.workers.get("surplus") or rig.add(
            "surplus", ("enrichment", "router", "risk", "hedging")
        )
        for number in range((rebalances + 1) // 2):
            surplus.start()
            await rig.until(lambda: rig.is_ready("surplus"), "the second worker is ready", OUTAGE_DEADLINE_S)
            await run.recovered("a worker's joining")
            if number % 2:
                surplus.kill()
            else:
                await rig.stop_worker("surplus")
            await run.recovered("a worker's leaving", OUTAGE_DEADLINE_S)


async def test_postgres_killed(rig: Rig, servers: Servers) -> None:
    """I1 to I8 while the ledger's server dies and recovers."""
    kills = size(full=20, short=1)
    async with scenario(rig, "Postgres killed", "20 kills", f"{kills} kills", supervised=True) as run:
        for _ in range(kills):
            await asyncio.sleep(run.random.uniform(0.5, 3.0))
            await asyncio.to_thread(servers.postgres.kill)
            await asyncio.to_thread(servers.restart_postgres)
            await run.recovered("Postgres's kill", OUTAGE_DEADLINE_S)


async def test_redis_flushed_and_gone(rig: Rig, servers: Servers) -> None:
    """The cache decides nothing: hedges go on while it is emptied, and while it is not there."""
    orders = size(full=200, short=5)
    async with scenario(rig, "Redis flushed and gone", "200 orders each", f"{orders} orders each") as run:
        await asyncio.to_thread(servers.flush_redis)
        await run.hedged(orders, deadline_s=60 + orders)
        for master in servers.redis.masters:
            servers.redis.kill_master(master)
        await run.hedged(orders, deadline_s=60 + orders)
        run.noted.append("hedges went on without it")
        await asyncio.to_thread(servers.redis.wait_until_whole)
        await run.recovered("Redis's return")


@pytest.mark.skipif(not can_mount(), reason="may not mount here (the small disk that is filled up)")
async def test_disk_full(rig: Rig, servers: Servers) -> None:
    """I1 to I8 after the ledger's log had no room; nothing is sent meanwhile."""
    seconds = size(full=60, short=4)
    async with scenario(rig, "ledger's disk full", "60 s", f"{seconds} s", supervised=True) as run:
        with small_wal_disk(servers) as disk:
            await run.recovered("the move to a small disk", OUTAGE_DEADLINE_S)
            run.recoveries.clear()
            await asyncio.to_thread(fill, servers, disk)
            full_at, end = time.time_ns(), rig.journal.stat().st_size
            await asyncio.sleep(seconds)
            sent = [at for at in invariants.order_times_ns(rig.journal, end).values() if at > full_at]
            run.noted.append(f"{len(sent)} orders sent while it was full")
            await asyncio.to_thread(empty, servers, disk)
            await run.recovered("the full disk", OUTAGE_DEADLINE_S)
