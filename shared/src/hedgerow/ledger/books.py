"""Client books: the ledger's rows are the truth, the `books` topic repeats them."""

from decimal import Decimal
from typing import Any

import msgspec

from hedgerow.domain.instruments import find_instrument
from hedgerow.domain.loans import Loan
from hedgerow.domain.orders import Side, signed
from hedgerow.domain.positions import Entry
from hedgerow.schemas.records import BookKind, ClientBook

# Wider than any market; within them every number is exact here and in Postgres.
_SMALLEST = Decimal("1e-12")
_LARGEST = Decimal("1e12")

# The desk's own book: everything that clients trade is filled into it.
CLIENT_BOOK = "clients"

# One round trip: the fill if its id is new, then its book if fills may move it, then the position, and its place in
# the count of client changes, which is locked until the commit and therefore comes last. The entry goes as in
# `domain.positions`: adding averages it, closing keeps it, turning the side begins anew; what is not known stays so
# until the position was flat.
_BOOK_FILL = """
    with fill as (
        insert into client_fills (fill_id, book, instrument, side, quantity, price, time_ns, recorded_ns)
        values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (fill_id) do nothing returning book
    ), moved as (
        insert into books (name, sequence, as_of_ns) select book, 1, $8 from fill
        on conflict (name) do update set sequence = books.sequence + 1, as_of_ns = excluded.as_of_ns
        where not books.fed returning name
    ), position as (
        insert into book_positions as held (book, instrument, quantity, entry_price, since_ns)
        select name, $3, $9, $6, $7 from moved
        on conflict (book, instrument) do update set quantity = held.quantity + excluded.quantity,
            entry_price = case
                when held.quantity + excluded.quantity = 0 then null
                when held.quantity * excluded.quantity > 0 then round(
                    (held.quantity * held.entry_price + excluded.quantity * excluded.entry_price)
                    / (held.quantity + excluded.quantity), 12)
                when held.quantity * (held.quantity + excluded.quantity) > 0 then held.entry_price
                else excluded.entry_price end,
            since_ns = case
                when held.quantity + excluded.quantity = 0 then null
                when held.quantity * (held.quantity + excluded.quantity) > 0 then held.since_ns
                else excluded.since_ns end
    ), counted as (
        update client_change_count set position = position + 1 where exists (select from moved) returning position
    ), change as (
        insert into client_changes (position, order_id, state, fill_id)
        select position, $10, case when $10::uuid is not null then 'Filled' end, $1 from counted
    )
    select exists (select from fill) as new, exists (select from moved) as moved
"""
_POSITION = ("instrument", "quantity", "entry_price", "since_ns")
_LOAN = ("id", "asset", "principal", "interest", "annual_rate", "since_ns", "collateral")
# One statement, so that sequence and content belong together whoever moves the book meanwhile.
_BOOKS = f"""
    select name, sequence, as_of_ns, fed, kind,
        array(select ({", ".join(_POSITION)}) from book_positions where book = name order by instrument) as positions,
        array(select ({", ".join(_LOAN)}) from book_loans where book = name order by id collate "C") as loans
    from books
"""
_MOVED_BY_FILLS = "book {} is moved by client fills; tell positions under another name"


class ClientFill(msgspec.Struct, frozen=True, kw_only=True):
    """A fill of a client's order, which moves the book to the other side of nothing: `side` is the book's.

    Quantity in contracts (base units for spot), price in quote currency. `order_id` is the client order that it fills
    whole; None when it came without one.
    """

    fill_id: str
    book: str
    instrument: str
    side: Side
    quantity: Decimal
    price: Decimal
    time_ns: int
    order_id: str | None = None


class FillRefused(ValueError):
    """A client fill that cannot be booked; the message names the field and what would be right."""


class FedBook(msgspec.Struct, frozen=True, kw_only=True):
    """A book as the system outside that keeps it tells it: absolute positions, signed, in contracts, or loans.

    `entries` are of those positions whose entry its teller knows.
    `sequence` is the sender's and rises with every change; `as_of_ns` is when the positions or the loans were so.
    Loans are in the order of their ids, of which each is there once.
    """

    name: str
    sequence: int
    as_of_ns: int
    kind: BookKind = BookKind.POSITIONS
    positions: dict[str, Decimal] = {}
    loans: tuple[Loan, ...] = ()
    entries: dict[str, Entry] = {}


class BookRefused(ValueError):
    """A told book that cannot replace the known one; nothing was changed, the message has both."""


class BookOfAnotherKind(BookRefused):
    """Positions cannot follow loans under one name, nor loans positions: who reads the book relies on its kind."""


class BookMovedByFills(BookRefused):
    """Our own fills move this book; nobody else may set it."""


async def record_client_fill(connection: Any, fill: ClientFill, now_ns: int) -> ClientBook:
    """Book a client fill and move its book in one transaction. A fill that is already booked changes nothing.

    Returns:
        The book as it now stands, ready to be published.

    Raises:
        FillRefused: unknown instrument, not positive, off the lot, a book that is told from outside, or the id was used
            for another fill.
    """
    async with connection.transaction():
        return await book_fill(connection, fill, now_ns)


async def book_fill(connection: Any, fill: ClientFill, now_ns: int) -> ClientBook:
    """As `record_client_fill`, in the caller's transaction, which an error must end."""
    _require_sound(fill)
    row = await connection.fetchrow(
        _BOOK_FILL,
        fill.fill_id,
        fill.book,
        fill.instrument,
        fill.side.value,
        fill.quantity,
        fill.price,
        fill.time_ns,
        now_ns,
        signed(fill.side, fill.quantity),
        fill.order_id,
    )
    if not row["new"]:
        await _require_the_same(connection, fill)
    elif not row["moved"]:
        raise FillRefused(f"fill {fill.fill_id}: book {fill.book} is told from outside, fills cannot move it")
    return await _read_book(connection, fill.book, now_ns)


