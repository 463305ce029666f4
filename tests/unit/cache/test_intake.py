"""Which entry of the cache a message is."""

from decimal import Decimal

import pytest

from hedgerow.adapters.cache_keys import BOOKS, QUOTES, RISK_STATES, order_of
from hedgerow.schemas.codec import UndecodableRecord, encode
from hedgerow.schemas.records import ClientBook, Quote
from hedgerow.schemas.risk_state import RiskState
from hedgerow_cache.intake import entry_of

QUOTE = Quote(
    instrument="BTC/USDT",
    underlying="BTC",
    sequence=7,
    time_ns=8,
    source_time_ns=0,
    bid=1.0,
    ask=2.0,
    bid_size=1.0,
    ask_size=1.0,
    mid=1.5,
    spread_bps=1.0,
    imbalance=0.0,
    depth_bps=20.0,
    bid_depth_usd=1.0,
    ask_depth_usd=1.0,
    reach_bps=1.0,
    valid=True,
)
RISK = RiskState(
    strategy="default/btc-band",
    uid="u",
    generation=1,
    revision="r",
    sequence=9,
    time_ns=10,
    cause="",
    ready=True,
    problems=(),
    exposures=(),
    marks=(),
)
BOOK = ClientBook(name="oms", sequence=3, as_of_ns=1, published_ns=2, positions={"BTC/USDT": Decimal(1)})


def test_a_record_goes_in_as_it_came_under_its_own_order() -> None:
    for topic, record, key, order in (
        ("market.enriched", QUOTE, QUOTES.key("BTC/USDT"), order_of(7, 8)),
        ("risk.state", RISK, RISK_STATES.key("default/btc-band"), order_of(9, 10)),
        ("books", BOOK, BOOKS.key("oms"), order_of(3, 2)),
    ):
        entry = entry_of(topic, encode(record))
        assert entry is not None
        assert (entry.key, entry.order, entry.record) == (key, order, encode(record))


def test_a_book_that_was_taken_away_is_no_entry() -> None:
    assert entry_of("books", None) is None


@pytest.mark.parametrize(
    ("topic", "value"),
    [
        ("market.enriched", None),
        ("market.enriched", b"{"),
        ("market.enriched", encode(BOOK)),
        ("risk.state", encode(QUOTE)),
        ("books", b'{"type": "ClientBook", "v": 2, "name": "oms", "sequence": 1, "published_ns": 1}'),
        (
            "books",
            b'{"type": "ClientBook", "v": 1, "name": "a}b", "sequence": 1, "published_ns": 1}',
        ),
        (
            "books",
            b'{"type": "ClientBook", "v": 1, "name": "oms", "sequence": -1, "published_ns": 1}',
        ),
    ],
)
def test_what_is_no_state_of_the_topic_is_refused(topic: str, value: bytes | None) -> None:
    with pytest.raises((UndecodableRecord, ValueError)):
        entry_of(topic, value)
