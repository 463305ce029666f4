"""A client's order and its life: accepted, then filled whole or cancelled. Pure.

`side` is the client's; the desk is the other side of every fill.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from hedgerow.domain.orders import Side


class OrderType(StrEnum):
    MARKET = "Market"
    LIMIT = "Limit"


class ClientOrderState(StrEnum):
    ACCEPTED = "Accepted"
    FILLED = "Filled"
    CANCELLED = "Cancelled"


_S = ClientOrderState

# Every legal step. An order that is filled as it comes in begins its life Filled.
EDGES: frozenset[tuple[ClientOrderState, ClientOrderState]] = frozenset(
    {(_S.ACCEPTED, _S.FILLED), (_S.ACCEPTED, _S.CANCELLED)}
)


class OrderNotOpen(ValueError):
    """The order has ended before; the message says how."""


class ClientOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One client order.

    Attributes:
        id: ours, a UUID.
        owner: whose API key sent it; `client_order_id` is unique per owner, None when the sender gave none.
        client_id: for whom.
        quantity: in contracts (base units for spot); limit_price: in quote currency, None for a market order.
        rested: it was accepted to wait, so that its first answer was not its fill.
        fill_price: of the whole quantity, in quote currency, when filled.
        concluded_ns: when it was filled or cancelled.
    """

    id: str
    owner: str
    client_order_id: str | None
    client_id: str
    instrument: str
    side: Side
    quantity: Decimal
    order_type: OrderType
    limit_price: Decimal | None
    state: ClientOrderState
    rested: bool
    created_ns: int
    fill_price: Decimal | None = None
    concluded_ns: int | None = None


def fill(order: ClientOrder, price: Decimal, now_ns: int) -> ClientOrder:
    """The order, filled whole at this price.

    Raises:
        OrderNotOpen: it was filled or cancelled before.
    """
    _require_edge(order, ClientOrderState.FILLED)
    return msgspec.structs.replace(
        order, state=ClientOrderState.FILLED, fill_price=price, concluded_ns=now_ns
    )


def cancel(order: ClientOrder, now_ns: int) -> ClientOrder:
    """The order, cancelled. Cancelling twice changes nothing.

    Raises:
        OrderNotOpen: it was filled before.
    """
    if order.state is ClientOrderState.CANCELLED:
        return order
    _require_edge(order, ClientOrderState.CANCELLED)
    return msgspec.structs.replace(order, state=ClientOrderState.CANCELLED, concluded_ns=now_ns)


def first_answer(order: ClientOrder) -> ClientOrder:
    """The order as its sender was first told of it, whatever became of it since."""
    if not order.rested:
        return order
    return msgspec.structs.replace(order, state=ClientOrderState.ACCEPTED, fill_price=None, concluded_ns=None)


def asks_the_same(one: ClientOrder, other: ClientOrder) -> bool:
    """Whether two orders were sent with equal content; numbers count by value, not by spelling."""
    return _content(one) == _content(other)


def _content(order: ClientOrder) -> tuple[object, ...]:
    return (
        order.client_id,
        order.instrument,
        order.side,
        order.quantity,
        order.order_type,
        order.limit_price,
    )


def _require_edge(order: ClientOrder, after: ClientOrderState) -> None:
    if (order.state, after) not in EDGES:
        raise OrderNotOpen(f"order {order.id} is {order.state} and cannot become {after}")
