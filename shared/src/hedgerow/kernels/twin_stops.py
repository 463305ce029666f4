"""The twin's stop orders: they wait for a trade at their stop price or beyond."""

from hedgerow.kernels.book_words import BUY
from hedgerow.kernels.twin_ladder import Order


class Stops:
    """Waiting stop orders. They are few beside resting ones, so a trigger looks at all of them."""

    def __init__(self) -> None:
        self._orders: dict[int, Order] = {}

    def __len__(self) -> int:
        return len(self._orders)

    def add(self, order: Order) -> None:
        self._orders[order.id] = order

    def remove(self, order: Order) -> None:
        del self._orders[order.id]

    def by_age(self) -> list[Order]:
        return sorted(self._orders.values(), key=lambda order: order.sequence)

    def take_triggered(self, low: int, high: int) -> list[Order]:
        """Take out the stops that trades between these prices set off, oldest first."""
        triggered = [order for order in self.by_age() if _is_triggered(order, low, high)]
        for order in triggered:
            self.remove(order)
        return triggered


def _is_triggered(order: Order, low: int, high: int) -> bool:
    return high >= order.stop_price if order.side == BUY else low <= order.stop_price


def would_trigger(side: int, stop_price: int, last_trade: int | None) -> bool:
    return last_trade is not None and (last_trade - stop_price) * side >= 0
