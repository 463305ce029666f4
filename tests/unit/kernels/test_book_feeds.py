"""Books rebuilt from depth messages (L2) and order messages (L3), native and twin."""

from typing import Any

import numpy as np
import pytest
from book_streams import _native, needs_native
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.kernels.book_feeds import (
    DEPTH_MESSAGE,
    ORDER_MESSAGE,
    Applied,
    Chaining,
    Followed,
    Message,
    whole,
)
from hedgerow.kernels.twin_l2 import TwinL2BookBuilder
from hedgerow.kernels.twin_l3 import TwinL3BookBuilder

NativeL2: Any = getattr(_native, "L2BookBuilder", None)
NativeL3: Any = getattr(_native, "L3BookBuilder", None)
each_l2 = pytest.mark.parametrize(
    "builder_class", [TwinL2BookBuilder, pytest.param(NativeL2, marks=needs_native)], ids=["twin", "native"]
)
each_l3 = pytest.mark.parametrize(
    "builder_class", [TwinL3BookBuilder, pytest.param(NativeL3, marks=needs_native)], ids=["twin", "native"]
)


def columns(*rows: tuple[int, int, int]) -> tuple[np.ndarray, ...]:
    """(side, price, quantity) rows as three columns."""
    table = np.array(rows, np.int64).reshape(-1, 3)
    return tuple(np.ascontiguousarray(table[:, at]) for at in range(3))


SNAPSHOT = columns((1, 100, 5), (1, 99, 7), (-1, 101, 4), (-1, 103, 2))


@each_l2
@pytest.mark.parametrize("chaining", [Chaining.SPOT, Chaining.FUTURES])
def test_messages_that_chain_are_applied_and_stale_ones_are_not(
    builder_class: Any, chaining: Chaining
) -> None:
    book = builder_class(chaining)
    change = columns((1, 100, 0), (1, 98, 3), (-1, 102, 9))
    assert book.apply(1, 5, 0, *change) == Applied.NO_SNAPSHOT
    book.snapshot(10, *SNAPSHOT)
    assert book.apply(4, 10, 3, *change) == Applied.STALE
    assert (book.best(1), book.best(-1), book.last_update_id) == ((100, 5), (101, 4), 10)
    # The first one may reach back over the snapshot's id.
    assert book.apply(8, 12, 7, *change) == Applied.APPLIED
    assert book.levels(1, 9) == [(99, 7), (98, 3)]
    assert book.levels(-1, 2) == [(101, 4), (102, 9)]
    assert book.apply(13, 15, 12, *columns()) == Applied.APPLIED
    assert (book.last_update_id, book.gap, book.gaps, book.crossed) == (15, None, 0, False)


@each_l2
def test_spot_chains_by_the_first_id_and_futures_by_the_previous_one(builder_class: Any) -> None:
    spot, futures = builder_class(Chaining.SPOT), builder_class(Chaining.FUTURES)
    for book in (spot, futures):
        book.snapshot(10, *SNAPSHOT)
    assert spot.apply(11, 12, -1, *columns()) == Applied.APPLIED
    assert spot.apply(13, 13, -1, *columns()) == Applied.APPLIED
    assert futures.apply(500, 600, 9, *columns()) == Applied.APPLIED
    assert futures.apply(700, 800, 600, *columns()) == Applied.APPLIED
    assert spot.apply(15, 16, 13, *columns()) == Applied.GAP
    assert futures.apply(801, 900, 799, *columns()) == Applied.GAP


@each_l2
def test_after_a_gap_nothing_is_applied_until_the_next_snapshot(builder_class: Any) -> None:
    book = builder_class(Chaining.SPOT)
    book.snapshot(10, *SNAPSHOT)
    assert book.apply(12, 13, 0, *columns((1, 100, 1))) == Applied.GAP
    assert book.gap == "depth message ending at update id 13 links to 11, but the book stands at 10"
    assert book.apply(11, 14, 0, *columns((1, 100, 1))) == Applied.GAP
    assert (book.best(1), book.gaps) == ((100, 5), 1)
    book.snapshot(20, *columns((1, 90, 1), (-1, 91, 1)))
    assert (book.gap, book.levels(1, 5), book.gaps) == (None, [(90, 1)], 1)
    assert book.apply(21, 21, 0, *columns((1, 95, 1))) == Applied.APPLIED
    assert book.crossed


