"""What each kind of order does, one short story each."""

from typing import Any

from book_streams import each_book

from hedgerow.kernels.book_words import BUY, SELL, CancelReason, SelfTrade, Status, TimeInForce

A, B, C = 1, 2, 3
IOC, FOK, GTD = TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTD


@each_book
def test_the_first_to_arrive_at_a_price_trades_first_and_at_its_own_price(book_class: Any) -> None:
    book = book_class()
    book.limit(1, A, SELL, 5, 101)
    book.limit(2, B, SELL, 5, 100)
    book.limit(3, A, SELL, 5, 100)
    report = book.limit(4, C, BUY, 12, 105, IOC)
    assert report.fills == [(4, 2, 100, 5), (4, 3, 100, 5), (4, 1, 101, 2)]
    assert (report.status, report.filled, report.remaining, report.text) == (
        Status.FILLED,
        12,
        0,
        "accepted",
    )
    assert book.levels(SELL, 10) == [(101, 3)]


@each_book
def test_what_is_left_rests_or_is_cancelled_by_its_time_in_force(book_class: Any) -> None:
    book = book_class()
    book.limit(1, A, SELL, 5, 100)
    taker = book.limit(2, B, BUY, 3, 100, IOC)
    assert (taker.status, taker.cancels) == (Status.FILLED, [])
    rest = book.limit(3, B, BUY, 5, 100)
    assert (rest.status, rest.filled, rest.remaining) == (Status.RESTS, 2, 3)
    gone = book.limit(4, A, SELL, 5, 99, IOC)
    assert (gone.status, gone.filled, gone.cancels) == (Status.CANCELLED, 3, [(4, 2, CancelReason.UNFILLED)])
    assert book.market(5, A, BUY, 1).cancels == [(5, 1, CancelReason.UNFILLED)]
    assert len(book) == 0


@each_book
def test_fill_or_kill_counts_hidden_quantity_and_leaves_out_what_is_its_own(book_class: Any) -> None:
    book = book_class()
    book.limit(1, A, SELL, 10, 100, display=2)
    book.limit(2, B, SELL, 5, 101)
    assert book.limit(3, C, BUY, 15, 101, FOK).filled == 15
    book.limit(4, A, SELL, 5, 100)
    book.limit(5, B, SELL, 5, 100)
    book.limit(6, C, SELL, 5, 100)
    assert book.market(7, B, BUY, 6, FOK).text == "a fill-or-kill order cannot be filled whole"
    oldest = book.market(8, B, BUY, 10, FOK, self_trade=SelfTrade.CANCEL_OLDEST)
    assert (oldest.filled, oldest.cancels) == (10, [(5, 5, CancelReason.SELF_TRADE)])


@each_book
def test_an_iceberg_shows_its_next_part_at_the_end_of_the_queue(book_class: Any) -> None:
    book = book_class()
    book.limit(1, A, SELL, 10, 100, display=4)
    book.limit(2, B, SELL, 4, 100)
    assert book.levels(SELL, 1) == [(100, 8)]
    assert book.remaining(1) == 10
    assert book.limit(3, C, BUY, 4, 100).fills == [(3, 1, 100, 4)]
    assert book.queue(SELL, 100) == [2, 1]
    assert book.limit(4, C, BUY, 9, 100).fills == [(4, 2, 100, 4), (4, 1, 100, 4), (4, 1, 100, 1)]
    assert book.levels(SELL, 1) == [(100, 1)]


