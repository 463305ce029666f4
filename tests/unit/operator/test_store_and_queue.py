"""What was seen of the cluster, and what waits to be looked at.

I1  after everything was shown, in whatever order watch and list came, the store holds the newest of each object
I2  what is added is taken, each item by one worker at a time, and again when it was added meanwhile
"""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_operator.kinds import DEPLOYMENT, HALT, SECRET, STRATEGY, VENUE
from hedgerow_operator.store import Store, secret_keys, without_noise
from hedgerow_operator.work_queue import SECOND_LOOK_EVERY, WorkQueue
from hedgerow_operator.world import World

A, B = ("HedgeStrategy", "desk/a"), ("HedgeStrategy", "desk/b")


def thing(name: str, version: int, **more: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Thing",
        "metadata": {"namespace": "desk", "name": name, "resourceVersion": str(version)},
        **more,
    }


@given(st.permutations(range(1, 7)))
def test_the_newest_wins_in_any_order(order: list[int]) -> None:
    """I1"""
    store = Store(without_noise)
    for version in order:
        store.offer(thing("a", version))
    assert store.objects["desk/a"] == thing("a", 6)


def test_a_deletion_is_not_undone_by_an_older_look() -> None:
    """I1"""
    store = Store(without_noise)
    store.offer(thing("a", 1))
    known = store.begin_list()
    assert store.remove(thing("a", 3))
    assert store.end_list(known, [thing("a", 2)]) == set()
    assert dict(store.objects) == {}
    assert store.offer(thing("a", 4))


def test_a_list_finds_what_a_watch_missed() -> None:
    """I1"""
    store = Store(without_noise)
    for name in "abc":
        store.offer(thing(name, 1))
    known = store.begin_list()
    store.offer(thing("d", 5))  # came while the list was under way
    assert store.end_list(known, [thing("a", 1), thing("b", 2)]) == {"desk/b", "desk/c"}
    assert sorted(store.objects) == ["desk/a", "desk/b", "desk/d"]


def test_what_is_not_kept_is_not_there() -> None:
    body = thing("keys", 1, data={"apiKey": "c2VjcmV0", "secret": "c2VjcmV0"})
    body["metadata"]["managedFields"] = [{}]
    assert secret_keys(body) == {
        "metadata": {"namespace": "desk", "name": "keys", "resourceVersion": "1"},
        "keys": ["apiKey", "secret"],
    }
    assert "c2VjcmV0" not in str(secret_keys(body))


def strategy(name: str, version: int, venue: str = "paper", reason: str = "") -> dict[str, Any]:
    leg = {"venueRef": {"name": venue}, "instrument": "BTC/USDT:USDT", "priority": 1}
    body = thing(name, version, spec={"hedgeWith": [leg]})
    body["metadata"] |= {"uid": name, "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z"}
    conditions = [{"type": "Accepted", "status": "False", "reason": reason}] if reason else []
    return body | {"status": {"observedGeneration": 1, "conditions": conditions}}


def test_a_change_concerns_those_that_depend_on_it() -> None:
    world = World()
    world.of(STRATEGY).offer(strategy("one", 1))
    world.of(STRATEGY).offer(strategy("two", 1, venue="other"))
    counting = strategy("three", 1, venue="other")
    counting["spec"]["exposure"] = [
        {"name": "clients", "book": {"name": "clients"}},
        {"name": "wallet", "account": {"venueRef": {"name": "paper"}, "count": ["Spot"]}},
    ]
    world.of(STRATEGY).offer(counting)
    keys = {use: {"secretRef": {"name": name}} for use, name in (("trade", "keys"), ("read", "reading"))}
    venue = thing("paper", 1, spec={"credentials": keys})
    world.of(VENUE).offer(venue)
    assert list(world.changed(VENUE, "desk/paper")) == [
        ("Venue", "desk/paper"),
        ("HedgeStrategy", "desk/one"),
        ("HedgeStrategy", "desk/three"),
    ]
    for key in ("desk/keys", "desk/reading"):
        assert list(world.changed(SECRET, key)) == [("Venue", "desk/paper")]
    for name in ("paper-executor", "paper-accounts"):
        assert list(world.changed(DEPLOYMENT, f"desk/{name}")) == [("Venue", "desk/paper")]
    assert list(world.changed(SECRET, "desk/others")) == []
    assert list(world.changed(HALT, "desk/h")) == [("Halt", "desk/h")]


