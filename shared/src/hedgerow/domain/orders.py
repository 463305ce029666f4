"""The words of an order."""

from decimal import Decimal
from enum import StrEnum


class Side(StrEnum):
    BUY = "Buy"
    SELL = "Sell"

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class TimeInForce(StrEnum):
    """IOC: what does not fill at once is cancelled. PostOnly: it waits in the book, and never takes."""

    IOC = "IOC"
    POST_ONLY = "PostOnly"

    @property
    def rests(self) -> bool:
        """Whether an order stays at the venue until it is filled or cancelled."""
        return self is TimeInForce.POST_ONLY


def signed(side: Side, quantity: Decimal) -> Decimal:
    """Quantity with the side's sign: buys are positive."""
    return quantity if side is Side.BUY else -quantity
