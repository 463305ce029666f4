"""A price-time order book in whole ticks and whole lots."""

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple, Protocol

from hedgerow.domain.orders import Side


class TimeInForce(StrEnum):
    """How long an order may wait, in Bybit's words."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    POST_ONLY = "PostOnly"


class Ending(StrEnum):
    """Why what was left of an order was cancelled instead of resting."""

    NOTHING_LEFT_TO_TAKE = "nothing left to take"
    CANNOT_FILL_WHOLE = "cannot be filled whole"
    WOULD_TAKE = "would take liquidity"
    SELF_TRADE = "would trade with its own account"


class Trade(NamedTuple):
    """A match at the resting order's price, in ticks and lots."""

    resting_id: int
    price: int
    quantity: int


class Match(NamedTuple):
    """What became of an incoming order: its trades, the lots left, and why these were cancelled.

    `ending` is None when nothing is left, or when what is left rests.
    """

    trades: list[Trade]
    remaining: int
    ending: Ending | None


class OrderBook(Protocol):
    """One instrument's book. Order ids are unique while the order rests; quantities are positive."""

    changes: int  # rises with every change, so that two looks at the book can be told apart

    def submit(
        self, order_id: int, owner: str, side: Side, quantity: int, price: int | None, tif: TimeInForce
    ) -> Match:
        """Match an order, then let the rest of it wait or be cancelled. A market order has no price.

        Raises:
            ValueError: an order that would wait has no price.
            KeyError: an order of this id rests.
        """
        ...

    def rest(self, order_id: int, owner: str, side: Side, quantity: int, price: int) -> None:
        """Place an order behind the others at its price, without matching.

        Raises:
            KeyError: an order of this id rests.
            ValueError: the order would cross the book.
        """
        ...

    def cancel(self, order_id: int) -> int:
        """Take an order out; the lots it still had, 0 when it does not rest."""
        ...

    def reduce(self, order_id: int, quantity: int) -> None:
        """Leave an order with fewer lots; it keeps its place in the queue.

        Raises:
            KeyError: it does not rest.
            ValueError: `quantity` is not positive, or is not fewer.
        """
        ...

    def remaining(self, order_id: int) -> int:
        """Lots that an order still has in the book, 0 when it does not rest."""
        ...

    def best(self, side: Side) -> int | None:
        """The best price of a side."""
        ...

    def levels(self, side: Side, limit: int) -> list[tuple[int, int]]:
        """(price, quantity) of the best levels, best first."""
        ...


class _Resting:
    __slots__ = ("id", "owner", "price", "quantity", "side")

    def __init__(self, order_id: int, owner: str, side: Side, quantity: int, price: int) -> None:
        self.id = order_id
        self.owner = owner
        self.side = side
        self.quantity = quantity
        self.price = price


class _Level:
    """Orders of one price in the order of their arrival."""

    __slots__ = ("orders", "quantity")

    def __init__(self) -> None:
        # Unlike a dict, an OrderedDict finds its first entry in O(1) however many before it are gone.
        self.orders: OrderedDict[int, _Resting] = OrderedDict()
        self.quantity = 0


class _Ladder:
    """One side. `rank` sorts prices from worst to best, so that the best is the last of the list."""

    __slots__ = ("levels", "ranks", "sign")

    def __init__(self, side: Side) -> None:
        self.sign = side.sign
        self.levels: dict[int, _Level] = {}
        self.ranks: list[int] = []

    def best(self) -> int | None:
        return self.ranks[-1] * self.sign if self.ranks else None

    def add(self, order: _Resting) -> None:
        level = self.levels.get(order.price)
        if level is None:
            level = self.levels[order.price] = _Level()
            insort(self.ranks, order.price * self.sign)
        level.orders[order.id] = order
        level.quantity += order.quantity

    def take(self, order: _Resting, quantity: int) -> None:
        """Take lots away from an order; one that has none left leaves the book."""
        level = self.levels[order.price]
        order.quantity -= quantity
        level.quantity -= quantity
        if order.quantity == 0:
            del level.orders[order.id]
            if not level.orders:
                del self.levels[order.price]
                del self.ranks[bisect_left(self.ranks, order.price * self.sign)]

    def reaches(self, price: int, limit: int | None) -> bool:
        """Whether a price of this side is good enough for an incoming order with this limit."""
        return limit is None or (price - limit) * self.sign >= 0

    def walk(self) -> Iterator[_Resting]:
        """Every order by price, then time. The book must not change meanwhile."""
        for rank in reversed(self.ranks):
            yield from self.levels[rank * self.sign].orders.values()


