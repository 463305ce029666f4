"""Where the cache keeps what, and which of two states is the newer one.

I1: everything about one strategy lies in one slot.
I2: different names or kinds never share a key.
I3: orders compare as (sequence, time) do.
"""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from hedgerow.adapters.cache_keys import BOOKS, QUOTES, RISK_STATES, SUMMARIES, order_of
from hedgerow.schemas.codec import UndecodableRecord, encode
from hedgerow.schemas.records import ClientBook

KINDS = (QUOTES, RISK_STATES, SUMMARIES, BOOKS)
NAMES = st.text(st.characters(exclude_characters="}", codec="utf-8"), min_size=1, max_size=40)
NUMBERS = st.integers(0, 2**63 - 1)


@given(NAMES)
def test_i1_a_strategys_keys_share_a_slot(name: str) -> None:
    assert len({key_slot(kind.key(name).encode()) for kind in KINDS}) == 1


@given(st.lists(NAMES, unique=True, max_size=5))
def test_i2_keys_differ(names: list[str]) -> None:
    assert len({kind.key(name) for kind in KINDS for name in names}) == len(KINDS) * len(names)


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_i3_orders_compare_as_their_numbers(
    sequence: int, time_ns: int, other: int, other_time_ns: int
) -> None:
    one, another = order_of(sequence, time_ns), order_of(other, other_time_ns)
    assert (one < another) == ((sequence, time_ns) < (other, other_time_ns))
    assert (one == another) == ((sequence, time_ns) == (other, other_time_ns))


@pytest.mark.parametrize("name", ["", "a}b", "}"])
def test_a_name_that_would_end_its_tag_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="hash tag"):
        QUOTES.key(name)


@pytest.mark.parametrize(("sequence", "time_ns"), [(-1, 0), (0, -1), (10**20, 0), (0, 10**20)])
def test_numbers_that_would_not_compare_are_refused(sequence: int, time_ns: int) -> None:
    with pytest.raises(ValueError, match="should be from 0"):
        order_of(sequence, time_ns)


def test_a_value_is_read_as_it_went_over_the_wire() -> None:
    book = ClientBook(name="oms", sequence=3, as_of_ns=1, published_ns=2, positions={})
    assert BOOKS.decode(order_of(3, 2) + encode(book)) == book


@pytest.mark.parametrize(
    "value", [b"", b"{}", b"x" * 40 + b"{}", b"0" * 40, b"0" * 40 + b"{}", b"0" * 40 + b'{"type": "Quote"}']
)
def test_anything_else_is_named(value: bytes) -> None:
    with pytest.raises(UndecodableRecord):
        BOOKS.decode(value)


def test_another_versions_record_is_not_read() -> None:
    book = ClientBook(v=99, name="oms", sequence=3, as_of_ns=1, published_ns=2, positions={})
    with pytest.raises(UndecodableRecord, match="schema version 99"):
        BOOKS.decode(order_of(3, 2) + msgspec.json.encode(book))
