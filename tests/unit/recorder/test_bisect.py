"""What a database refuses is found, and the rest goes in."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.history.bisect import write_all_but_refused


class Refused(Exception):
    pass


@given(items=st.lists(st.tuples(st.integers(), st.booleans()), max_size=40))
async def test_every_sound_item_is_written_once_in_order_and_only_bad_ones_are_given_back(
    items: list[tuple[int, bool]],
) -> None:
    """I1: written = the sound items, in their order. I2: given back = the bad ones, in theirs."""
    written: list[tuple[int, bool]] = []

    async def write(some: Sequence[tuple[int, bool]]) -> None:
        if any(bad for _, bad in some):
            raise Refused
        written.extend(some)

    refused = await write_all_but_refused(items, write, (Refused,))
    assert written == [item for item in items if not item[1]]
    assert [item for item, _ in refused] == [item for item in items if item[1]]


async def test_one_bad_item_of_many_costs_few_calls() -> None:
    calls = 0

    async def write(some: Sequence[int]) -> None:
        nonlocal calls
        calls += 1
        if 700 in some:
            raise Refused

    assert [item for item, _ in await write_all_but_refused(range(1024), write, (Refused,))] == [700]
    assert calls <= 2 * 10 + 1


async def test_what_is_nobodys_fault_comes_through() -> None:
    async def write(some: Sequence[int]) -> None:
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        await write_all_but_refused([1, 2], write, (Refused,))
