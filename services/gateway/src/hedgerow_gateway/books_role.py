"""Books: repeats every client book of the ledger on the `books` topic each second."""

import time

import asyncpg

from hedgerow.ledger.books import read_books
from hedgerow.schemas.records import ClientBook
from hedgerow.streams import trace
from hedgerow.streams.books import publish_book
from hedgerow.streams.context import Context, ServiceRole
from hedgerow.streams.ledger_link import LedgerLink
from hedgerow.streams.waiting import stopped_within

REPUBLISH_S = 1.0


async def run(context: Context) -> None:
    """Republish until asked to stop. While the ledger is away nothing is sent: readers see the books age."""
    link = LedgerLink(context)
    try:
        while not context.stopping.is_set():
            for book in await link.until_done(_read) or ():
                headers = trace.start(f"book:{book.name}:{book.sequence}", time.time_ns())
                publish_book(context.producer, book, headers)
            await stopped_within(context.stopping, REPUBLISH_S)
    finally:
        await link.close()


async def _read(connection: asyncpg.Connection) -> list[ClientBook]:
    return await read_books(connection, time.time_ns())


role = ServiceRole(name="books", run=run)
