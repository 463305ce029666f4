"""What holds of a book after any commands, told by a naive record of its own that only sees reports.

B1 price-time priority: fills take the best price first, and first come at a price
B2 quantity is conserved: sent = filled + cancelled + open, for every order
B3 never crossed after matching        B4 FIFO: a queue is in the order of joining it
B5 levels show the sum of what their orders display
B6 IOC, FOK and market orders never rest; FOK is all or nothing
B7 post-only never takes               B8 limits, bands and stop prices are respected
B9 prevention leaves no self-trade     B10 positions are the sums of fills and sum to zero
B11 reduce-only never increases or turns a position
B12 a stop fires exactly when a trade reaches it
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from book_streams import LOOSE, STRICT, each_book, random_commands
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.kernels.book_words import (
    ANY_OWNER,
    NO_PRICE,
    CancelReason,
    Flag,
    Kind,
    Reject,
    SelfTrade,
    Status,
    TimeInForce,
)

_NEW = (Kind.LIMIT, Kind.MARKET, Kind.STOP, Kind.STOP_LIMIT)


@dataclass
class Known:
    """An order as its commands and the reports tell it."""

    owner: int
    side: int
    price: int
    quantity: int
    flags: int
    waiting_stop: bool


@dataclass
class Ledger:
    """What the reports add up to."""

    low: int
    high: int
    open: dict[int, Known] = field(default_factory=dict)
    positions: dict[int, int] = field(default_factory=dict)
    last_trade: int | None = None

    def take(self, command: Any, batch: Any) -> None:
        kind, order_id = int(command["kind"]), int(command["order_id"])
        if kind in _NEW:
            self.open[order_id] = Known(
                int(command["owner"]),
                int(command["side"]),
                int(command["price"]),
                int(command["quantity"]),
                int(command["flags"]),
                kind in (Kind.STOP, Kind.STOP_LIMIT),
            )
        elif kind == Kind.AMEND:
            order = self.open[order_id]
            order.quantity = int(command["quantity"])
            order.price = order.price if command["price"] == NO_PRICE else int(command["price"])
        elif kind == Kind.SET_BAND:
            self.low, self.high = int(command["price"]), int(command["stop_price"])
        elif kind == Kind.SET_POSITION:
            self.positions[int(command["owner"])] = int(command["quantity"])
        for order_id in batch.triggers["order_id"].tolist():
            assert self.open[order_id].waiting_stop
            self.open[order_id].waiting_stop = False
        for taker, maker, price, quantity, _ in batch.fills.tolist():
            self._fill(taker, maker, price, quantity)
        for order_id, quantity, reason, _ in batch.cancels.tolist():
            self._cancel(order_id, quantity, reason)
        for order_id in [order_id for order_id, order in self.open.items() if order.quantity == 0]:
            del self.open[order_id]

    def _fill(self, taker_id: int, maker_id: int, price: int, quantity: int) -> None:
        taker, maker = self.open[taker_id], self.open[maker_id]
        assert quantity > 0
        assert taker.side == -maker.side
        assert price == maker.price
        limit = taker.price
        if limit == NO_PRICE:
            limit = self.high if taker.side == 1 else self.low
        assert (limit - price) * taker.side >= 0, "B8"
        assert not taker.flags & Flag.POST_ONLY, "B7"
        assert not taker.waiting_stop
        assert not maker.waiting_stop
        if taker.flags >> 2 != SelfTrade.ALLOW:
            assert taker.owner != maker.owner, "B9"
        for order, signed in ((taker, taker.side * quantity), (maker, maker.side * quantity)):
            before = self.positions.get(order.owner, 0)
            self.positions[order.owner] = before + signed
            order.quantity -= quantity
            assert order.quantity >= 0, "B2"
            if order.flags & Flag.REDUCE_ONLY and taker.owner != maker.owner:
                assert abs(before + signed) < abs(before), "B11"
                assert (before + signed) * before >= 0, "B11"
        self.last_trade = price

    def _cancel(self, order_id: int, quantity: int, reason: int) -> None:
        order = self.open[order_id]
        assert quantity > 0
        if reason == CancelReason.REDUCE_ONLY:
            assert order.flags & Flag.REDUCE_ONLY
        order.quantity -= quantity
        assert order.quantity >= 0, "B2"


seeds = st.integers(0, 2**32)
rules = st.sampled_from([STRICT, LOOSE])


@each_book
@settings(max_examples=60)
@given(seed=seeds, rules=rules)
def test_b2_b3_b5_to_b12_hold_after_every_command(book_class: Any, seed: int, rules: dict[str, int]) -> None:
    book = book_class(**rules)
    ledger = Ledger(rules["low"], rules["high"])
    for one in np.split(random_commands(seed, 150), 150):
        command, stops_before = one[0], waiting_stops(book)
        batch = book.run(one)
        report = batch.reports[0]
        if report["code"] != Reject.NONE:
            continue
        ledger.take(command, batch)
        assert_reported(command, report, batch)
        assert_state(book, ledger)
        assert_triggers(stops_before, batch)


def assert_reported(command: Any, report: Any, batch: Any) -> None:
    """B2 and B6 for the command's own order."""
    order_id = int(command["order_id"])
    kind, time_in_force = int(command["kind"]), int(command["time_in_force"])
    if kind not in _NEW:
        return
    cut = sum(
        int(row["quantity"])
        for row in batch.cancels
        if row["order_id"] == order_id and report["status"] == Status.CANCELLED
    )
    assert report["filled"] + report["remaining"] + cut == command["quantity"], "B2"
    if time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
        assert report["remaining"] == 0, "B6"
    if time_in_force == TimeInForce.FOK:
        assert report["filled"] == command["quantity"], "B6"


