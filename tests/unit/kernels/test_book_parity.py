"""The native book and its twin do the same, command by command and byte by byte."""

from collections import Counter

import numpy as np
import pytest
from book_streams import LOOSE, STRICT, NativeOrderBook, needs_native, random_commands
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.kernels.book_records import blank_commands
from hedgerow.kernels.book_words import CancelReason, Kind, Reject, Status
from hedgerow.kernels.twin_book import TwinOrderBook

pytestmark = needs_native

seeds = st.integers(0, 2**32)
rules = st.sampled_from([STRICT, LOOSE])


@settings(max_examples=150)
@given(seeds, rules)
def test_every_report_and_every_state_are_equal(seed: int, rules: dict[str, int]) -> None:
    twin, native = TwinOrderBook(**rules), NativeOrderBook(**rules)
    commands = random_commands(seed, 120)
    for index in range(len(commands)):
        ours, theirs = twin.run(commands[index : index + 1]), native.run(commands[index : index + 1])
        for ours_part, theirs_part in zip(ours, theirs, strict=True):
            assert ours_part.tobytes() == theirs_part.tobytes()
        assert native.state_hash() == twin.state_hash()
    assert native.snapshot() == twin.snapshot()


@settings(max_examples=40)
@given(seeds, rules)
def test_a_batch_is_its_commands_one_by_one(seed: int, rules: dict[str, int]) -> None:
    commands = random_commands(seed, 200)
    for book_class in (TwinOrderBook, NativeOrderBook):
        at_once, singly = book_class(**rules), book_class(**rules)
        whole = at_once.run(commands)
        parts = [singly.run(commands[index : index + 1]) for index in range(len(commands))]
        assert at_once.snapshot() == singly.snapshot()
        assert whole.reports.tolist() == [row for part in parts for row in part.reports.tolist()]
        assert [row[:-1] for row in whole.fills.tolist()] == [
            row[:-1] for part in parts for row in part.fills.tolist()
        ]
        assert all(
            0 <= index < len(commands)
            for rows in (whole.fills, whole.cancels, whole.triggers)
            for index in rows["command"]
        )


@settings(max_examples=60)
@given(seeds, rules, st.integers(0, 199))
def test_either_goes_on_from_the_others_snapshot(seed: int, rules: dict[str, int], cut: int) -> None:
    commands = random_commands(seed, 200)
    twin, native = TwinOrderBook(**rules), NativeOrderBook(**rules)
    for book in (twin, native):
        book.run(commands[:cut])
    crossed = [NativeOrderBook.restore(twin.snapshot()), TwinOrderBook.restore(native.snapshot())]
    for book in (twin, native, *crossed):
        book.run(commands[cut:])
    assert len({book.snapshot() for book in (twin, native, *crossed)}) == 1


def test_both_answer_every_question_alike() -> None:
    twin, native = TwinOrderBook(**LOOSE), NativeOrderBook(**LOOSE)
    commands = random_commands(7, 400)
    for start in range(0, len(commands), 10):
        for book in (twin, native):
            book.run(commands[start : start + 10])
        assert len(native) == len(twin)
        assert (native.last_trade, native.changes, native.now_ns) == (
            twin.last_trade,
            twin.changes,
            twin.now_ns,
        )
        for side in (1, -1):
            assert native.best(side) == twin.best(side)
            for limit in (-1, 0, 1, 3, 1_000):
                assert native.levels(side, limit) == twin.levels(side, limit)
            for price in range(30, 170):
                assert native.queue(side, price) == twin.queue(side, price)
        for order_id in range(len(commands)):
            assert native.remaining(order_id) == twin.remaining(order_id)
            assert (order_id in native) == (order_id in twin)
        assert [native.position(owner) for owner in range(5)] == [twin.position(owner) for owner in range(5)]
        assert native.orders().tobytes() == twin.orders().tobytes()


def test_the_random_commands_reach_everything() -> None:
    """Without this, parity could hold because nothing ever happened."""
    codes: Counter[int] = Counter()
    statuses: Counter[int] = Counter()
    reasons: Counter[int] = Counter()
    triggered = 0
    for seed in range(60):
        batch = NativeOrderBook(**(STRICT if seed % 2 else LOOSE)).run(random_commands(seed, 400))
        codes.update(batch.reports["code"].tolist())
        statuses.update(batch.reports["status"].tolist())
        reasons.update(batch.cancels["reason"].tolist())
        triggered += len(batch.triggers)
    assert set(codes) >= set(Reject)
    assert set(statuses) == set(Status)
    assert set(reasons) == set(CancelReason)
    assert triggered > 50
    assert codes[Reject.NONE] > 0.4 * codes.total()


@pytest.mark.parametrize("prices", [(-(2**40), 2**40), (-3, 3), (0, 63), (63, 65), (-64, 64)])
def test_prices_far_apart_and_below_zero_are_as_good_as_any(prices: tuple[int, int]) -> None:
    for book_class in (TwinOrderBook, NativeOrderBook):
        book = book_class(low=-(2**53), high=2**53)
        expected = sorted((near + step for near in prices for step in (-1, 0)), reverse=True)
        for number, price in enumerate(expected[::-1]):
            book.limit(number, 0, 1, 5, price)
        assert book.levels(1, 9) == [(price, 5) for price in expected]
        sold = book.limit(20, 1, -1, 20, expected[-1])
        assert [price for _, _, price, _ in sold.fills] == expected
        assert len(book) == 0


def test_a_book_that_asks_memory_ahead_does_the_same() -> None:
    """Beyond some thousand orders a batch prepares commands ahead of their turn, and the tables get huge pages;
    nothing else may change."""
    rng = np.random.default_rng(4)
    orders, later = 70_000, 3_000
    commands = blank_commands(orders + later)
    commands["order_id"] = np.arange(len(commands)) * 7
    commands["side"], commands["quantity"] = 1, 10
    commands["price"] = 10_000 - np.arange(len(commands)) % 40
    last = commands[orders:]
    cancels, takers = last[::3], last[1::3]
    cancels["kind"] = Kind.CANCEL
    # Some of them twice, some of them filled before, some that never were.
    cancels["order_id"] = rng.integers(0, orders, len(cancels)) * 7 + (rng.random(len(cancels)) < 0.1)
    takers["side"], takers["price"], takers["quantity"] = -1, 9_000, 15
    twin, native, singly = TwinOrderBook(), NativeOrderBook(), NativeOrderBook()
    for book in (twin, native, singly):
        assert (book.run(commands[:orders]).reports["status"] == Status.RESTS).all()
    ours, theirs = twin.run(last), native.run(last)
    for index in range(len(last)):
        singly.run(last[index : index + 1])
    for ours_part, theirs_part in zip(ours, theirs, strict=True):
        assert ours_part.tobytes() == theirs_part.tobytes()
    assert set(ours.reports["code"]) == {Reject.NONE, Reject.UNKNOWN_ORDER}
    assert native.snapshot() == twin.snapshot() == singly.snapshot()