@each_l2
def test_bad_level_changes_are_refused_by_argument_and_index(builder_class: Any) -> None:
    with pytest.raises(ValueError, match="chaining is 3"):
        builder_class(3)
    book = builder_class(Chaining.SPOT)
    book.snapshot(10, *SNAPSHOT)
    sides, prices, quantities = columns((1, 100, 1), (2, 99, 1))
    with pytest.raises(ValueError, match=r"sides\[1\] is 2"):
        book.apply(11, 12, 0, sides, prices, quantities)
    with pytest.raises(ValueError, match=r"quantities\[0\] is -1"):
        book.apply(11, 12, 0, *columns((1, 100, -1)))
    with pytest.raises(ValueError, match="one length; they have 2, 1, 2"):
        book.apply(11, 12, 0, sides, prices[:1], quantities)
    with pytest.raises(ValueError, match="prices has dtype float64"):
        book.snapshot(11, *columns((1, 1, 1))[:1], np.array([1.0]), np.array([1]))
    messages = np.array([(11, 12, 10, 3)], DEPTH_MESSAGE)
    with pytest.raises(ValueError, match="messages have 3 rows in all, the arrays 1"):
        book.apply_many(messages, *columns((1, 100, 1)))
    with pytest.raises(ValueError, match="messages have dtype int64"):
        book.apply_many(np.zeros(4, np.int64), *columns((1, 100, 1)))
    with pytest.raises(ValueError, match="side is 0"):
        book.best(0)
    assert (book.levels(1, 9), book.last_update_id) == ([(100, 5), (99, 7)], 10)


@needs_native
@settings(max_examples=60)
@given(st.integers(0, 2**32), st.sampled_from(Chaining))
def test_the_native_l2_builder_is_its_twin(seed: int, chaining: Chaining) -> None:
    rng = np.random.default_rng(seed)
    twin, native = TwinL2BookBuilder(chaining), NativeL2(chaining)
    last = 50
    for _ in range(6):
        snapshot = (rng.choice([1, -1], 30), rng.integers(90, 110, 30), rng.integers(0, 5, 30))
        messages, rows = np.zeros(8, DEPTH_MESSAGE), rng.integers(0, 6, 8)
        for message, count in zip(messages, rows, strict=True):
            skipped = int(rng.random() < 0.05)
            message["first_id"], message["previous_id"] = last + 1 + skipped, last + skipped
            last += int(rng.integers(1, 4))
            message["last_id"], message["rows"] = last, count
        total = int(rows.sum())
        many = (rng.choice([1, -1], total), rng.integers(90, 110, total), rng.integers(0, 3, total))
        if rng.random() < 0.5:
            stands = last - int(rng.integers(0, 20))
            for book in (twin, native):
                book.snapshot(stands, *snapshot)
        assert twin.apply_many(messages, *many).tolist() == native.apply_many(messages, *many).tolist()
        for side in (1, -1):
            assert twin.levels(side, 50) == native.levels(side, 50)
            assert twin.best(side) == native.best(side)
        assert (twin.gap, twin.gaps, twin.last_update_id, twin.crossed) == (
            native.gap,
            native.gaps,
            native.last_update_id,
            native.crossed,
        )


@each_l3
def test_orders_are_added_reduced_executed_and_deleted_in_their_queue(builder_class: Any) -> None:
    book = builder_class()
    for sequence, order_id in enumerate((1, 2, 3)):
        assert book.apply(sequence, Message.ADD, order_id, 1, 5, 100) == Followed.APPLIED
    assert book.apply(3, Message.REDUCE, 2, 1, 3, 100) == Followed.APPLIED
    assert book.apply(4, Message.EXECUTE, 1, 1, 5, 100) == Followed.APPLIED
    assert book.apply(5, Message.EXECUTE_HIDDEN, 0, 1, 5, 100) == Followed.NO_EFFECT
    assert (book.levels(1, 5), book.queue(1, 100), len(book)) == ([(100, 7)], [2, 3], 2)
    assert book.apply(6, Message.DELETE, 2, 1, 2, 100) == Followed.APPLIED
    assert (book.best(1), book.best(-1), book.problems) == ((100, 5), None, 0)


