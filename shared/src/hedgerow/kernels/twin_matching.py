"""The twin's matching: an incoming order against one side, and what it would fill without touching anything."""

from collections.abc import Callable
from typing import NamedTuple

from hedgerow.kernels.book_records import Cancel, Fill
from hedgerow.kernels.book_words import CancelReason, SelfTrade
from hedgerow.kernels.twin_ladder import Ladder, Order


class Taker(NamedTuple):
    """An incoming order. `limit` is the worst price it takes."""

    order_id: int
    owner: int
    side: int
    limit: int
    self_trade: int


class Positions:
    """Net position by owner, positive when long."""

    def __init__(self) -> None:
        self._lots: dict[int, int] = {}

    def of(self, owner: int) -> int:
        return self._lots.get(owner, 0)

    def set(self, owner: int, quantity: int) -> None:
        self._lots[owner] = quantity

    def trade(self, taker: int, maker: int, signed_quantity: int) -> None:
        """Move both by a fill; the quantity has the taker's sign."""
        self._lots[taker] = self.of(taker) + signed_quantity
        self._lots[maker] = self.of(maker) - signed_quantity

    def reducible(self, owner: int, side: int) -> int:
        """How much an order of this side can reduce."""
        return max(0, -side * self.of(owner))

    def items(self) -> list[tuple[int, int]]:
        """The positions that are not zero, by owner."""
        return sorted((owner, lots) for owner, lots in self._lots.items() if lots)

    def copy(self) -> "Positions":
        other = Positions()
        other._lots = dict(self._lots)
        return other


class Happenings:
    """What a command made happen, in order."""

    __slots__ = ("cancels", "fills", "triggered")

    def __init__(self) -> None:
        self.fills: list[Fill] = []
        self.cancels: list[Cancel] = []
        self.triggered: list[int] = []


def match(
    against: Ladder,
    taker: Taker,
    quantity: int,
    positions: Positions,
    happenings: Happenings,
    forget: Callable[[Order], None],
) -> tuple[int, bool]:
    """Trade by price, then time, until done or out of reach.

    Args:
        forget: called with every order that leaves the ladder.

    Returns:
        What is left, and whether self-trade prevention ended the incoming order.
    """
    while quantity:
        best = against.best()
        if best is None or not against.reaches(best, taker.limit):
            break
        maker = against.first(best)
        if maker.owner == taker.owner and taker.self_trade != SelfTrade.ALLOW:
            if taker.self_trade != SelfTrade.CANCEL_NEWEST:
                _cancel(against, maker, CancelReason.SELF_TRADE, happenings, forget)
            if taker.self_trade != SelfTrade.CANCEL_OLDEST:
                return quantity, True
            continue
        traded = min(quantity, maker.visible)
        if maker.reduce_only:
            traded = min(traded, positions.reducible(maker.owner, maker.side))
            if traded == 0:
                _cancel(against, maker, CancelReason.REDUCE_ONLY, happenings, forget)
                continue
        happenings.fills.append((taker.order_id, maker.id, best, traded))
        positions.trade(taker.owner, maker.owner, taker.side * traded)
        against.take(maker, traded)
        if maker.quantity == 0:
            forget(maker)
        quantity -= traded
    return quantity, False


def _cancel(
    ladder: Ladder,
    order: Order,
    reason: CancelReason,
    happenings: Happenings,
    forget: Callable[[Order], None],
) -> None:
    ladder.remove(order)
    forget(order)
    happenings.cancels.append((order.id, order.quantity, int(reason)))


def fills_whole(against: Ladder, taker: Taker, quantity: int, positions: Positions) -> bool:
    """Whether `match` would leave nothing; nothing is touched."""
    positions = positions.copy()
    for price in against.prices():
        if not against.reaches(price, taker.limit):
            return False
        # Icebergs join the end of their queue with each part shown, so the list grows while it is walked.
        line = [(order, order.visible, order.hidden) for order in against.levels[price].orders.values()]
        for order, visible, hidden in line:
            if order.owner == taker.owner and taker.self_trade != SelfTrade.ALLOW:
                if taker.self_trade == SelfTrade.CANCEL_OLDEST:
                    continue
                return False
            traded = min(quantity, visible)
            if order.reduce_only:
                traded = min(traded, positions.reducible(order.owner, order.side))
            positions.trade(taker.owner, order.owner, taker.side * traded)
            quantity -= traded
            if quantity == 0:
                return True
            if traded == visible and hidden:
                shown = min(hidden, order.display)
                line.append((order, shown, hidden - shown))
    return False
