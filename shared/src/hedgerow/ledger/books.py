"""Client books: the ledger's rows are the truth, the `books` topic repeats them."""

from decimal import Decimal
from typing import Any

import msgspec

from hedgerow.domain.instruments import find_instrument
from hedgerow.domain.orders import Side, signed
from hedgerow.schemas.records import ClientBook

# Wider than any market; within them every number is exact here and in Postgres.
_SMALLEST = Decimal("1e-12")
_LARGEST = Decimal("1e12")


class ClientFill(msgspec.Struct, frozen=True, kw_only=True):
    """A fill of a client's order, which moves the book to the other side of nothing: `side` is the book's.

    Quantity in contracts (base units for spot), price in quote currency.
    """

    fill_id: str
    book: str
    instrument: str
    side: Side
    quantity: Decimal
    price: Decimal
    time_ns: int


class FillRefused(ValueError):
    """A client fill that cannot be booked; the message names the field and what would be right."""


async def record_client_fill(connection: Any, fill: ClientFill, now_ns: int) -> ClientBook:
    """Book a client fill and move its book in one transaction. A fill that is already booked changes nothing.

    Returns:
        The book as it now stands, ready to be published.

    Raises:
        FillRefused: unknown instrument, not positive, off the lot, or the id was used for another fill.
    """
    _require_sound(fill)
    async with connection.transaction():
        await connection.execute(
            "insert into books (name, sequence, as_of_ns) values ($1, 0, $2) on conflict do nothing",
            fill.book,
            now_ns,
        )
        await connection.execute("select 1 from books where name = $1 for update", fill.book)
        if await _is_new(connection, fill, now_ns):
            await connection.execute(
                "insert into book_positions (book, instrument, quantity) values ($1, $2, $3) "
                "on conflict (book, instrument) do update "
                "set quantity = book_positions.quantity + excluded.quantity",
                fill.book,
                fill.instrument,
                signed(fill.side, fill.quantity),
            )
            await connection.execute(
                "update books set sequence = sequence + 1, as_of_ns = $2 where name = $1", fill.book, now_ns
            )
        return await _read_book(connection, fill.book, now_ns)


async def read_books(connection: Any, now_ns: int) -> list[ClientBook]:
    """Every book as it stands, stamped as published now."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        rows = await connection.fetch("select name from books order by name")
        return [await _read_book(connection, row["name"], now_ns) for row in rows]


def _require_sound(fill: ClientFill) -> None:
    try:
        instrument = find_instrument(fill.instrument)
    except KeyError as error:
        raise FillRefused(f"fill {fill.fill_id}: instrument: {error.args[0]}") from None
    for name, value in (("quantity", fill.quantity), ("price", fill.price)):
        if not (value.is_finite() and _SMALLEST <= value <= _LARGEST):
            raise FillRefused(
                f"fill {fill.fill_id}: {name} {value} should be a number from {_SMALLEST} to {_LARGEST}"
            )
    if not instrument.is_on_lot(fill.quantity):
        raise FillRefused(
            f"fill {fill.fill_id}: quantity {fill.quantity:f} is no multiple of {fill.instrument}'s lot "
            f"{instrument.lot_size:f}"
        )


async def _is_new(connection: Any, fill: ClientFill, now_ns: int) -> bool:
    inserted = await connection.fetchval(
        "insert into client_fills (fill_id, book, instrument, side, quantity, price, time_ns, recorded_ns) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (fill_id) do nothing returning fill_id",
        fill.fill_id,
        fill.book,
        fill.instrument,
        fill.side.value,
        fill.quantity,
        fill.price,
        fill.time_ns,
        now_ns,
    )
    if inserted is not None:
        return True
    row = await connection.fetchrow(
        "select book, instrument, side, quantity, price from client_fills where fill_id = $1", fill.fill_id
    )
    booked = (row["book"], row["instrument"], row["side"], row["quantity"], row["price"])
    if booked != (fill.book, fill.instrument, fill.side.value, fill.quantity, fill.price):
        book, instrument, side, quantity, price = booked
        raise FillRefused(
            f"fill {fill.fill_id}: this id was booked before for another fill: "
            f"{side} {quantity:f} {instrument} at {price:f} in book {book}"
        )
    return False


async def _read_book(connection: Any, name: str, now_ns: int) -> ClientBook:
    book = await connection.fetchrow("select sequence, as_of_ns from books where name = $1", name)
    rows = await connection.fetch(
        "select instrument, quantity from book_positions where book = $1 order by instrument", name
    )
    return ClientBook(
        name=name,
        sequence=book["sequence"],
        as_of_ns=book["as_of_ns"],
        published_ns=now_ns,
        positions={row["instrument"]: row["quantity"] for row in rows},
    )
