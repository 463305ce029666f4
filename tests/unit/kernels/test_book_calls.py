"""One call per order: the short way in, the one that takes its time, and a batch all come to the same."""

import gc
import sys
import threading
from typing import Any

import numpy as np
import pytest
from book_streams import NativeOrderBook, each_book, needs_native, random_commands

from hedgerow.kernels.book_records import blank_commands
from hedgerow.kernels.book_words import BUY, SELL, Flag, Kind, Reject, TimeInForce
from hedgerow.kernels.twin_book import TwinOrderBook


def told(report: Any) -> tuple[Any, ...]:
    return (
        report.status,
        report.code,
        report.text,
        report.filled,
        report.remaining,
        report.fills,
        report.cancels,
        report.triggered,
    )


@needs_native
@pytest.mark.parametrize("seed", range(5))
def test_i1_calls_of_every_form_leave_the_same_book_as_their_batch(seed: int) -> None:
    """I1: however an order is passed, its report and the book's state are those of the twin and of a batch."""
    native, twin, batch = NativeOrderBook(), TwinOrderBook(), NativeOrderBook()
    commands = random_commands(seed, 300)
    commands = commands[np.isin(commands["kind"], [Kind.LIMIT, Kind.CANCEL])]
    commands = commands[
        (commands["flags"] < 16) & (commands["stop_price"] == blank_commands(1)["stop_price"])
    ]
    assert len(commands) > 150
    for number, command in enumerate(commands):
        flags = int(command["flags"])
        row = {name: command[name].item() for name in commands.dtype.names or ()}
        if row["kind"] == Kind.CANCEL:
            wide = np.int64(row["order_id"])
            calls = [
                lambda book, o=row["order_id"]: book.cancel(o),
                lambda book, o=wide: book.cancel(order_id=o),
            ]
        else:
            places = [row[name] for name in ("order_id", "owner", "side", "quantity", "price")]
            named = {name: row[name] for name in ("time_in_force", "display", "expires_ns")}
            named["post_only"] = bool(flags & Flag.POST_ONLY)
            named["reduce_only"] = bool(flags & Flag.REDUCE_ONLY)
            named["self_trade"] = flags >> 2
            names = ("order_id", "owner", "side", "quantity", "price")
            everything = dict(zip(names, places, strict=True)) | named
            in_force = named.pop("time_in_force")
            calls = [
                lambda book, p=places, n=named, t=in_force: book.limit(*p, t, **n),
                lambda book, e=everything: book.limit(**e),
            ]
        reports = [calls[number % 2](book) for book in (native, twin)]
        assert told(reports[0]) == told(reports[1])
        outcome = batch.run(commands[number : number + 1]).reports[0]
        assert (outcome["status"], outcome["code"]) == (reports[0].status, reports[0].code)
        assert native.state_hash() == twin.state_hash() == batch.state_hash()


@each_book
def test_wrong_arguments_are_errors_and_change_nothing(book_class: Any) -> None:
    book = book_class()
    before = book.state_hash()
    wrong: list[tuple[type[Exception], tuple[Any, ...], dict[str, Any]]] = [
        (TypeError, (1, 0, BUY, 10), {}),
        (TypeError, (1, 0, BUY, 10, 100, 1, 2), {}),
        (TypeError, (1, 0, BUY, 10, 100), {"iceberg": 5}),
        (TypeError, (1, 0, BUY, 10, 100, TimeInForce.GTC), {"time_in_force": 1}),
        (ValueError, (1, 0, BUY, 10, 100), {"self_trade": 4}),
    ]
    for error, places, named in wrong:
        with pytest.raises(error):
            book.limit(*places, **named)
    assert book.limit(1, -1, BUY, 10, 100).code == Reject.BAD_OWNER
    assert book.limit(1, 0, 300, 10, 100).code == Reject.BAD_SIDE
    assert book.limit(1, 0, BUY, 10, 100, 300).code == Reject.BAD_TIME_IN_FORCE
    assert book.cancel(7).code == Reject.UNKNOWN_ORDER
    assert book.state_hash() == before


@needs_native
def test_numbers_beyond_64_bits_and_texts_are_errors() -> None:
    book = NativeOrderBook()
    with pytest.raises(OverflowError):
        book.limit(2**63, 0, BUY, 10, 100)
    with pytest.raises(OverflowError):
        book.cancel(-(2**63) - 1)
    with pytest.raises(TypeError, match="price"):
        book.limit(1, 0, BUY, 10, "100")
    with pytest.raises(TypeError):
        NativeOrderBook.limit(TwinOrderBook(), 1, 0, BUY, 10, 100)
    assert len(book) == 0


@needs_native
def test_reports_are_given_back_and_outlive_their_book() -> None:
    book = NativeOrderBook()
    kind = type(book.cancel(1))
    gc.collect()
    before = sys.getrefcount(kind)
    reports = [book.limit(number, 0, SELL, 5, 100) for number in range(500)]
    taken = book.limit(1_000, 1, BUY, 2_500, 100)
    assert sys.getrefcount(kind) == before + 501
    del book, reports
    assert taken.fills == [(1_000, number, 100, 5) for number in range(500)]
    assert taken.fills is not taken.fills
    assert repr(taken).startswith(
        "Report(status=2, code=0, filled=2500, remaining=0, fills=[(1000, 0, 100, 5), "
    )
    with pytest.raises(AttributeError):
        taken.filled = 0
    with pytest.raises(TypeError):
        kind()
    del taken
    assert sys.getrefcount(kind) == before


@needs_native
def test_threads_that_share_a_book_lose_no_order() -> None:
    book = NativeOrderBook()

    def rest(first: int) -> None:
        for order_id in range(first, first + 2_000):
            book.limit(order_id, 0, BUY, 1, 100)

    threads = [threading.Thread(target=rest, args=(first,)) for first in (0, 10_000, 20_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(book), book.levels(BUY, 1)) == (6_000, [(100, 6_000)])
