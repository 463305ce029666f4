"""A partition is stepped only between its loading and its revocation."""

import asyncio

from hedgerow.streams.partitions import Partitions

AT = ("risk.inputs", 2)


async def test_a_message_waits_until_the_state_is_loaded() -> None:
    partitions = Partitions()
    slot = partitions.add(AT)
    waiting = asyncio.create_task(slot.usable())
    await asyncio.sleep(0)
    assert not waiting.done()
    assert not partitions.all_loaded()
    slot.open()
    assert await waiting
    assert partitions.all_loaded()


async def test_whoever_waits_when_the_partition_is_revoked_must_leave_it_alone() -> None:
    partitions = Partitions()
    slot = partitions.add(AT)
    waiting = asyncio.create_task(slot.usable())
    await asyncio.sleep(0)
    partitions.remove(AT)
    assert not await waiting
    assert not partitions.owns(slot)


async def test_a_later_assignment_is_another_one() -> None:
    partitions = Partitions()
    before = partitions.add(AT)
    partitions.remove(AT)
    after = partitions.add(AT)
    assert not partitions.owns(before)
    assert partitions.owns(after)
    assert partitions.get(AT) is after
