"""A coroutine that is begun outside a task goes on inside one as if nothing had happened."""

import asyncio

import pytest

from hedgerow.streams.eager import begin


async def test_what_never_waits_is_done_at_once() -> None:
    done = []

    async def work() -> None:
        done.append(1)

    assert begin(work()) is None
    assert done == [1]


async def test_what_waits_goes_on_and_gives_its_result() -> None:
    first, second = asyncio.Event(), asyncio.Event()

    async def work() -> str:
        await first.wait()
        await asyncio.sleep(0)
        await second.wait()
        return "done"

    rest = begin(work())
    assert rest is not None
    task = asyncio.create_task(rest)
    first.set()
    await asyncio.sleep(0)
    assert not task.done()
    second.set()
    assert await task == "done"


async def test_a_failure_before_or_after_the_wait_comes_out() -> None:
    gate = asyncio.Event()

    async def work(early: bool) -> None:
        if early:
            raise ArithmeticError("early")
        await gate.wait()
        raise ArithmeticError("late")

    with pytest.raises(ArithmeticError, match="early"):
        begin(work(early=True))
    rest = begin(work(early=False))
    assert rest is not None
    gate.set()
    with pytest.raises(ArithmeticError, match="late"):
        await rest


async def test_a_cancellation_reaches_what_waits() -> None:
    seen = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    rest = begin(work())
    assert rest is not None
    task = asyncio.create_task(rest)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["cancelled"]