def assert_state(book: Any, ledger: Ledger) -> None:
    rows = book.orders()
    assert len(rows) == len(book) == len(ledger.open)
    for row in rows:
        known = ledger.open[int(row["order_id"])]
        assert row["visible"] + row["hidden"] == known.quantity, "B2"
        assert (row["stop_price"] != NO_PRICE) == known.waiting_stop
        assert row["price"] == known.price
    bid, ask = book.best(1), book.best(-1)
    assert bid is None or ask is None or bid < ask, "B3"
    resting = rows[rows["stop_price"] == NO_PRICE]
    for side in (1, -1):
        sums: dict[int, int] = {}
        for row in resting[resting["side"] == side]:
            sums[int(row["price"])] = sums.get(int(row["price"]), 0) + int(row["visible"])
        assert book.levels(side, 1_000) == sorted(sums.items(), reverse=side == 1), "B5"
    assert book.last_trade == ledger.last_trade
    for owner in range(4):
        assert book.position(owner) == ledger.positions.get(owner, 0), "B10"


def waiting_stops(book: Any) -> dict[int, tuple[int, int]]:
    rows = book.orders()
    stops = rows[rows["stop_price"] != NO_PRICE]
    return {int(row["order_id"]): (int(row["side"]), int(row["stop_price"])) for row in stops}


def assert_triggers(stops_before: dict[int, tuple[int, int]], batch: Any) -> None:
    prices = batch.fills["price"].tolist()
    cancelled = set(batch.cancels["order_id"].tolist())
    reached = {
        order_id
        for order_id, (side, stop_price) in stops_before.items()
        if any((price - stop_price) * side >= 0 for price in prices)
    }
    fired = set(batch.triggers["order_id"].tolist())
    assert fired & set(stops_before) == reached - (cancelled - fired), "B12"


@each_book
@settings(max_examples=60)
@given(seed=seeds, rules=rules)
def test_b1_fills_are_in_the_order_of_price_then_of_the_queue(
    book_class: Any, seed: int, rules: dict[str, int]
) -> None:
    book = book_class(**rules)
    for one in np.split(random_commands(seed, 150), 150):
        side = int(one["side"][0])
        if one["kind"][0] not in (Kind.LIMIT, Kind.MARKET) or side not in (1, -1):
            book.run(one)
            continue
        prices = [price for price, _ in book.levels(-side, 1_000)]
        line = [order_id for price in prices for order_id in book.queue(-side, price)]
        own = int(one["order_id"][0])
        batch = book.run(one)
        makers = [int(row["maker"]) for row in batch.fills if row["taker"] == own]
        taken_prices = [int(row["price"]) for row in batch.fills if row["taker"] == own]
        assert taken_prices == sorted(taken_prices, reverse=side == -1), "B1"
        # Each order's first fill comes in the order of the line; icebergs come again later.
        first_fills = list(dict.fromkeys(makers))
        assert first_fills == [order_id for order_id in line if order_id in set(makers)], "B1"
        if first_fills:
            skipped = line[: line.index(first_fills[-1])]
            gone = set(first_fills) | set(batch.cancels["order_id"].tolist())
            assert set(skipped) <= gone, "B1: nobody in front is passed over"


@each_book
@settings(max_examples=60)
@given(seed=seeds)
def test_b4_who_joins_a_queue_is_last_and_who_stays_keeps_the_order(book_class: Any, seed: int) -> None:
    book = book_class(**LOOSE)
    queues: dict[tuple[int, int], list[int]] = {}
    for one in np.split(random_commands(seed, 150), 150):
        batch = book.run(one)
        moved = {*batch.fills["maker"].tolist(), *batch.fills["taker"].tolist()}
        moved |= {int(one["order_id"][0])} if one["kind"][0] == Kind.AMEND else set()
        after = {
            (side, price): book.queue(side, price)
            for side in (1, -1)
            for price, _ in book.levels(side, 1_000)
        }
        for key, line in after.items():
            before = queues.get(key, [])
            stayed = [order_id for order_id in before if order_id in line and order_id not in moved]
            assert [order_id for order_id in line if order_id in stayed] == stayed, "B4"
            joined = [order_id for order_id in line if order_id not in before]
            assert line[len(line) - len(joined) :] == joined or moved & set(line), "B4"
        queues = after


@each_book
@settings(max_examples=30)
@given(seed=seeds)
def test_the_sum_of_positions_moves_only_when_one_is_stated(book_class: Any, seed: int) -> None:
    book = book_class(**LOOSE)
    commands = random_commands(seed, 200)
    book.run(commands[commands["kind"] != Kind.SET_POSITION])
    assert sum(book.position(owner) for owner in range(4)) == 0, "B10"


@each_book
@settings(max_examples=20)
@given(seed=seeds)
def test_cancelling_everything_leaves_nothing(book_class: Any, seed: int) -> None:
    book = book_class(**LOOSE)
    book.run(random_commands(seed, 200))
    ids = book.orders()["order_id"].tolist()
    report = book.cancel_all()
    assert [order_id for order_id, _, _ in report.cancels] == ids
    assert (len(book), book.best(1), book.best(-1)) == (0, None, None)
    assert book.cancel_all(ANY_OWNER).cancels == []
