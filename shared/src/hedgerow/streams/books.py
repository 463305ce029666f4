"""Client books onto the `books` topic. The ledger is the truth; this repeats it."""

from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import ClientBook
from hedgerow.schemas.topics import BOOKS
from hedgerow.streams.context import Headers, Producer


def publish_book(producer: Producer, book: ClientBook, headers: Headers) -> None:
    """Send a book's newest positions, keyed by its name.

    Args:
        headers: of the trace that it belongs to, see `trace.start` and `trace.carry`.

    Raises:
        BufferError: the producer's queue is full.
    """
    producer.send(BOOKS.name, book.name, encode(book), headers)
