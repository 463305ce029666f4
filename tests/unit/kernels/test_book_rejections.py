"""Every rejection has a code and a text, and changes nothing."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from book_streams import LOOSE, STRICT, each_book, random_commands
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.kernels.book_records import COMMAND, blank_commands
from hedgerow.kernels.book_words import (
    MAX_QUANTITY,
    OWNERS,
    REJECT_TEXTS,
    Kind,
    Reject,
    Status,
    TimeInForce,
)

Book = Any
GTD, IOC, FOK = TimeInForce.GTD, TimeInForce.IOC, TimeInForce.FOK


def command(**fields: int) -> Callable[[Book], Any]:
    """Sent as a batch of one: what the methods do not allow to be said."""

    def send(book: Book) -> Any:
        commands = blank_commands(1)
        for name, value in {"order_id": 9, "side": 1, "quantity": 2, **fields}.items():
            commands[name] = value
        return book.run(commands).reports[0]

    return send


# The book: owner 1 bids 10 at 100 (order 1), owner 2 asks 10 at 110 (order 2), last trade 105, time 1,000,
# owner 3 is long 4, a stop (order 3) waits at 130. Tick 5, lot 2, quantity 2 to 100, band 50 to 200.
REJECTIONS: list[tuple[Reject, Callable[[Book], Any]]] = [
    (Reject.BAD_KIND, command(kind=0)),
    (Reject.BAD_KIND, command(kind=11)),
    (Reject.BAD_SIDE, lambda book: book.limit(9, 0, 0, 2, 100)),
    (Reject.BAD_SIDE, lambda book: book.limit(9, 0, 257, 2, 100)),
    (Reject.BAD_SIDE, lambda book: book.cancel_all(side=2)),
    (Reject.BAD_OWNER, lambda book: book.limit(9, OWNERS, 1, 2, 100)),
    (Reject.BAD_OWNER, lambda book: book.limit(9, -1, 1, 2, 100)),
    (Reject.BAD_OWNER, lambda book: book.cancel_all(OWNERS)),
    (Reject.BAD_OWNER, lambda book: book.set_position(-1, 2)),
    (Reject.DUPLICATE_ORDER_ID, lambda book: book.limit(1, 0, 1, 2, 100)),
    (Reject.DUPLICATE_ORDER_ID, lambda book: book.limit(3, 0, 1, 2, 100)),
    (Reject.UNKNOWN_ORDER, lambda book: book.cancel(9)),
    (Reject.UNKNOWN_ORDER, lambda book: book.amend(9, 2)),
    (Reject.BAD_TIME_IN_FORCE, lambda book: book.limit(9, 0, 1, 2, 100, 5)),
    (Reject.BAD_TIME_IN_FORCE, lambda book: book.limit(9, 0, 1, 2, 100, 257)),
    (Reject.BAD_TIME_IN_FORCE, lambda book: book.market(9, 0, 1, 2, TimeInForce.GTC)),
    (Reject.BAD_TIME_IN_FORCE, lambda book: book.stop(9, 0, 1, 2, 150, None, IOC)),
    (Reject.BAD_FLAGS, command(kind=Kind.LIMIT, price=100, flags=16)),
    (Reject.POST_ONLY_NOT_ALLOWED, lambda book: book.limit(9, 0, 1, 2, 100, IOC, post_only=True)),
    (Reject.POST_ONLY_NOT_ALLOWED, command(kind=Kind.STOP_LIMIT, price=150, stop_price=150, flags=1)),
    (Reject.PRICE_REQUIRED, command(kind=Kind.LIMIT)),
    (Reject.PRICE_REQUIRED, command(kind=Kind.STOP_LIMIT, stop_price=150)),
    (Reject.PRICE_NOT_ALLOWED, command(kind=Kind.MARKET, price=100, time_in_force=IOC)),
    (Reject.PRICE_OFF_TICK, lambda book: book.limit(9, 0, 1, 2, 101)),
    (Reject.PRICE_OFF_TICK, lambda book: book.stop(9, 0, 1, 2, 151)),
    (Reject.PRICE_OFF_TICK, lambda book: book.amend(1, 2, 99)),
    (Reject.PRICE_OUTSIDE_BAND, lambda book: book.limit(9, 0, 1, 2, 45)),
    (Reject.PRICE_OUTSIDE_BAND, lambda book: book.limit(9, 0, 1, 2, 205)),
    (Reject.PRICE_OUTSIDE_BAND, lambda book: book.amend(1, 2, 45)),
    (Reject.PRICE_OUTSIDE_BAND, lambda book: book.stop(9, 0, 1, 2, 5 * 2**54)),
    (Reject.STOP_PRICE_REQUIRED, command(kind=Kind.STOP)),
    (Reject.STOP_PRICE_NOT_ALLOWED, command(kind=Kind.LIMIT, price=100, stop_price=100)),
    (Reject.STOP_WOULD_TRIGGER, lambda book: book.stop(9, 0, 1, 2, 105)),
    (Reject.STOP_WOULD_TRIGGER, lambda book: book.stop(9, 0, -1, 2, 110)),
    (Reject.QUANTITY_TOO_SMALL, lambda book: book.limit(9, 0, 1, 0, 100)),
    (Reject.QUANTITY_TOO_SMALL, lambda book: book.market(9, 0, 1, -2)),
    (Reject.QUANTITY_TOO_SMALL, lambda book: book.amend(1, 0)),
    (Reject.QUANTITY_TOO_LARGE, lambda book: book.limit(9, 0, 1, 102, 100)),
    (Reject.QUANTITY_OFF_LOT, lambda book: book.limit(9, 0, 1, 3, 100)),
    (Reject.DISPLAY_NOT_ALLOWED, lambda book: book.limit(9, 0, 1, 10, 100, IOC, display=2)),
    (Reject.DISPLAY_NOT_ALLOWED, lambda book: book.stop(9, 0, 1, 10, 150, display=2)),
    (Reject.BAD_DISPLAY, lambda book: book.limit(9, 0, 1, 10, 100, display=3)),
    (Reject.BAD_DISPLAY, lambda book: book.limit(9, 0, 1, 10, 100, display=10)),
    (Reject.BAD_DISPLAY, lambda book: book.limit(9, 0, 1, 10, 100, display=-2)),
    (Reject.EXPIRY_REQUIRED, lambda book: book.limit(9, 0, 1, 2, 100, GTD)),
    (Reject.EXPIRY_NOT_ALLOWED, lambda book: book.limit(9, 0, 1, 2, 100, expires_ns=2_000)),
    (Reject.EXPIRY_PASSED, lambda book: book.limit(9, 0, 1, 2, 100, GTD, expires_ns=1_000)),
    (Reject.REDUCE_ONLY_EXCEEDS_POSITION, lambda book: book.limit(9, 3, -1, 6, 120, reduce_only=True)),
    (Reject.REDUCE_ONLY_EXCEEDS_POSITION, lambda book: book.market(9, 3, 1, 2, reduce_only=True)),
    (Reject.POST_ONLY_WOULD_TAKE, lambda book: book.limit(9, 0, 1, 2, 110, post_only=True)),
    (Reject.FOK_CANNOT_FILL, lambda book: book.limit(9, 0, 1, 12, 110, FOK)),
    (Reject.FOK_CANNOT_FILL, lambda book: book.market(9, 2, 1, 2, FOK)),
    (Reject.STOP_CANNOT_BE_AMENDED, lambda book: book.amend(3, 2)),
    (Reject.AMEND_CHANGES_NOTHING, lambda book: book.amend(1, 10)),
    (Reject.AMEND_CHANGES_NOTHING, lambda book: book.amend(1, 10, 100)),
    (Reject.TIME_WENT_BACK, lambda book: book.expire(999)),
    (Reject.BAD_BAND, lambda book: book.set_band(101, 100)),
    (Reject.BAD_BAND, lambda book: book.set_band(0, 2**53 + 1)),
    (Reject.BAD_POSITION, lambda book: book.set_position(0, 2**60 + 1)),
]


def make_book(book_class: Any) -> Book:
    book = book_class(tick=5, lot=2, min_quantity=2, max_quantity=100, low=50, high=200)
    book.limit(90, 0, -1, 2, 105)
    book.market(91, 9, 1, 2)
    book.limit(1, 1, 1, 10, 100)
    book.limit(2, 2, -1, 10, 110)
    book.stop(3, 0, 1, 2, 130)
    book.expire(1_000)
    book.set_position(3, 4)
    assert (len(book), book.last_trade) == (3, 105)
    return book


@each_book
@pytest.mark.parametrize(("code", "send"), REJECTIONS, ids=[code.name for code, _ in REJECTIONS])
def test_a_rejection_has_its_code_and_changes_nothing(
    book_class: Any, code: Reject, send: Callable[[Book], Any]
) -> None:
    book = make_book(book_class)
    before = book.snapshot()
    report = send(book)
    if isinstance(report, np.void):
        assert (report["code"], report["status"], report["filled"]) == (code, Status.REJECTED, 0)
    else:
        assert (report.code, report.status, report.text) == (code, Status.REJECTED, code.text)
        assert (report.filled, report.remaining) == (0, 0)
        assert (list(report.fills), list(report.cancels), list(report.triggered)) == ([], [], [])
    assert book.snapshot() == before


def test_every_code_has_a_case_and_a_text() -> None:
    assert {code for code, _ in REJECTIONS} == set(Reject) - {Reject.NONE}
    assert set(REJECT_TEXTS) == set(Reject)
    assert len(set(REJECT_TEXTS.values())) == len(Reject)


@each_book
@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), rules=st.sampled_from([STRICT, LOOSE]))
def test_no_rejected_command_of_a_random_stream_changes_anything(
    book_class: Any, seed: int, rules: dict[str, int]
) -> None:
    book = book_class(**rules)
    for one in np.split(random_commands(seed, 120), 120):
        before = book.snapshot()
        if book.run(one).reports["code"][0]:
            assert book.snapshot() == before
        else:
            assert book.snapshot() != before


@each_book
@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"tick": 0}, "tick is 0"),
        ({"lot": -1}, "lot is -1"),
        ({"max_quantity": MAX_QUANTITY + 1}, "max_quantity is"),
        ({"min_quantity": 5, "max_quantity": 4}, "min_quantity 5 is above max_quantity 4"),
        ({"low": 2, "high": 1}, "price band 2 to 1"),
        ({"high": 2**60}, "price band"),
    ],
)
def test_rules_that_make_no_sense_are_refused_by_name(
    book_class: Any, rules: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        book_class(**rules)


@each_book
def test_bad_calls_are_errors_that_say_what_is_wrong(book_class: Any) -> None:
    book = book_class()
    with pytest.raises(ValueError, match="side is 0; it should be 1"):
        book.best(0)
    with pytest.raises(ValueError, match="side is 2"):
        book.levels(2, 5)
    with pytest.raises(ValueError, match="side is -3"):
        book.queue(-3, 5)
    with pytest.raises(ValueError, match="self_trade is 4"):
        book.limit(1, 0, 1, 1, 1, self_trade=4)
    with pytest.raises(OverflowError):
        book.limit(2**63, 0, 1, 1, 1)
    with pytest.raises(TypeError):
        book.limit(1, 0, 1, 1)
    with pytest.raises(ValueError, match="dtype int64; it should be COMMAND"):
        book.run(np.zeros(3, np.int64))
    with pytest.raises(ValueError, match="contiguous, one-dimensional"):
        book.run(blank_commands(4)[::2])
    with pytest.raises(ValueError, match="contiguous, one-dimensional"):
        book.run(blank_commands(4).reshape(2, 2))
    assert len(book.run(np.zeros(0, COMMAND)).reports) == 0


@each_book
def test_what_is_no_snapshot_is_refused(book_class: Any) -> None:
    good = make_book(book_class).snapshot()
    with pytest.raises(ValueError, match="a snapshot has at least 144 bytes; these are 3"):
        book_class.restore(b"abc")
    with pytest.raises(ValueError, match="no snapshot of this version"):
        book_class.restore(b"X" + good[1:])
    for at in (8, 60, len(good) // 2, len(good) - 1):
        damaged = bytearray(good)
        damaged[at] ^= 1
        with pytest.raises(ValueError, match="SHA-256 does not match"):
            book_class.restore(bytes(damaged))