@each_l3
def test_messages_that_do_not_fit_are_told_and_change_nothing(builder_class: Any) -> None:
    book = builder_class()
    book.apply(1, Message.ADD, 1, -1, 5, 100)
    assert book.apply(2, Message.ADD, 1, -1, 5, 100) == Followed.DUPLICATE_ORDER
    assert book.apply(3, Message.DELETE, 9, -1, 5, 100) == Followed.UNKNOWN_ORDER
    assert book.apply(4, Message.REDUCE, 1, -1, 6, 100) == Followed.TOO_MUCH
    assert book.apply(5, Message.REDUCE, 1, -1, 1, 101) == Followed.MISMATCH
    assert book.apply(6, Message.DELETE, 1, -1, 4, 100) == Followed.MISMATCH
    assert (book.levels(-1, 5), book.problems, book.gap) == ([(100, 5)], 5, None)
    assert book.apply(8, Message.DELETE, 1, -1, 5, 100) == Followed.GAP
    assert book.apply(9, Message.DELETE, 1, -1, 5, 100) == Followed.GAP
    assert (book.gap, book.levels(-1, 5)) == ("message 8 follows message 6", [(100, 5)])
    book.clear()
    assert (book.gap, book.levels(-1, 5), len(book)) == (None, [], 0)
    for kind, side, quantity, message in (
        (8, 1, 1, "kind is 8"),
        (1, 0, 1, "side is 0"),
        (1, 1, 0, "quantity"),
    ):
        with pytest.raises(ValueError, match=message):
            book.apply(10, kind, 1, side, quantity, 100)
    with pytest.raises(ValueError, match="quantity is -1"):
        book.seed(1, 100, -1)


@each_l3
def test_a_seeded_level_gives_to_messages_about_unknown_orders(builder_class: Any) -> None:
    book = builder_class()
    book.seed(1, 100, 8)
    book.seed(1, 99, 4)
    book.apply(0, Message.ADD, 7, 1, 2, 100)
    assert book.apply(1, Message.DELETE, 50, 1, 5, 100) == Followed.APPLIED
    assert book.apply(2, Message.EXECUTE, 51, 1, 4, 100) == Followed.TOO_MUCH
    assert book.levels(1, 5) == [(100, 5), (99, 4)]
    book.seed(1, 100, 1)
    assert book.levels(1, 1) == [(100, 3)]
    book.apply(3, Message.ADD, 8, 1, 2, 98)
    book.forget_beyond(1, 99)
    assert (book.levels(1, 5), len(book)) == ([(100, 3), (99, 4)], 1)
    assert book.apply(4, Message.DELETE, 8, 1, 2, 98) == Followed.UNKNOWN_ORDER


@needs_native
@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_the_native_l3_builder_is_its_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    twin, native = TwinL3BookBuilder(), NativeL3()
    for start in range(0, 200, 20):
        messages = np.zeros(20, ORDER_MESSAGE)
        messages["sequence"] = np.arange(start, start + 20) + (rng.random() < 0.05)
        messages["kind"] = rng.choice([1, 1, 1, 2, 3, 4, 5], 20)
        messages["order_id"] = rng.integers(0, 15, 20)
        messages["side"], messages["price"] = rng.choice([1, -1], 20), rng.integers(98, 102, 20)
        messages["quantity"] = rng.integers(1, 4, 20)
        assert twin.apply_many(messages).tolist() == native.apply_many(messages).tolist()
        side, price = int(rng.choice([1, -1])), int(rng.integers(97, 103))
        for book in (twin, native):
            if start % 60 == 0:
                book.seed(side, price, 5)
            if start % 80 == 0:
                book.forget_beyond(side, price)
            if book.gap:
                book.clear()
        assert (len(twin), twin.problems, twin.gap) == (len(native), native.problems, native.gap)
        for side in (1, -1):
            assert twin.levels(side, 50) == native.levels(side, 50)
            for price in range(97, 103):
                assert twin.queue(side, price) == native.queue(side, price)


def test_decimal_values_become_whole_steps_or_are_refused_by_index() -> None:
    assert whole("prices", [61837.63, 0.01, -0.02], 0.01).tolist() == [6_183_763, 1, -2]
    assert whole("quantities", np.array([21_000_000.00001]), 0.00001).tolist() == [2_100_000_000_001]
    for bad in (0.005, float("nan"), float("inf"), 1e300):
        with pytest.raises(ValueError, match=r"prices\[1\] is"):
            whole("prices", [1.0, bad], 0.01)
