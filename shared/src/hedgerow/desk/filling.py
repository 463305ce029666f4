"""At which price a client's order fills, or why it does not. Pure.

A client buys at the ask and sells at the bid. An order that can trade as it comes in does so at the touch; a limit
order that rests trades at its own price once the touch has reached it, as it would in a book.
"""

from decimal import Decimal
from enum import StrEnum
from math import isfinite

import msgspec

from hedgerow.desk.client_orders import ClientOrder, OrderType
from hedgerow.domain.age import age_problem
from hedgerow.domain.money import exact_decimal
from hedgerow.domain.orders import Side
from hedgerow.schemas.records import Quote

FRESHNESS_NS = 3_000_000_000


class QuoteFault(StrEnum):
    """Why a quote gives no price."""

    MISSING = "quote-missing"
    STALE = "quote-stale"
    INVALID = "quote-invalid"


class NoPrice(msgspec.Struct, frozen=True, kw_only=True):
    """There is no price to fill at; `detail` has the numbers."""

    fault: QuoteFault
    detail: str


class Touch(msgspec.Struct, frozen=True, kw_only=True):
    """What a client can trade at now, in quote currency."""

    bid: Decimal
    ask: Decimal

    @property
    def mid(self) -> Decimal:
        return (self.bid + self.ask) / 2

    def for_client(self, side: Side) -> Decimal:
        """A client buys at the ask and sells at the bid."""
        return self.ask if side is Side.BUY else self.bid


def read_touch(quote: Quote | None, now_ns: int) -> Touch | NoPrice:
    """The touch of the newest quote, unless it is missing, invalid or not of the last 3 s.

    A quote from the future is no fresher than one from the past: it would stay fresh for ever.
    """
    if quote is None:
        return NoPrice(fault=QuoteFault.MISSING, detail="no quote was seen yet")
    if not quote.valid:
        return NoPrice(fault=QuoteFault.INVALID, detail=f"the newest quote is not valid: {quote.reason}")
    if not (isfinite(quote.bid) and isfinite(quote.ask) and 0 < quote.bid <= quote.ask):
        return NoPrice(
            fault=QuoteFault.INVALID,
            detail=f"the newest quote is no market: bid {quote.bid}, ask {quote.ask}",
        )
    problem = age_problem(quote.time_ns, now_ns, FRESHNESS_NS)
    if problem is not None:
        return NoPrice(fault=QuoteFault.STALE, detail=f"the newest quote is {problem}")
    return Touch(bid=exact_decimal(quote.bid), ask=exact_decimal(quote.ask))


def entry_price(order: ClientOrder, touch: Touch) -> Decimal | None:
    """At which price an order that comes in fills: the touch, or None for a limit order that must wait."""
    price = touch.for_client(order.side)
    if order.order_type is OrderType.MARKET or _reached(order, price):
        return price
    return None


def resting_price(order: ClientOrder, touch: Touch) -> Decimal | None:
    """At which price a resting limit order fills: its own once the touch has reached it, else None."""
    return order.limit_price if _reached(order, touch.for_client(order.side)) else None


def _reached(order: ClientOrder, price: Decimal) -> bool:
    if order.limit_price is None:
        return False
    return price <= order.limit_price if order.side is Side.BUY else price >= order.limit_price
