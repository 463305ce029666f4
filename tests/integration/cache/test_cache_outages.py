"""A dead or flushed cache costs latency, never truth."""

import asyncio
import time
from collections.abc import Callable

import pytest
from cache_states import Heartbeats, book, entry, eventually, fresh_name
from redis.crc import key_slot

from hedgerow.adapters.cache import Cache
from hedgerow.adapters.cache_keys import BOOKS
from hedgerow.adapters.redis_masters import Masters
from hedgerow.schemas.records import ClientBook
from hedgerow_local.redis_cluster import Master, RedisClusterServer

NAMES = [fresh_name() for _ in range(30)]


async def whole(cache: Cache) -> bool:
    return (await cache.newest(BOOKS, NAMES)).states.keys() == set(NAMES)


async def test_a_flushed_cache_is_whole_again_after_a_heartbeat(
    own_redis_cluster: RedisClusterServer,
) -> None:
    nodes = own_redis_cluster.addresses
    async with Heartbeats(nodes, [entry(name, 1) for name in NAMES]):
        masters = Masters(nodes)
        cache = Cache(masters)
        await eventually("written", lambda: whole(cache))
        for master in masters.known():
            await master.client.flushall()
            await master.client.script_flush()
        await eventually("healed", lambda: whole(cache))
        await masters.close()


@pytest.mark.parametrize("fault", [RedisClusterServer.kill_master, RedisClusterServer.hang_master])
async def test_a_dead_or_hung_master_costs_only_its_own_keys_until_it_is_back(
    own_redis_cluster: RedisClusterServer, fault: Callable[[RedisClusterServer, Master], None]
) -> None:
    nodes = own_redis_cluster.addresses
    async with Heartbeats(nodes, [entry(name, 1) for name in NAMES]) as heartbeats:
        masters = Masters(nodes)
        cache = Cache(masters)
        await eventually("written", lambda: whole(cache))
        groups = await masters.group([BOOKS.key(name) for name in NAMES])
        assert len(groups) == 3
        victim = own_redis_cluster.masters[1]
        dead = next(keys for master, keys in groups.items() if master.address[1] == victim.port)
        living = [name for name in NAMES if BOOKS.key(name) not in dead]
        fault(own_redis_cluster, victim)

        async def writer_says_so() -> bool:
            ok, detail, outage = heartbeats.told.conditions["cache"]
            return not ok and outage and str(victim.port) in detail

        await eventually("the writer says that it is away", writer_says_so)
        heartbeats.say(entry(living[0], 2))
        heartbeats.say(entry(living[1], 2))

        async def others_are_served() -> bool:
            found = await cache.newest(BOOKS, NAMES)
            assert str(victim.port) in found.problem
            assert found.states.keys() == set(living)
            return found.states[living[0]].sequence == found.states[living[1]].sequence == 2

        await eventually("the others are written and read", others_are_served)
        assert heartbeats.waiting <= len(dead)
        own_redis_cluster.wait_until_whole()
        await eventually("whole again", lambda: whole(cache))

        async def writer_is_well() -> bool:
            return heartbeats.told.conditions["cache"][0] and heartbeats.waiting == 0

        await eventually("the writer is well", writer_is_well)
        await masters.close()


async def test_without_any_master_only_the_newest_waits_and_all_of_it_comes_back(
    own_redis_cluster: RedisClusterServer,
) -> None:
    nodes = own_redis_cluster.addresses
    async with Heartbeats(nodes, [entry(name, 1) for name in NAMES]) as heartbeats:
        masters = Masters(nodes)
        cache = Cache(masters)
        await eventually("written", lambda: whole(cache))
        for master in own_redis_cluster.masters:
            own_redis_cluster.kill_master(master)

        async def said() -> bool:
            return not heartbeats.told.conditions["cache"][0] and heartbeats.waiting == len(NAMES)

        await eventually("the writer says so and keeps one state per key", said)
        began = time.monotonic()
        for sequence in range(2, 50):
            for name in NAMES:
                heartbeats.say(entry(name, sequence))
            found = await cache.newest(BOOKS, NAMES)
            assert found.states == {}
            assert found.problem
        # Nobody hangs on a cache that is away: 48 questions, and a dead one is asked anew only now and then.
        assert time.monotonic() - began < 48
        assert heartbeats.waiting <= len(NAMES)
        own_redis_cluster.wait_until_whole()

        async def newest_is_back() -> bool:
            found = (await cache.newest(BOOKS, NAMES)).states
            return found == {name: book(name, 49) for name in NAMES}

        await eventually("everything is back", newest_is_back)
        await masters.close()


async def test_a_follower_sees_the_newest_again_after_its_master_was_away(
    own_redis_cluster: RedisClusterServer,
) -> None:
    nodes = own_redis_cluster.addresses
    async with Heartbeats(nodes, [entry(name, 1) for name in NAMES]) as heartbeats:
        masters = Masters(nodes)
        seen: dict[str, ClientBook] = {}

        async def follow() -> None:
            async for name, state in Cache(masters).follow(BOOKS, NAMES):
                assert name not in seen or state.sequence > seen[name].sequence
                seen[name] = state

        following = asyncio.create_task(follow())

        async def all_at(sequence: int) -> bool:
            return not following.done() and seen == {name: book(name, sequence) for name in NAMES}

        await eventually("snapshot", lambda: all_at(1))
        for name in NAMES:
            heartbeats.say(entry(name, 2))
        await eventually("updates", lambda: all_at(2))
        own_redis_cluster.kill_master(own_redis_cluster.masters[0])
        for name in NAMES:
            heartbeats.say(entry(name, 3))
        own_redis_cluster.wait_until_whole()
        await eventually("what came meanwhile", lambda: all_at(3))
        following.cancel()
        await asyncio.wait([following])
        await masters.close()


async def test_slots_that_get_their_master_later_are_found(own_redis_cluster: RedisClusterServer) -> None:
    masters = Masters(own_redis_cluster.addresses)
    keys = [BOOKS.key(name) for name in NAMES]
    victim, lost = next(iter((await masters.group(keys)).items()))
    slots = sorted({key_slot(key.encode()) for key in lost})
    for master in masters.known():
        await master.client.execute_command("CLUSTER DELSLOTS", *slots)
    masters.forget()
    assert victim not in await masters.group(keys)
    await victim.client.execute_command("CLUSTER ADDSLOTS", *slots)

    async def served_again() -> bool:
        return {key for found in (await masters.group(keys)).values() for key in found} == set(keys)

    await eventually("every slot is served again", served_again)
    await masters.close()
