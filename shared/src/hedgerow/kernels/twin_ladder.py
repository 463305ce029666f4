"""The twin's resting orders: one ladder of price levels a side, each level a queue."""

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterator

from hedgerow.kernels.book_words import NO_PRICE, SELF_TRADE_SHIFT, Flag, Kind


class Order:
    """An open order. Quantity still to come is `visible` + `hidden`; `price` is `NO_PRICE` for a market stop."""

    __slots__ = (
        "display",
        "expires_ns",
        "flags",
        "hidden",
        "id",
        "kind",
        "owner",
        "price",
        "sequence",
        "side",
        "stop_price",
        "visible",
    )

    def __init__(
        self,
        order_id: int,
        owner: int,
        side: int,
        quantity: int,
        price: int,
        flags: int,
        *,
        kind: int = Kind.LIMIT,
        stop_price: int = NO_PRICE,
        display: int = 0,
        expires_ns: int = 0,
        sequence: int = 0,
    ) -> None:
        self.id = order_id
        self.owner = owner
        self.side = side
        self.visible = quantity
        self.hidden = 0
        self.price = price
        self.flags = flags
        self.kind = kind
        self.stop_price = stop_price
        self.display = display
        self.expires_ns = expires_ns
        self.sequence = sequence

    @property
    def quantity(self) -> int:
        return self.visible + self.hidden

    @property
    def reduce_only(self) -> bool:
        return bool(self.flags & Flag.REDUCE_ONLY)

    @property
    def self_trade(self) -> int:
        return self.flags >> SELF_TRADE_SHIFT

    def show(self, quantity: int) -> None:
        """Have this much left, and display no more of it than `display`."""
        self.visible = min(quantity, self.display) if self.display else quantity
        self.hidden = quantity - self.visible


class Level:
    """Orders of one price in the order of their arrival, and the sum of what they display."""

    __slots__ = ("orders", "visible")

    def __init__(self) -> None:
        # Unlike a dict, an OrderedDict finds its first entry in O(1) however many before it are gone.
        self.orders: OrderedDict[int, Order] = OrderedDict()
        self.visible = 0


class Ladder:
    """One side. A price's rank sorts from worst to best, so that the best is the last of the list."""

    __slots__ = ("levels", "ranks", "side")

    def __init__(self, side: int) -> None:
        self.side = side
        self.levels: dict[int, Level] = {}
        self.ranks: list[int] = []

    def best(self) -> int | None:
        return self.ranks[-1] * self.side if self.ranks else None

    def prices(self, limit: int | None = None) -> list[int]:
        """Best first, not more than `limit`."""
        last = None if limit is None else -max(0, limit) - 1
        return [rank * self.side for rank in self.ranks[:last:-1]]

    def first(self, price: int) -> Order:
        return next(iter(self.levels[price].orders.values()))

    def add(self, order: Order) -> None:
        level = self.levels.get(order.price)
        if level is None:
            level = self.levels[order.price] = Level()
            insort(self.ranks, order.price * self.side)
        level.orders[order.id] = order
        level.visible += order.visible

    def take(self, order: Order, quantity: int) -> None:
        """Take displayed quantity; an order that has hidden quantity then shows its next part as the last in line.

        An order that has nothing left leaves the ladder.
        """
        level = self.levels[order.price]
        order.visible -= quantity
        level.visible -= quantity
        if order.visible:
            return
        if order.hidden:
            order.show(order.hidden)
            level.visible += order.visible
            level.orders.move_to_end(order.id)
        else:
            self._drop(order)

    def reduce(self, order: Order, quantity: int) -> None:
        """Leave an order with less; what it hides goes first. It keeps its place."""
        visible = min(order.visible, quantity)
        self.levels[order.price].visible -= order.visible - visible
        order.visible = visible
        order.hidden = quantity - visible

    def remove(self, order: Order) -> None:
        self.levels[order.price].visible -= order.visible
        self._drop(order)

    def reaches(self, price: int, limit: int) -> bool:
        """Whether a price of this side is good enough for an incoming order with this limit."""
        return (price - limit) * self.side >= 0

    def walk(self) -> Iterator[Order]:
        """Every order by price, then time. The ladder must not change meanwhile."""
        for price in self.prices():
            yield from self.levels[price].orders.values()

    def _drop(self, order: Order) -> None:
        level = self.levels[order.price]
        del level.orders[order.id]
        if not level.orders:
            del self.levels[order.price]
            del self.ranks[bisect_left(self.ranks, order.price * self.side)]
