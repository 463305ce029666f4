"""Client orders in the ledger. Only a fill moves a book, in the transaction that ends its order."""

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from hedgerow.desk import client_orders as life
from hedgerow.desk.client_orders import ClientOrder, ClientOrderState, OrderType
from hedgerow.domain.orders import Side
from hedgerow.ledger.books import CLIENT_BOOK, ClientFill, book_fill
from hedgerow.schemas.records import ClientBook

# An order that comes in filled, or is filled later, takes its place in the count of changes with its fill.
_PLACE = """
    with placed as (
        insert into client_orders (id, owner, client_order_id, client_id, instrument, side, quantity, order_type,
            limit_price, state, rested, created_ns, fill_price, concluded_ns)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        on conflict (owner, client_order_id) do nothing returning number, id, state
    ), counted as (
        update client_change_count set position = position + 1
        where exists (select from placed where state = 'Accepted') returning position
    ), change as (
        insert into client_changes (position, order_id, state) select position, id, state from counted, placed
    )
    select number from placed
"""
_CONCLUDE = """
    with concluded as (
        update client_orders set state = $2, fill_price = $3, concluded_ns = $4 where number = $1 returning id, state
    ), counted as (
        update client_change_count set position = position + 1
        where exists (select from concluded where state = 'Cancelled') returning position
    )
    insert into client_changes (position, order_id, state) select position, id, state from counted, concluded
"""


class DuplicateOrder(ValueError):
    """The client order id was used before, by the same owner, for another order."""


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """An order as its sender is told of it. `book` is what its fill made of the client book, to be published."""

    order: ClientOrder
    repeated: bool
    book: ClientBook | None


class Numbered(msgspec.Struct, frozen=True, kw_only=True):
    """An order and its place in the ledger's count, which pages are cut by."""

    number: int
    order: ClientOrder


async def find_repeated(connection: Any, order: ClientOrder) -> ClientOrder | None:
    """The order that was placed before under this client order id, as its sender was told then; None when none was.

    Raises:
        DuplicateOrder: it asked for something else.
    """
    row = await connection.fetchrow(
        "select * from client_orders where owner = $1 and client_order_id = $2",
        order.owner,
        order.client_order_id,
    )
    if row is None:
        return None
    before = _order(row)
    if not life.asks_the_same(before, order):
        raise DuplicateOrder(
            f"client order id {order.client_order_id} was used before for another order: {before.id}, "
            f"{before.order_type} {before.side} {before.quantity:f} {before.instrument}"
        )
    return life.first_answer(before)


async def place_client_order(connection: Any, order: ClientOrder, now_ns: int) -> Placed:
    """Record a new order, and its fill when it comes in filled, in one transaction.

    An order whose client order id is known already changes nothing.

    Raises:
        DuplicateOrder: its client order id was used for another order.
        FillRefused: its fill cannot be booked; nothing was recorded.
    """
    async with connection.transaction():
        number = await connection.fetchval(
            _PLACE,
            uuid.UUID(order.id),
            order.owner,
            order.client_order_id,
            order.client_id,
            order.instrument,
            order.side.value,
            order.quantity,
            order.order_type.value,
            order.limit_price,
            order.state.value,
            order.rested,
            order.created_ns,
            order.fill_price,
            order.concluded_ns,
        )
        if number is None:
            before = await find_repeated(connection, order)
            assert before is not None  # rows are never deleted, and the conflicting one is committed
            return Placed(order=before, repeated=True, book=None)
        book = await _book_fill(connection, order, now_ns) if order.fill_price is not None else None
        return Placed(order=order, repeated=False, book=book)


async def fill_client_order(connection: Any, order_id: str, price: Decimal, now_ns: int) -> ClientBook:
    """Fill a resting order whole, once, and move the client book in the same transaction.

    Returns:
        The book as it now stands, ready to be published.

    Raises:
        OrderNotOpen: it was filled or cancelled before; nothing was changed.
        LookupError: there is no such order.
    """
    async with connection.transaction():
        order = await _conclude(connection, order_id, lambda found: life.fill(found, price, now_ns))
        return await _book_fill(connection, order, now_ns)


async def cancel_client_order(connection: Any, order_id: str, now_ns: int) -> ClientOrder:
    """Cancel a resting order. Cancelling twice changes nothing.

    Raises:
        OrderNotOpen: it was filled before.
        LookupError: there is no such order.
    """
    async with connection.transaction():
        return await _conclude(connection, order_id, lambda found: life.cancel(found, now_ns))


async def find_client_order(connection: Any, order_id: str) -> ClientOrder | None:
    """One order as it stands."""
    row = await connection.fetchrow("select * from client_orders where id = $1", uuid.UUID(order_id))
    return None if row is None else _order(row)


async def list_client_orders(connection: Any, before: int | None, limit: int) -> list[Numbered]:
    """Orders with a smaller number than `before`, newest first."""
    rows = await connection.fetch(
        "select * from client_orders where $1::bigint is null or number < $1 order by number desc limit $2",
        before,
        limit,
    )
    return [Numbered(number=row["number"], order=_order(row)) for row in rows]


async def resting_client_orders(connection: Any) -> list[ClientOrder]:
    """Every order that waits, oldest first."""
    rows = await connection.fetch("select * from client_orders where state = 'Accepted' order by number")
    return [_order(row) for row in rows]


async def _conclude(
    connection: Any, order_id: str, change: Callable[[ClientOrder], ClientOrder]
) -> ClientOrder:
    row = await connection.fetchrow(
        "select * from client_orders where id = $1 for update", uuid.UUID(order_id)
    )
    if row is None:
        raise LookupError(f"there is no order {order_id}")
    order = change(_order(row))
    if order.state != row["state"]:
        await connection.execute(
            _CONCLUDE, row["number"], order.state.value, order.fill_price, order.concluded_ns
        )
    return order


async def _book_fill(connection: Any, order: ClientOrder, now_ns: int) -> ClientBook:
    assert order.fill_price is not None  # callers book filled orders only
    fill = ClientFill(
        fill_id=f"order-{order.id}",
        book=CLIENT_BOOK,
        instrument=order.instrument,
        side=order.side.opposite,
        quantity=order.quantity,
        price=order.fill_price,
        time_ns=now_ns,
        order_id=order.id,
    )
    return await book_fill(connection, fill, now_ns)


def _order(row: Any) -> ClientOrder:
    return ClientOrder(
        id=str(row["id"]),
        owner=row["owner"],
        client_order_id=row["client_order_id"],
        client_id=row["client_id"],
        instrument=row["instrument"],
        side=Side(row["side"]),
        quantity=row["quantity"],
        order_type=OrderType(row["order_type"]),
        limit_price=row["limit_price"],
        state=ClientOrderState(row["state"]),
        rested=row["rested"],
        created_ns=row["created_ns"],
        fill_price=row["fill_price"],
        concluded_ns=row["concluded_ns"],
    )