@each_book
def test_stops_fire_by_age_and_set_off_others(book_class: Any) -> None:
    book = book_class()
    for number, price in enumerate(range(100, 105), start=1):
        book.limit(number, A, SELL, 1, price)
    younger_but_lower = [(12, 102), (11, 101)]
    for order_id, stop_price in younger_but_lower:
        waits = book.stop(order_id, B, BUY, 1, stop_price)
        assert (waits.status, waits.remaining) == (Status.WAITS_FOR_TRIGGER, 1)
    book.stop(13, B, BUY, 5, 103, 104)
    report = book.market(20, C, BUY, 2)
    assert report.triggered == [11, 12, 13]
    assert report.fills == [
        (20, 1, 100, 1),
        (20, 2, 101, 1),
        (11, 3, 102, 1),
        (12, 4, 103, 1),
        (13, 5, 104, 1),
    ]
    assert (report.status, report.filled) == (Status.FILLED, 2)
    assert book.levels(BUY, 5) == [(104, 4)]


@each_book
def test_a_sweep_sets_off_what_it_passed_though_it_ended_elsewhere(book_class: Any) -> None:
    book = book_class()
    book.limit(1, A, SELL, 1, 110)
    book.market(2, B, BUY, 1)
    book.limit(3, A, SELL, 1, 100)
    book.limit(4, A, SELL, 1, 108)
    book.limit(5, A, BUY, 1, 90)
    book.stop(6, C, SELL, 1, 104)
    report = book.market(7, B, BUY, 2)
    assert report.triggered == [6]
    assert report.fills[-1] == (6, 5, 90, 1)


@each_book
def test_less_quantity_keeps_the_place_in_the_queue_and_all_else_loses_it(book_class: Any) -> None:
    book = book_class()
    for order_id in (1, 2, 3):
        book.limit(order_id, order_id, BUY, 5, 100)
    assert (book.amend(1, 2).remaining, book.queue(BUY, 100)) == (2, [1, 2, 3])
    book.amend(1, 4)
    assert book.queue(BUY, 100) == [2, 3, 1]
    book.amend(2, 5, 101)
    assert (book.queue(BUY, 101), book.queue(BUY, 100)) == ([2], [3, 1])
    book.limit(4, 9, SELL, 6, 103)
    moved = book.amend(3, 9, 103)
    assert (moved.status, moved.fills, moved.remaining) == (Status.RESTS, [(3, 4, 103, 6)], 3)


@each_book
def test_an_amended_iceberg_gives_what_it_hides_first(book_class: Any) -> None:
    book = book_class()
    book.limit(1, A, BUY, 10, 100, display=4)
    book.amend(1, 6)
    assert (book.levels(BUY, 1), book.remaining(1)) == ([(100, 4)], 6)
    book.amend(1, 3)
    assert (book.levels(BUY, 1), book.remaining(1)) == ([(100, 3)], 3)


@each_book
def test_a_post_only_order_that_is_amended_does_not_take_either(book_class: Any) -> None:
    book = book_class()
    book.limit(1, A, SELL, 5, 102)
    book.limit(2, B, BUY, 5, 100, post_only=True)
    assert book.amend(2, 5, 102).text == "a post-only order would take liquidity"
    assert book.queue(BUY, 100) == [2]


@each_book
def test_self_trade_prevention_cancels_the_newest_the_oldest_or_both(book_class: Any) -> None:
    expected = {
        SelfTrade.ALLOW: ([(3, 1, 100, 2), (3, 2, 100, 2)], []),
        SelfTrade.CANCEL_NEWEST: ([(3, 1, 100, 2)], [(3, 2, CancelReason.SELF_TRADE)]),
        SelfTrade.CANCEL_OLDEST: ([(3, 1, 100, 2)], [(2, 5, CancelReason.SELF_TRADE)]),
        SelfTrade.CANCEL_BOTH: (
            [(3, 1, 100, 2)],
            [(2, 5, CancelReason.SELF_TRADE), (3, 2, CancelReason.SELF_TRADE)],
        ),
    }
    for choice, (fills, cancels) in expected.items():
        book = book_class()
        book.limit(1, B, SELL, 2, 100)
        book.limit(2, A, SELL, 5, 100)
        report = book.limit(3, A, BUY, 4, 100, self_trade=choice)
        assert (report.fills, report.cancels) == (fills, cancels)
        assert (3 in book) == (choice == SelfTrade.CANCEL_OLDEST)


