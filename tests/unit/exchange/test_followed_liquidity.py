"""The maker's quotes under a live feed: the newest valid state, no better than there, and nothing that is old."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.domain.orders import Side
from hedgerow.schemas.records import BookState, MarketReset
from hedgerow_exchange.engine import Engine
from hedgerow_exchange.followed_liquidity import FollowedLiquidity
from hedgerow_exchange.listings import paper_listings

PERP = "BTC/USDT:USDT"
NOW = 1_790_000_000_000_000_000
SECOND = 1_000_000_000


def make() -> tuple[Engine, FollowedLiquidity]:
    engine = Engine(paper_listings(), ["one"], "0badcafe")
    return engine, FollowedLiquidity(engine)


def state(sequence: int, **changes: Any) -> BookState:
    base = BookState(
        instrument=PERP,
        underlying="BTC",
        sequence=sequence,
        time_ns=NOW,
        source_time_ns=NOW,
        bids=((60_000.0, 1.0), (59_999.9, 2.0)),
        asks=((60_000.1, 1.0),),
        depth_bps=20.0,
        bid_depth_usd=0.0,
        ask_depth_usd=0.0,
        reach_bps=0.0,
        valid=True,
    )
    return msgspec.structs.replace(base, **changes)


def quoted(engine: Engine, side: Side) -> list[tuple[int, int]]:
    """In ticks of 0.1 and lots of 0.001."""
    return engine.books[PERP].levels(side, 50)


def test_a_state_is_quoted_level_by_level() -> None:
    engine, liquidity = make()
    liquidity.take(state(1), NOW)
    assert quoted(engine, Side.BUY) == [(600_000, 1_000), (599_999, 2_000)]
    assert quoted(engine, Side.SELL) == [(600_001, 1_000)]


def test_prices_between_two_ticks_go_away_from_the_market_and_add_up_there() -> None:
    engine, liquidity = make()
    bids, asks = ((60_000.07, 1.0), (60_000.03, 2.0)), ((60_000.11, 1.0), (60_000.19, 2.0))
    liquidity.take(state(1, bids=bids, asks=asks), NOW)
    assert quoted(engine, Side.BUY) == [(600_000, 3_000)]
    assert quoted(engine, Side.SELL) == [(600_002, 3_000)]


@pytest.mark.parametrize(
    "record",
    [
        state(2, valid=False, bids=(), asks=(), reason="gap: a message is missing"),
        MarketReset(
            instrument=PERP,
            underlying="BTC",
            sequence=2,
            time_ns=NOW,
            source_time_ns=NOW,
            lap=1,
            reason="loop",
        ),
    ],
)
def test_what_cannot_be_relied_on_is_not_quoted(record: BookState | MarketReset) -> None:
    engine, liquidity = make()
    liquidity.take(state(1), NOW)
    liquidity.take(record, NOW)
    assert quoted(engine, Side.BUY) == quoted(engine, Side.SELL) == []
    liquidity.take(state(3), NOW)
    assert len(quoted(engine, Side.BUY)) == 2


def test_a_state_that_nobody_vouched_for_lately_is_withdrawn() -> None:
    engine, liquidity = make()
    liquidity.take(state(1), NOW)
    liquidity.expire(NOW + 5 * SECOND)
    assert len(quoted(engine, Side.BUY)) == 2
    liquidity.expire(NOW + 5 * SECOND + 1)
    assert quoted(engine, Side.BUY) == []
    liquidity.take(state(2), NOW + 6 * SECOND)
    assert quoted(engine, Side.BUY) == []


def test_a_younger_repeat_keeps_the_quotes() -> None:
    engine, liquidity = make()
    liquidity.take(state(1), NOW)
    liquidity.take(state(1, time_ns=NOW + 4 * SECOND), NOW + 4 * SECOND)
    liquidity.expire(NOW + 8 * SECOND)
    assert len(quoted(engine, Side.BUY)) == 2


def test_an_older_state_changes_nothing() -> None:
    engine, liquidity = make()
    liquidity.take(state(2), NOW)
    liquidity.take(state(1, bids=((50_000.0, 1.0),)), NOW)
    assert quoted(engine, Side.BUY)[0] == (600_000, 1_000)


def test_an_instrument_that_is_not_listed_is_nobodys_book() -> None:
    engine, liquidity = make()
    liquidity.take(state(1, instrument="DOGE/USDT"), NOW)
    assert all(book.levels(Side.BUY, 1) == [] for book in engine.books.values())


levels = st.lists(
    st.tuples(st.floats(min_value=1, max_value=99_999), st.floats(min_value=0.0001, max_value=50)), max_size=8
)


@settings(max_examples=200)
@given(levels, levels)
def test_nothing_is_quoted_better_or_larger_than_the_market(
    bids: list[tuple[float, float]], asks: list[tuple[float, float]]
) -> None:
    """I1: no bid above the best bid, no ask below the best ask. I2: no side quotes more than the market has."""
    engine, liquidity = make()
    bids.sort(reverse=True)
    asks.sort()
    liquidity.take(state(1, bids=tuple(bids), asks=tuple(asks)), NOW)
    for side, market, sign in ((Side.BUY, bids, 1), (Side.SELL, asks, -1)):
        for ticks, _ in quoted(engine, side):
            assert sign * ticks / 10 <= sign * market[0][0] + 1e-6
        assert sum(lots for _, lots in quoted(engine, side)) / 1_000 <= sum(size for _, size in market) + 1e-6
