"""The kernels' order book in the exchange's words: named accounts, Bybit's times in force, whole ticks and lots."""

from enum import StrEnum
from typing import NamedTuple

from hedgerow.domain.orders import Side
from hedgerow.kernels import OrderBook
from hedgerow.kernels.book_words import CancelReason, Reject
from hedgerow.kernels.book_words import TimeInForce as KernelTimeInForce


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


_TIMES_IN_FORCE = {
    TimeInForce.GTC: KernelTimeInForce.GTC,
    TimeInForce.POST_ONLY: KernelTimeInForce.GTC,
    TimeInForce.IOC: KernelTimeInForce.IOC,
    TimeInForce.FOK: KernelTimeInForce.FOK,
}
# To the kernel these are rejections; to Bybit, orders that end as soon as they have come.
_ENDING_REJECTIONS: dict[int, Ending] = {
    Reject.POST_ONLY_WOULD_TAKE: Ending.WOULD_TAKE,
    Reject.FOK_CANNOT_FILL: Ending.CANNOT_FILL_WHOLE,
}
_ENDING_CANCELS: dict[int, Ending] = {
    CancelReason.UNFILLED: Ending.NOTHING_LEFT_TO_TAKE,
    CancelReason.SELF_TRADE: Ending.SELF_TRADE,
}


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


class ExchangeBook:
    """One instrument's book. Order ids are unique while the order rests; an incoming order that meets one of its
    own account is cancelled."""

    def __init__(self) -> None:
        self._book = OrderBook()
        self._owners: dict[str, int] = {}

    @property
    def changes(self) -> int:
        """Rises with every change, so that two looks at the book can be told apart."""
        return self._book.changes

    def submit(
        self, order_id: int, owner: str, side: Side, quantity: int, price: int | None, tif: TimeInForce
    ) -> Match:
        """Match an order, then let the rest of it wait or be cancelled. A market order has no price.

        Raises:
            ValueError: the book rejects the order by its form, or its id is in the book; nothing was changed.
        """
        number, kernel_tif = self._number(owner), _TIMES_IN_FORCE[tif]
        if price is None:
            report = self._book.market(order_id, number, side.sign, quantity, kernel_tif)
        else:
            report = self._book.limit(
                order_id,
                number,
                side.sign,
                quantity,
                price,
                kernel_tif,
                post_only=tif is TimeInForce.POST_ONLY,
            )
        if report.code:
            if report.code not in _ENDING_REJECTIONS:
                raise ValueError(f"order {order_id}: {report.text}")
            return Match([], quantity, _ENDING_REJECTIONS[report.code])
        trades = [Trade(maker, price, traded) for _, maker, price, traded in report.fills]
        if not report.cancels:
            return Match(trades, report.remaining, None)
        ((_, left, reason),) = report.cancels
        return Match(trades, left, _ENDING_CANCELS[reason])

    def rest(self, order_id: int, owner: str, side: Side, quantity: int, price: int) -> None:
        """Place an order behind the others at its price, without matching.

        Raises:
            ValueError: the order would cross the book, or the book rejects it by its form or id.
        """
        report = self._book.limit(order_id, self._number(owner), side.sign, quantity, price, post_only=True)
        if report.code == Reject.POST_ONLY_WOULD_TAKE:
            raise ValueError(f"order {order_id} at {price} would cross {self.best(side.opposite)}")
        if report.code:
            raise ValueError(f"order {order_id}: {report.text}")

    def cancel(self, order_id: int) -> int:
        """Take an order out; the lots it still had, 0 when it does not rest."""
        return sum(quantity for _, quantity, _ in self._book.cancel(order_id).cancels)

    def reduce(self, order_id: int, quantity: int) -> None:
        """Leave an order with fewer lots; it keeps its place in the queue.

        Raises:
            ValueError: it does not rest, or `quantity` is not positive, or is not fewer.
        """
        present = self.remaining(order_id)
        if not 0 < quantity < present:
            raise ValueError(f"order {order_id} has {present} lots and cannot be reduced to {quantity}")
        self._book.amend(order_id, quantity)

    def remaining(self, order_id: int) -> int:
        """Lots that an order still has in the book, 0 when it does not rest."""
        return self._book.remaining(order_id)

    def best(self, side: Side) -> int | None:
        """The best price of a side."""
        return self._book.best(side.sign)

    def levels(self, side: Side, limit: int) -> list[tuple[int, int]]:
        """(price, quantity) of the best levels, best first."""
        return self._book.levels(side.sign, limit)

    def _number(self, owner: str) -> int:
        return self._owners.setdefault(owner, len(self._owners))