@each_book
def test_reduce_only_orders_close_and_never_turn_a_position(book_class: Any) -> None:
    book = book_class()
    book.set_position(A, 6)
    book.limit(1, A, SELL, 4, 100, reduce_only=True)
    book.limit(2, A, SELL, 4, 100, reduce_only=True)
    report = book.market(3, B, BUY, 10)
    assert report.fills == [(3, 1, 100, 4), (3, 2, 100, 2)]
    assert report.cancels == [(2, 2, CancelReason.REDUCE_ONLY), (3, 4, CancelReason.UNFILLED)]
    assert (book.position(A), book.position(B)) == (0, 6)


@each_book
def test_a_reduce_only_stop_is_cut_to_the_position_that_it_finds(book_class: Any) -> None:
    book = book_class()
    book.limit(1, C, BUY, 9, 99)
    book.limit(2, C, BUY, 1, 100)
    book.stop(3, A, SELL, 5, 100, reduce_only=True)
    book.set_position(A, 2)
    report = book.market(4, B, SELL, 1)
    assert report.cancels == [(3, 3, CancelReason.REDUCE_ONLY)]
    assert report.fills[1:] == [(3, 1, 99, 2)]
    assert book.position(A) == 0


@each_book
def test_orders_with_an_expiry_end_when_told_the_time_earliest_first(book_class: Any) -> None:
    book = book_class()
    book.limit(1, A, BUY, 5, 100, GTD, expires_ns=30)
    book.stop(2, A, BUY, 5, 120, None, GTD, expires_ns=20)
    book.limit(3, A, BUY, 5, 99, GTD, expires_ns=20)
    book.limit(4, A, BUY, 5, 98, GTD, expires_ns=31)
    report = book.expire(30)
    assert report.cancels == [(order_id, 5, CancelReason.EXPIRED) for order_id in (2, 3, 1)]
    assert (book.now_ns, book.orders()["order_id"].tolist()) == (30, [4])


@each_book
def test_a_mass_cancel_takes_what_is_meant_and_nothing_else(book_class: Any) -> None:
    book = book_class()
    book.limit(1, A, BUY, 5, 100)
    book.limit(2, A, SELL, 5, 110)
    book.limit(3, B, BUY, 5, 100)
    book.stop(4, A, BUY, 5, 120)
    assert [row[0] for row in book.cancel_all(A, BUY).cancels] == [1, 4]
    assert [row[0] for row in book.cancel_all(B).cancels] == [3]
    assert [row[0] for row in book.cancel_all().cancels] == [2]
    assert book.cancel_all().status == Status.DONE


@each_book
def test_a_market_order_stops_at_the_bands_far_end(book_class: Any) -> None:
    book = book_class()
    book.limit(1, A, SELL, 1, 100)
    book.limit(2, A, SELL, 1, 200)
    book.set_band(90, 150)
    report = book.market(3, B, BUY, 2)
    assert (report.fills, report.cancels) == ([(3, 1, 100, 1)], [(3, 1, CancelReason.UNFILLED)])
    assert book.limit(4, B, BUY, 1, 200).text == "the price is outside the price band"
    assert book.queue(SELL, 200) == [2]


@each_book
def test_a_book_that_was_restored_goes_on_as_if_nothing_had_happened(book_class: Any) -> None:
    book = book_class(tick=5)
    book.limit(1, A, BUY, 9, 100, display=2)
    book.stop(2, B, SELL, 1, 95, 90, GTD, expires_ns=50)
    book.market(3, B, SELL, 1)
    again = book_class.restore(book.snapshot())
    assert again.state_hash() == book.state_hash()
    for one in (book, again):
        assert one.limit(4, C, SELL, 20, 95).fills[0] == (4, 1, 100, 1)
        assert one.limit(5, C, SELL, 1, 97).text == "a price is not a multiple of the tick"
    assert again.snapshot() == book.snapshot()
