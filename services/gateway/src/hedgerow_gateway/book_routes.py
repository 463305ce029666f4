"""`/positions` and `/books`."""

import time
from decimal import Decimal
from functools import partial
from typing import Any

from fastapi import APIRouter, Request

from hedgerow.desk.filling import NoPrice
from hedgerow.desk.net_positions import net_positions
from hedgerow.ledger.books import (
    BookMovedByFills,
    BookOfAnotherKind,
    BookRefused,
    find_book,
    read_books,
    replace_book,
)
from hedgerow.ledger.hedge_positions import read_hedge_positions
from hedgerow_gateway.book_models import BookAnswer, BookName, BookRequest, book_answer, told_book
from hedgerow_gateway.desk import OrderDesk
from hedgerow_gateway.desk_models import PositionAnswer
from hedgerow_gateway.door import READERS, TRADERS, GuardedRoute, allow
from hedgerow_gateway.ledger_pool import LedgerPool
from hedgerow_gateway.problems import Problem, not_found
from hedgerow_gateway.publishing import BookPublisher
from hedgerow_gateway.refusals import refusals

router = APIRouter(route_class=GuardedRoute)


@router.get("/positions", tags=["positions"], responses=refusals())
@allow(READERS)
async def list_positions(request: Request) -> list[PositionAnswer]:
    """What the desk holds of each underlying: every book, plus the hedges that were traded (not Shadow's)."""
    ledger: LedgerPool = request.app.state.ledger
    desk: OrderDesk = request.app.state.desk

    def mark(symbol: str) -> Decimal | str:
        touch = desk.touch(symbol)
        return touch.detail if isinstance(touch, NoPrice) else touch.mid

    return [
        PositionAnswer(
            symbol=row.symbol,
            spot_qty=row.spot_qty,
            perp_qty=row.perp_qty,
            usd_delta=row.usd_delta,
            problem=row.problem,
        )
        for row in net_positions(await ledger.run(_held), mark)
    ]


@router.get("/books", tags=["books"], responses=refusals())
@allow(READERS)
async def list_books(request: Request) -> list[BookAnswer]:
    """Every book: the client book, and those told from outside."""
    ledger: LedgerPool = request.app.state.ledger
    return [book_answer(book) for book in await ledger.run(partial(read_books, now_ns=time.time_ns()))]


@router.get("/books/{name}", tags=["books"], responses=refusals(404))
@allow(READERS)
async def get_book(name: BookName, request: Request) -> BookAnswer:
    """One book as it stands."""
    ledger: LedgerPool = request.app.state.ledger
    book = await ledger.run(partial(find_book, name=name, now_ns=time.time_ns()))
    if book is None:
        raise not_found(f"there is no book {name}")
    return book_answer(book)


@router.put("/books/{name}", tags=["books"], responses=refusals(400, 408, 409, 413, 415))
@allow(TRADERS)
async def put_book(name: BookName, body: BookRequest, request: Request) -> BookAnswer:
    """Set a book's positions, or its loans. Refused when `sequence` or `as_of` goes backwards, when a known sequence
    comes with other content, when a book of the one becomes one of the other, and for the book that client fills move.
    """
    ledger: LedgerPool = request.app.state.ledger
    publisher: BookPublisher = request.app.state.publisher
    now_ns = time.time_ns()
    told = told_book(name, body, now_ns)
    try:
        book = await ledger.run(partial(replace_book, book=told, now_ns=now_ns))
    except BookMovedByFills as error:
        raise Problem(409, "book-moved-by-fills", str(error)) from None
    except BookOfAnotherKind as error:
        raise Problem(409, "book-of-another-kind", str(error)) from None
    except BookRefused as error:
        raise Problem(409, "book-went-backwards", str(error)) from None
    publisher.publish(book, f"book:{name}:{book.sequence}", now_ns)
    return book_answer(book)


async def _held(connection: Any) -> list[tuple[str, Decimal]]:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        books = await read_books(connection, time.time_ns())
        hedges = await read_hedge_positions(connection)
    return [*(item for book in books for item in book.holdings.items()), *hedges.items()]
