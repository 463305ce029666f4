"""A circuit breaker: three failures open it, 30 s later exactly one call tries again."""

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow_gateway.breaker import Breaker, CircuitOpen


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Lost(Exception):
    pass


def fail(breaker: Breaker) -> None:
    with pytest.raises(Lost), breaker.calling():
        raise Lost


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(clock=clock)
    for _ in range(3):
        fail(breaker)
    return breaker


def test_two_failures_and_a_success_leave_it_closed() -> None:
    breaker = Breaker(clock=Clock())
    for _ in range(5):
        fail(breaker)
        fail(breaker)
        with breaker.calling():
            pass
    assert not breaker.is_open


def test_three_failures_open_it_and_nothing_is_called_for_30_s() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 29.9
    with pytest.raises(CircuitOpen) as refused, breaker.calling():
        pytest.fail("it was called")
    assert refused.value.retry_after_s == 1.0


async def test_of_twenty_at_once_exactly_one_is_the_probe() -> None:
    """hedge-engine lets all twenty through."""
    clock = Clock()
    breaker = opened(clock)
    clock.now += 30.0
    answer = asyncio.Event()
    called = []

    async def ask() -> str:
        try:
            with breaker.calling():
                called.append(1)
                await answer.wait()
        except CircuitOpen:
            return "refused"
        return "called"

    asking = [asyncio.create_task(ask()) for _ in range(20)]
    await asyncio.sleep(0)
    assert len(called) == 1
    answer.set()
    assert sorted(await asyncio.gather(*asking)) == ["called"] + ["refused"] * 19
    assert not breaker.is_open


def test_a_failed_probe_opens_it_for_another_30_s() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 30.0
    fail(breaker)
    clock.now += 29.0
    with pytest.raises(CircuitOpen), breaker.calling():
        pass
    clock.now += 1.0
    with breaker.calling():
        pass
    assert not breaker.is_open


async def test_a_cancelled_probe_leaves_room_for_the_next() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 30.0

    async def ask() -> None:
        with breaker.calling():
            await asyncio.Event().wait()

    probe = asyncio.create_task(ask())
    await asyncio.sleep(0)
    probe.cancel()
    with suppress(asyncio.CancelledError):
        await probe
    clock.now += 30.0
    with breaker.calling():
        pass
    assert not breaker.is_open


@settings(max_examples=300)
@given(st.lists(st.sampled_from(["begin", "well", "failed", "wait"]), max_size=60))
def test_while_it_is_open_at_most_one_call_is_under_way(steps: list[str]) -> None:
    clock = Clock()
    breaker = opened(clock)
    under_way = []
    for step in steps:
        if step == "wait":
            clock.now += 20.0
        elif step == "begin":
            call = breaker.calling()
            with suppress(CircuitOpen):
                call.__enter__()
                under_way.append(call)
        elif under_way:
            call = under_way.pop(0)
            if step == "well":
                call.__exit__(None, None, None)
            else:
                with suppress(Lost):
                    call.__exit__(Lost, Lost(), None)
        if breaker.is_open:
            assert len(under_way) <= 1
        else:
            return
