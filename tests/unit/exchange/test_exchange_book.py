"""The book's invariants, against a naive book that searches a list.

X1 price-time priority   X2 quantity conserved     X3 never crossed        X4 level sums kept
X5 no self-trade         X6 IOC, FOK and market orders never rest           X7 FOK is all or nothing
X8 post-only never takes X9 limits respected
"""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.domain.orders import Side
from hedgerow_exchange.book import Ending, ExchangeBook, Match, TimeInForce, Trade

OWNERS = ("a", "b", "c")


@dataclass
class Submission:
    owner: str
    side: Side
    quantity: int
    price: int | None
    tif: TimeInForce


@dataclass
class Resting:
    id: int
    owner: str
    side: Side
    quantity: int
    price: int


class NaiveBook:
    """Does what the book should do, slowly: every step sorts a list of all orders."""

    def __init__(self) -> None:
        self.orders: list[Resting] = []

    def queue(self, side: Side) -> list[Resting]:
        """By price, then by arrival: the sort is stable."""
        return sorted((o for o in self.orders if o.side is side), key=lambda o: -o.price * side.sign)

    def submit(self, number: int, new: Submission) -> Match:
        reachable = [
            o
            for o in self.queue(new.side.opposite)
            if new.price is None or (new.price - o.price) * new.side.sign >= 0
        ]
        own = next((index for index, o in enumerate(reachable) if o.owner == new.owner), len(reachable))
        takeable = sum(o.quantity for o in reachable[:own])
        if new.tif is TimeInForce.POST_ONLY and reachable:
            return Match([], new.quantity, Ending.WOULD_TAKE)
        if new.tif is TimeInForce.FOK and takeable < new.quantity:
            return Match([], new.quantity, Ending.CANNOT_FILL_WHOLE)
        left, trades = new.quantity, []
        for resting in reachable[:own]:
            traded = min(left, resting.quantity)
            if traded:
                trades.append(Trade(resting.id, resting.price, traded))
                resting.quantity -= traded
                left -= traded
        self.orders = [o for o in self.orders if o.quantity]
        if not left:
            return Match(trades, 0, None)
        if own < len(reachable):
            return Match(trades, left, Ending.SELF_TRADE)
        if new.tif in (TimeInForce.GTC, TimeInForce.POST_ONLY) and new.price is not None:
            self.orders.append(Resting(number, new.owner, new.side, left, new.price))
            return Match(trades, left, None)
        return Match(trades, left, Ending.NOTHING_LEFT_TO_TAKE)

    def levels(self, side: Side) -> list[tuple[int, int]]:
        sums: dict[int, int] = {}
        for order in self.queue(side):
            sums[order.price] = sums.get(order.price, 0) + order.quantity
        return list(sums.items())


limits = st.builds(
    Submission,
    st.sampled_from(OWNERS),
    st.sampled_from(list(Side)),
    st.integers(1, 9),
    st.integers(95, 105),
    st.sampled_from(list(TimeInForce)),
)
markets = st.builds(
    Submission,
    st.sampled_from(OWNERS),
    st.sampled_from(list(Side)),
    st.integers(1, 9),
    st.none(),
    st.sampled_from([TimeInForce.IOC, TimeInForce.FOK]),
)
cancels = st.integers(1, 60)
steps = st.lists(st.one_of(limits, limits, limits, markets, cancels), max_size=60)


@settings(max_examples=400)
@given(steps)
def test_x1_to_x4_the_book_does_what_the_naive_book_does(script: list[Submission | int]) -> None:
    book, naive = ExchangeBook(), NaiveBook()
    for number, step in enumerate(script, start=1):
        if isinstance(step, Submission):
            match = book.submit(number, step.owner, step.side, step.quantity, step.price, step.tif)
            assert match == naive.submit(number, step)
        else:
            expected = next((o.quantity for o in naive.orders if o.id == step), 0)
            naive.orders = [o for o in naive.orders if o.id != step]
            assert book.cancel(step) == expected
        for side in Side:
            assert book.levels(side, 1_000) == naive.levels(side)
        assert all(book.remaining(o.id) == o.quantity for o in naive.orders)
        assert_not_crossed(book)


