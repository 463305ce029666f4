"""The cache on a real Redis Cluster.

I1: whoever writes in whatever order, what is read is the newest state that was ever written, and never goes back.
I2: what subscribers are told rises, and ends with what is read.
"""

import asyncio

import pytest
from cache_states import book, entry, eventually, fresh_name
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hedgerow.adapters.cache import Cache
from hedgerow.adapters.cache_keys import BOOKS, TTL_S
from hedgerow.adapters.cache_store import OLDER, REPEATED, WRITTEN, Store
from hedgerow.adapters.redis_masters import Masters


async def write(masters: Masters, store: Store, *entries: object) -> list[int | None]:
    outcomes: dict[str, list[int | None]] = {}
    groups = await masters.group([item.key for item in entries])
    for master, keys in groups.items():
        mine = [item for item in entries if item.key in keys]
        stored = await store.write(master, mine)
        assert stored.error is None
        outcomes |= {master.name: stored.outcomes}
    return [outcome for each in outcomes.values() for outcome in each]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    writers=st.lists(
        st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30)), min_size=1, max_size=12),
        min_size=1,
        max_size=4,
    )
)
def test_i1_i2_concurrent_writers_never_take_a_state_back(
    redis_cluster: str, writers: list[list[tuple[int, int]]]
) -> None:
    names = [fresh_name() for _ in range(3)]

    async def run() -> None:
        newest = {}
        for name, sequence in ((names[i], s) for states in writers for i, s in states):
            newest[name] = max(sequence, newest.get(name, 0))
        reader = Masters(redis_cluster)
        heard: dict[str, list[int]] = {name: [] for name in newest}
        cache = Cache(reader)
        following = asyncio.create_task(_hear(cache, heard, newest))
        seen: dict[str, int] = {}
        done = asyncio.Event()
        looking = asyncio.create_task(_look(cache, newest, seen, done))
        await asyncio.gather(*(_write_all(redis_cluster, names, states) for states in writers))
        done.set()
        await looking
        found = await cache.newest(BOOKS, newest)
        assert found.problem == ""
        assert {name: state.sequence for name, state in found.states.items()} == newest
        async with asyncio.timeout(60):
            await following
        assert all(sequences == sorted(set(sequences)) for sequences in heard.values())
        await reader.close()

    asyncio.run(run())


async def _write_all(nodes: str, names: list[str], states: list[tuple[int, int]]) -> None:
    masters = Masters(nodes)
    store = Store(masters)
    for index, sequence in states:
        await write(masters, store, entry(names[index], sequence))
    await masters.close()


async def _look(cache: Cache, names: dict[str, int], seen: dict[str, int], done: asyncio.Event) -> None:
    while not done.is_set():
        for name, state in (await cache.newest(BOOKS, names)).states.items():
            assert state.sequence >= seen.get(name, 0)
            seen[name] = state.sequence


async def _hear(cache: Cache, heard: dict[str, list[int]], newest: dict[str, int]) -> None:
    """Until the newest of each name was told."""
    async for name, state in cache.follow(BOOKS, newest):
        heard[name].append(state.sequence)
        if all(heard[each][-1:] == [newest[each]] for each in newest):
            return


@pytest.fixture
async def masters(redis_cluster: str):  # type: ignore[no-untyped-def]
    found = Masters(redis_cluster)
    yield found
    await found.close()


async def test_what_became_of_each_state_is_told(masters: Masters) -> None:
    name, store = fresh_name(), Store(masters)
    assert await write(masters, store, entry(name, 5, 1)) == [WRITTEN]
    assert await write(masters, store, entry(name, 5, 1)) == [REPEATED]
    assert await write(masters, store, entry(name, 5, 2)) == [WRITTEN]
    assert await write(masters, store, entry(name, 4, 9)) == [OLDER]


async def test_numbers_beyond_what_a_float_can_hold_are_told_apart(masters: Masters) -> None:
    name, store = fresh_name(), Store(masters)
    assert await write(masters, store, entry(name, 2**63 - 1)) == [WRITTEN]
    assert await write(masters, store, entry(name, 2**63 - 2)) == [OLDER]
    assert await write(masters, store, entry(name, 2**63)) == [WRITTEN]


async def test_a_state_that_nobody_repeats_is_gone_and_a_repeated_one_stays(masters: Masters) -> None:
    silent, alive, store = fresh_name(), fresh_name(), Store(masters)
    await write(masters, store, entry(silent, 5), entry(alive, 5))
    cache = Cache(masters)

    async def silent_is_gone() -> bool:
        # An older state is refused, and does not keep the newer one alive.
        await write(masters, store, entry(alive, 5))
        old = await write(masters, store, entry(silent, 4))
        return old == [WRITTEN]

    began = asyncio.get_running_loop().time()
    await eventually("the silent state is gone", silent_is_gone)
    assert asyncio.get_running_loop().time() - began >= TTL_S - 0.5
    found = (await cache.newest(BOOKS, [silent, alive])).states
    assert found == {silent: book(silent, 4), alive: book(alive, 5)}


async def test_a_value_that_cannot_be_read_is_said_and_the_others_are_answered(masters: Masters) -> None:
    good, bad, store = fresh_name(), fresh_name(), Store(masters)
    await write(masters, store, entry(good, 1))
    (master,) = await masters.group([BOOKS.key(bad)])
    await master.client.set(BOOKS.key(bad), "nonsense", px=60_000)
    found = await Cache(masters).newest(BOOKS, [good, bad, fresh_name()])
    assert found.states == {good: book(good, 1)}
    assert BOOKS.key(bad) in found.problem