def test_rivals_are_those_that_want_the_same_leg_and_a_loser_is_woken_when_one_goes() -> None:
    world = World()
    first, second = strategy("first", 1), strategy("second", 1, reason="Conflict")
    world.of(STRATEGY).offer(first)
    world.of(STRATEGY).offer(second)
    world.of(STRATEGY).offer(strategy("third", 1, venue="other"))
    assert [rival.key for rival in world.rivals(first)] == ["desk/second"]
    assert world.rivals(first)[0].refused is False  # who lost a conflict may win the next
    world.of(STRATEGY).offer(strategy("second", 2, reason="Invalid"))
    assert world.rivals(first)[0].refused is True
    world.of(STRATEGY).offer(strategy("second", 3, reason="Conflict"))
    world.of(STRATEGY).remove(strategy("first", 4))
    assert ("HedgeStrategy", "desk/second") in list(world.changed(STRATEGY, "desk/first"))


async def test_an_item_is_with_one_worker_at_a_time_and_comes_again() -> None:
    """I2"""
    queue = WorkQueue()
    for item in (A, A, B):
        queue.add(item)
    assert (await queue.take(), await queue.take()) == (A, B)
    queue.add(A)
    waiting = asyncio.create_task(queue.take())
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.done(A)
    assert await asyncio.wait_for(waiting, 10) == A


async def test_what_failed_comes_again_later_and_later() -> None:
    queue = WorkQueue()
    assert [queue.retry(A) for _ in range(3)] == [0.25, 0.5, 1.0]
    queue.succeeded(A)
    assert queue.retry(A) == 0.25
    assert await asyncio.wait_for(queue.take(), 10) == A


async def test_who_waits_waits_for_one_time_however_often_it_was_woken() -> None:
    """A strategy that is not ready for hours is woken by every resync, and asks to be looked at again each time."""
    queue = WorkQueue()
    for number in range(1, 4):
        queue.look_again(A)
        assert await queue.take() == A
        queue.add_after(A, 0.1 * number)
        queue.done(A)
    assert await asyncio.wait_for(queue.take(), 10) == A
    queue.done(A)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.take(), 0.5)


async def test_a_change_goes_before_second_looks_which_never_starve() -> None:
    queue = WorkQueue()
    looks = [("Venue", f"desk/{number}") for number in range(2)]
    changes = [("Venue", f"desk/changed-{number}") for number in range(2 * SECOND_LOOK_EVERY)]
    for item in looks:
        queue.look_again(item)
    for item in changes:
        queue.add(item)
    taken = [await queue.take() for _ in range(len(queue))]
    assert [item for item in taken if item in changes] == changes
    assert [taken.index(item) for item in looks] == [0, SECOND_LOOK_EVERY]


async def test_a_long_queue_that_moves_is_not_stuck() -> None:
    queue = WorkQueue()
    began_s = asyncio.get_running_loop().time()
    assert queue.stuck_s(began_s + 100) == 0
    queue.look_again(A)
    queue.add(B)
    assert queue.stuck_s(began_s + 100) == pytest.approx(100, abs=10)
    await queue.take()
    await asyncio.sleep(0.05)
    now_s = asyncio.get_running_loop().time()
    assert 0.05 <= queue.stuck_s(now_s) < queue.oldest_s(now_s) + 0.001
    queue.add(("Venue", "desk/newer"))
    assert queue.oldest_s(now_s + 100) == pytest.approx(100, abs=10)


async def test_what_is_to_be_looked_at_again_and_changes_is_taken_once() -> None:
    queue = WorkQueue()
    queue.look_again(A)
    queue.add(A)
    queue.look_again(A)
    assert len(queue) == 1
    assert await queue.take() == A
    queue.look_again(A)  # it is being looked at
    queue.done(A)
    assert len(queue) == 0


@given(st.lists(st.tuples(st.sampled_from([A, B]), st.booleans()), max_size=20))
def test_nothing_that_is_added_is_lost(items: list[tuple[tuple[str, str], bool]]) -> None:
    """I2"""

    async def run() -> set[tuple[str, str]]:
        queue, seen = WorkQueue(), set()
        for item, changed in items:
            (queue.add if changed else queue.look_again)(item)
        while len(queue):
            taken = await queue.take()
            seen.add(taken)
            queue.done(taken)
        return seen

    assert asyncio.run(run()) == {item for item, _ in items}
