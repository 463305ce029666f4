"""Waiting that a cancellation ends, whatever comes with it."""

import asyncio

import pytest

from hedgerow.streams.waiting import end_all, set_within

LONG_S = 60.0


@pytest.mark.parametrize("steps", range(6))
async def test_a_cancellation_that_comes_with_the_event_ends_the_loop_around_it(steps: int) -> None:
    event = asyncio.Event()

    async def loop() -> None:
        while True:
            event.clear()
            await set_within(event, LONG_S)

    task = asyncio.create_task(loop())
    await asyncio.sleep(0)
    event.set()
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=LONG_S)
    assert done, "the cancellation was forgotten"
    assert task.cancelled()


async def test_it_says_whether_the_event_came() -> None:
    event = asyncio.Event()
    assert not await set_within(event, 0)
    assert not await set_within(event, 0.01)
    asyncio.get_running_loop().call_later(0.01, event.set)
    assert await set_within(event, LONG_S)
    assert await set_within(event, None)
    assert await set_within(event, -1)


async def test_a_task_that_lives_through_a_cancellation_is_cancelled_again() -> None:
    lived_through = 0

    async def stubborn() -> None:
        nonlocal lived_through
        while lived_through < 2:
            try:
                await asyncio.sleep(LONG_S)
            except asyncio.CancelledError:
                lived_through += 1
        raise ConnectionError("lost")

    tasks = [asyncio.create_task(stubborn()), asyncio.create_task(asyncio.sleep(LONG_S))]
    await asyncio.sleep(0)
    await end_all(tasks)
    assert [task.done() for task in tasks] == [True, True]
    assert lived_through == 2
    await end_all([])