async def replace_book(connection: Any, book: FedBook, now_ns: int) -> ClientBook:
    """Let a system outside set its book. Sequence and as-of time may not go backwards.

    Telling it again changes nothing; a later as-of time under the same sequence confirms what was told.

    Returns:
        The book as it now stands, ready to be published.

    Raises:
        BookRefused: it goes backwards, or its sequence was used for other content.
        BookMovedByFills, BookOfAnotherKind: see there.
    """
    if book.name == CLIENT_BOOK:
        raise BookMovedByFills(_MOVED_BY_FILLS.format(book.name))
    async with connection.transaction():
        new = await connection.fetchval(
            "insert into books (name, sequence, as_of_ns, fed, kind) values ($1, $2, $3, true, $4) "
            "on conflict do nothing returning name",
            book.name,
            book.sequence,
            book.as_of_ns,
            book.kind.value,
        )
        row = await connection.fetchrow("select fed from books where name = $1 for update", book.name)
        if not row["fed"]:
            raise BookMovedByFills(_MOVED_BY_FILLS.format(book.name))
        known = None if new else await _read_book(connection, book.name, now_ns)
        if known is not None:
            _require_kind(known, book)
            _require_forward(known, book)
        if known is None or known.sequence != book.sequence:
            await _set_positions(connection, book)
            await _set_loans(connection, book)
        await connection.execute(
            "update books set sequence = $2, as_of_ns = $3 where name = $1",
            book.name,
            book.sequence,
            book.as_of_ns,
        )
        return await _read_book(connection, book.name, now_ns)


async def find_book(connection: Any, name: str, now_ns: int) -> ClientBook | None:
    """One book as it stands; None when there is none of this name."""
    row = await connection.fetchrow(f"{_BOOKS} where name = $1", name)
    return None if row is None else _book(row, now_ns)


async def read_books(connection: Any, now_ns: int) -> list[ClientBook]:
    """Every book as it stands, ready to be published."""
    return [_book(row, now_ns) for row in await connection.fetch(f"{_BOOKS} order by name")]


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


async def _require_the_same(connection: Any, fill: ClientFill) -> None:
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


async def _read_book(connection: Any, name: str, now_ns: int) -> ClientBook:
    return _book(await connection.fetchrow(f"{_BOOKS} where name = $1", name), now_ns)


def _book(row: Any, now_ns: int) -> ClientBook:
    return ClientBook(
        name=row["name"],
        sequence=row["sequence"],
        as_of_ns=row["as_of_ns"],
        # Readers take a book to be as fresh as this. We answer for what our fills moved; for a book that is told to us
        # only its teller does, and repeating it must not make it look alive.
        published_ns=row["as_of_ns"] if row["fed"] else now_ns,
        positions={symbol: quantity for symbol, quantity, _, _ in row["positions"]},
        entries={
            symbol: Entry(price=price, since_ns=since_ns)
            for symbol, _, price, since_ns in row["positions"]
            if price is not None
        },
        kind=BookKind(row["kind"]),
        loans=tuple(map(_loan, row["loans"])),
    )


def _loan(row: Any) -> Loan:
    *plain_fields, collateral = row
    fields = dict(zip(_LOAN[:-1], plain_fields, strict=True))
    return Loan(**fields, collateral=msgspec.json.decode(collateral, type=dict[str, Decimal]))


def _require_kind(known: ClientBook, told: FedBook) -> None:
    if told.kind is not known.kind:
        raise BookOfAnotherKind(
            f"book {told.name} is of {known.kind.lower()}; tell {told.kind.lower()} under another name"
        )


def _require_forward(known: ClientBook, told: FedBook) -> None:
    if told.sequence < known.sequence:
        raise BookRefused(f"sequence {told.sequence} is below the known {known.sequence} of book {told.name}")
    if told.as_of_ns < known.as_of_ns:
        raise BookRefused(
            f"as-of time {told.as_of_ns} ns is before the known {known.as_of_ns} ns of book {told.name}"
        )
    if told.sequence == known.sequence and _content(told) != _content(known):
        raise BookRefused(
            f"sequence {told.sequence} of book {told.name} was used for other {known.kind.lower()}"
        )


def _content(book: FedBook | ClientBook) -> tuple[object, ...]:
    return (book.positions, book.entries, book.loans)


async def _set_positions(connection: Any, book: FedBook) -> None:
    await connection.execute("delete from book_positions where book = $1", book.name)
    await connection.executemany(
        "insert into book_positions (book, instrument, quantity, entry_price, since_ns) values ($1, $2, $3, $4, $5)",
        [
            (book.name, symbol, quantity, *_columns_of(book.entries.get(symbol)))
            for symbol, quantity in sorted(book.positions.items())
        ],
    )


def _columns_of(entry: Entry | None) -> tuple[Decimal | None, int | None]:
    return (None, None) if entry is None else (entry.price, entry.since_ns)


async def _set_loans(connection: Any, book: FedBook) -> None:
    await connection.execute("delete from book_loans where book = $1", book.name)
    await connection.executemany(
        f"insert into book_loans (book, {', '.join(_LOAN)}) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        [
            (
                book.name,
                loan.id,
                loan.asset,
                loan.principal,
                loan.interest,
                loan.annual_rate,
                loan.since_ns,
                msgspec.json.encode(loan.collateral).decode(),
            )
            for loan in book.loans
        ],
    )