@settings(max_examples=300)
@given(steps)
def test_x2_x5_to_x9_hold_after_every_order(script: list[Submission | int]) -> None:
    book = ExchangeBook()
    owners: dict[int, str] = {}
    for number, step in enumerate(script, start=1):
        if not isinstance(step, Submission):
            book.cancel(step)
            continue
        before = resting_lots(book)
        match = book.submit(number, step.owner, step.side, step.quantity, step.price, step.tif)
        traded = sum(trade.quantity for trade in match.trades)
        rests = book.remaining(number)
        assert traded + match.remaining == step.quantity
        assert resting_lots(book) == before - traded + rests
        assert rests == (match.remaining if match.ending is None else 0)
        assert all(owners[trade.resting_id] != step.owner for trade in match.trades)
        if step.tif in (TimeInForce.IOC, TimeInForce.FOK):
            assert rests == 0
        if step.tif is TimeInForce.FOK:
            assert traded in (0, step.quantity)
        if step.tif is TimeInForce.POST_ONLY:
            assert traded == 0
        if step.price is not None:
            assert all((step.price - trade.price) * step.side.sign >= 0 for trade in match.trades)
        owners[number] = step.owner


def resting_lots(book: ExchangeBook) -> int:
    return sum(quantity for side in Side for _, quantity in book.levels(side, 1_000))


def assert_not_crossed(book: ExchangeBook) -> None:
    bid, ask = book.best(Side.BUY), book.best(Side.SELL)
    assert bid is None or ask is None or bid < ask


def test_the_first_to_arrive_at_a_price_trades_first_and_at_its_own_price() -> None:
    book = ExchangeBook()
    book.submit(1, "a", Side.SELL, 5, 101, TimeInForce.GTC)
    book.submit(2, "b", Side.SELL, 5, 100, TimeInForce.GTC)
    book.submit(3, "a", Side.SELL, 5, 100, TimeInForce.GTC)
    match = book.submit(4, "c", Side.BUY, 12, 105, TimeInForce.IOC)
    assert match.trades == [Trade(2, 100, 5), Trade(3, 100, 5), Trade(1, 101, 2)]
    assert book.levels(Side.SELL, 10) == [(101, 3)]


def test_self_trade_prevention_cancels_the_newer_order_and_keeps_the_older() -> None:
    book = ExchangeBook()
    book.submit(1, "b", Side.SELL, 2, 100, TimeInForce.GTC)
    book.submit(2, "a", Side.SELL, 5, 100, TimeInForce.GTC)
    match = book.submit(3, "a", Side.BUY, 4, 100, TimeInForce.GTC)
    assert match == Match([Trade(1, 100, 2)], 2, Ending.SELF_TRADE)
    assert book.remaining(2) == 5
    assert book.best(Side.BUY) is None


def test_a_reduced_order_keeps_its_place() -> None:
    book = ExchangeBook()
    book.rest(1, "a", Side.BUY, 5, 100)
    book.rest(2, "b", Side.BUY, 5, 100)
    book.reduce(1, 2)
    assert book.submit(3, "c", Side.SELL, 3, None, TimeInForce.IOC).trades == [
        Trade(1, 100, 2),
        Trade(2, 100, 1),
    ]


@pytest.mark.parametrize("quantity", [0, 5, 6])
def test_an_order_can_only_be_reduced_to_less(quantity: int) -> None:
    book = ExchangeBook()
    book.rest(1, "a", Side.BUY, 5, 100)
    with pytest.raises(ValueError, match="cannot be reduced"):
        book.reduce(1, quantity)


def test_what_would_cross_cannot_be_rested() -> None:
    book = ExchangeBook()
    book.rest(1, "a", Side.SELL, 5, 100)
    with pytest.raises(ValueError, match="would cross"):
        book.rest(2, "b", Side.BUY, 5, 100)


def test_a_used_id_is_refused_before_anything_trades() -> None:
    book = ExchangeBook()
    book.rest(1, "a", Side.SELL, 5, 100)
    with pytest.raises(ValueError, match="an order of this id is in the book"):
        book.submit(1, "b", Side.BUY, 9, 100, TimeInForce.GTC)
    assert book.levels(Side.SELL, 1) == [(100, 5)]


def test_a_waiting_order_needs_a_price() -> None:
    with pytest.raises(ValueError, match="market takes IOC or FOK"):
        ExchangeBook().submit(1, "a", Side.BUY, 1, None, TimeInForce.GTC)