class PriceTimeBook:
    """The `OrderBook` in plain Python: dicts by price and id, sorted prices, incremental level quantities."""

    def __init__(self) -> None:
        self.changes = 0
        self._orders: dict[int, _Resting] = {}
        self._ladders = {side: _Ladder(side) for side in Side}

    def submit(
        self, order_id: int, owner: str, side: Side, quantity: int, price: int | None, tif: TimeInForce
    ) -> Match:
        waits = tif in (TimeInForce.GTC, TimeInForce.POST_ONLY)
        if waits and price is None:
            raise ValueError(f"order {order_id} would wait ({tif}), but has no price")
        if order_id in self._orders:
            raise KeyError(f"order {order_id} is in the book already")
        against = self._ladders[side.opposite]
        if tif is TimeInForce.POST_ONLY and self._crosses(side, price):
            return Match([], quantity, Ending.WOULD_TAKE)
        if tif is TimeInForce.FOK and not self._fills_whole(against, owner, quantity, price):
            return Match([], quantity, Ending.CANNOT_FILL_WHOLE)
        trades, remaining, self_trade = self._match(against, owner, quantity, price)
        if remaining == 0:
            return Match(trades, 0, None)
        if self_trade:
            return Match(trades, remaining, Ending.SELF_TRADE)
        if waits and price is not None:
            self._add(_Resting(order_id, owner, side, remaining, price))
            return Match(trades, remaining, None)
        return Match(trades, remaining, Ending.NOTHING_LEFT_TO_TAKE)

    def rest(self, order_id: int, owner: str, side: Side, quantity: int, price: int) -> None:
        if order_id in self._orders:
            raise KeyError(f"order {order_id} is in the book already")
        if self._crosses(side, price):
            raise ValueError(f"order {order_id} at {price} would cross {self.best(side.opposite)}")
        self._add(_Resting(order_id, owner, side, quantity, price))

    def cancel(self, order_id: int) -> int:
        order = self._orders.pop(order_id, None)
        if order is None:
            return 0
        left = order.quantity
        self._ladders[order.side].take(order, left)
        self.changes += 1
        return left

    def reduce(self, order_id: int, quantity: int) -> None:
        order = self._orders[order_id]
        if not 0 < quantity < order.quantity:
            raise ValueError(
                f"order {order_id} has {order.quantity} lots and cannot be reduced to {quantity}"
            )
        self._ladders[order.side].take(order, order.quantity - quantity)
        self.changes += 1

    def remaining(self, order_id: int) -> int:
        order = self._orders.get(order_id)
        return 0 if order is None else order.quantity

    def best(self, side: Side) -> int | None:
        return self._ladders[side].best()

    def levels(self, side: Side, limit: int) -> list[tuple[int, int]]:
        ladder = self._ladders[side]
        prices = [rank * ladder.sign for rank in ladder.ranks[: -limit - 1 : -1]]
        return [(price, ladder.levels[price].quantity) for price in prices]

    def _add(self, order: _Resting) -> None:
        self._orders[order.id] = order
        self._ladders[order.side].add(order)
        self.changes += 1

    def _crosses(self, side: Side, price: int | None) -> bool:
        against = self._ladders[side.opposite]
        best = against.best()
        return best is not None and against.reaches(best, price)

    def _match(
        self, against: _Ladder, owner: str, quantity: int, limit: int | None
    ) -> tuple[list[Trade], int, bool]:
        """Trades by price, then time, until done, out of reach, or in front of an order of the same owner."""
        trades: list[Trade] = []
        while quantity:
            best = against.best()
            if best is None or not against.reaches(best, limit):
                break
            resting = next(iter(against.levels[best].orders.values()))
            if resting.owner == owner:
                return trades, quantity, True
            traded = min(quantity, resting.quantity)
            against.take(resting, traded)
            if resting.quantity == 0:
                del self._orders[resting.id]
            trades.append(Trade(resting.id, best, traded))
            quantity -= traded
            self.changes += 1
        return trades, quantity, False

    def _fills_whole(self, against: _Ladder, owner: str, quantity: int, limit: int | None) -> bool:
        for resting in against.walk():
            if resting.owner == owner or not against.reaches(resting.price, limit):
                return False
            quantity -= resting.quantity
            if quantity <= 0:
                return True
        return False
