"""Which entry of the cache a message is. Pure. The record goes in as it came: only its head is read."""

from hedgerow.adapters.cache_keys import BOOKS, QUOTES, RISK_STATES, Entry, order_of
from hedgerow.schemas.codec import Decoder
from hedgerow.schemas.records import Record
from hedgerow.schemas.topics import BOOKS as BOOKS_TOPIC
from hedgerow.schemas.topics import MARKET_ENRICHED, RISK_STATE


class _QuoteHead(Record, frozen=True, kw_only=True, tag="Quote"):
    instrument: str
    sequence: int
    time_ns: int


class _RiskHead(Record, frozen=True, kw_only=True, tag="RiskState"):
    strategy: str
    sequence: int
    time_ns: int


class _BookHead(Record, frozen=True, kw_only=True, tag="ClientBook"):
    name: str
    sequence: int
    published_ns: int


TOPICS = (MARKET_ENRICHED.name, RISK_STATE.name, BOOKS_TOPIC.name)

_quotes = Decoder[_QuoteHead](_QuoteHead)
_risk_states = Decoder[_RiskHead](_RiskHead)
_books = Decoder[_BookHead](_BookHead)


def entry_of(topic: str, value: bytes | None) -> Entry | None:
    """The entry of a message; None for a book that was taken away.

    Raises:
        UndecodableRecord: it is no record of this topic.
        ValueError: its name or its numbers cannot be a key or an order.
    """
    if topic == MARKET_ENRICHED.name:
        quote = _quotes.decode(value)
        return _entry(QUOTES.key(quote.instrument), quote.sequence, quote.time_ns, value)
    if topic == RISK_STATE.name:
        state = _risk_states.decode(value)
        return _entry(RISK_STATES.key(state.strategy), state.sequence, state.time_ns, value)
    if value is None:
        return None
    book = _books.decode(value)
    # A book that is told again is as fresh as it was published: under its sequence, that time rises.
    return _entry(BOOKS.key(book.name), book.sequence, book.published_ns, value)


def _entry(key: str, sequence: int, time_ns: int, value: bytes | None) -> Entry:
    assert value is not None  # a decoder has read it
    return Entry(key, order_of(sequence, time_ns), value)
