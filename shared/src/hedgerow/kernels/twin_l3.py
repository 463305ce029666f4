"""An L3 book from messages about single orders, in plain Python."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hedgerow.kernels.book_feeds import ORDER_MESSAGE, Followed, Message, records
from hedgerow.kernels.twin_levels import Levels

_NO_EFFECT = (Message.EXECUTE_HIDDEN, Message.CROSS, Message.HALT)


class _Order(NamedTuple):
    side: int
    price: int
    quantity: int


class TwinL3BookBuilder:
    """Every displayed order by its id, and levels as their sums.

    A recording may begin in the middle: `seed` states the quantity of orders at a level that are not known one by
    one; messages about unknown orders there take from it.
    """

    def __init__(self) -> None:
        self._problems = 0
        self.clear()

    def clear(self) -> None:
        """Know nothing again, and take whatever sequence number comes next."""
        self._sequence: int | None = None
        self._gap: str | None = None
        self._orders: dict[int, _Order] = {}
        self._sides = {1: Levels(1), -1: Levels(-1)}
        self._seeded: dict[tuple[int, int], int] = {}
        self._queues: dict[tuple[int, int], dict[int, None]] = {}

    @property
    def gap(self) -> str | None:
        """Which messages are missing, in words, until `clear`; else None."""
        return self._gap

    @property
    def problems(self) -> int:
        """How many messages could not be followed, gaps included."""
        return self._problems

    def __len__(self) -> int:
        """How many orders are known one by one."""
        return len(self._orders)

    def seed(self, side: int, price: int, quantity: int) -> None:
        """State the quantity of a level's orders that are not known one by one.

        Raises:
            ValueError: `side` is neither 1 nor -1, or the quantity is negative.
        """
        levels = self._levels(side)
        if quantity < 0:
            raise ValueError(f"quantity is {quantity}; it should be 0 or more")
        levels.set(price, levels.get(price) - self._seeded.get((side, price), 0) + quantity)
        self._seeded[side, price] = quantity

    def forget_beyond(self, side: int, price: int) -> None:
        """Forget the levels worse than this price: where a feed stops telling about them.

        Raises:
            ValueError: `side` is neither 1 nor -1.
        """
        levels = self._levels(side)
        for gone in levels.beyond(price):
            levels.set(gone, 0)
            self._seeded.pop((side, gone), None)
            for order_id in self._queues.pop((side, gone), ()):
                del self._orders[order_id]

    def apply(self, sequence: int, kind: int, order_id: int, side: int, quantity: int, price: int) -> int:
        """Follow one message.

        Args:
            sequence: rises by one from message to message.
            kind: a `Message`.
            side: of the resting order.
            quantity: added, taken away, or executed; all of the order when it is deleted.

        Returns:
            A `Followed`; only with `APPLIED` has the book changed.

        Raises:
            ValueError: `kind` or `side` is none, or the quantity is not positive.
        """
        self._levels(side)
        if kind not in tuple(Message):
            raise ValueError(f"kind is {kind}; it should be a Message, 1 to 7")
        if quantity <= 0 and kind <= Message.EXECUTE:
            raise ValueError(f"quantity is {quantity}; it should be positive")
        result = self._follow(sequence, kind, order_id, side, quantity, price)
        self._problems += result > Followed.NO_EFFECT
        return result

    def apply_many(self, messages: NDArray[np.void]) -> NDArray[np.int64]:
        """Follow messages (`ORDER_MESSAGE` records) in order: a `Followed` for each.

        Raises:
            ValueError: the array is not of that dtype, or a message makes no sense (those before it are applied).
        """
        messages = records("messages", messages, ORDER_MESSAGE)
        return np.array([self.apply(*message) for message in messages.tolist()], np.int64)

    def best(self, side: int) -> tuple[int, int] | None:
        """(price, quantity) of the best level.

        Raises:
            ValueError: `side` is neither 1 nor -1.
        """
        return self._levels(side).best()

    def levels(self, side: int, limit: int) -> list[tuple[int, int]]:
        """(price, quantity) of the best levels, best first.

        Raises:
            ValueError: `side` is neither 1 nor -1.
        """
        return self._levels(side).top(limit)

    def queue(self, side: int, price: int) -> list[int]:
        """Ids of the known orders at a price, first in line first.

        Raises:
            ValueError: `side` is neither 1 nor -1.
        """
        self._levels(side)
        return list(self._queues.get((side, price), ()))

    def _levels(self, side: int) -> Levels:
        if side not in (1, -1):
            raise ValueError(f"side is {side}; it should be 1 (bid) or -1 (ask)")
        return self._sides[side]

    def _follow(
        self, sequence: int, kind: int, order_id: int, side: int, quantity: int, price: int
    ) -> Followed:
        if self._gap is not None:
            return Followed.GAP
        if self._sequence is not None and sequence != self._sequence + 1:
            self._gap = f"message {sequence} follows message {self._sequence}"
            return Followed.GAP
        self._sequence = sequence
        if kind in _NO_EFFECT:
            return Followed.NO_EFFECT
        if kind == Message.ADD:
            return self._add(order_id, side, quantity, price)
        order = self._orders.get(order_id)
        if order is None:
            return self._take_seeded(side, quantity, price)
        if (order.side, order.price) != (side, price):
            return Followed.MISMATCH
        if quantity > order.quantity or (kind == Message.DELETE and quantity != order.quantity):
            return Followed.TOO_MUCH if quantity > order.quantity else Followed.MISMATCH
        self._take(order_id, order, quantity)
        return Followed.APPLIED

    def _add(self, order_id: int, side: int, quantity: int, price: int) -> Followed:
        if order_id in self._orders:
            return Followed.DUPLICATE_ORDER
        self._orders[order_id] = _Order(side, price, quantity)
        self._queues.setdefault((side, price), {})[order_id] = None
        levels = self._sides[side]
        levels.set(price, levels.get(price) + quantity)
        return Followed.APPLIED

    def _take(self, order_id: int, order: _Order, quantity: int) -> None:
        key, left = (order.side, order.price), order.quantity - quantity
        levels = self._sides[order.side]
        levels.set(order.price, levels.get(order.price) - quantity)
        if left:
            self._orders[order_id] = order._replace(quantity=left)
            return
        del self._orders[order_id]
        del self._queues[key][order_id]
        if not self._queues[key]:
            del self._queues[key]

    def _take_seeded(self, side: int, quantity: int, price: int) -> Followed:
        seeded = self._seeded.get((side, price), 0)
        if seeded == 0:
            return Followed.UNKNOWN_ORDER
        if quantity > seeded:
            return Followed.TOO_MUCH
        self._seeded[side, price] = seeded - quantity
        levels = self._sides[side]
        levels.set(price, levels.get(price) - quantity)
        return Followed.APPLIED
