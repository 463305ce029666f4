import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.analytics.measures import depth, imbalance, mid_price, spread_bps
from hedgerow.analytics.orderbook import OrderBook

SIZES = st.floats(min_value=1e-6, max_value=1e6)


def test_mid_and_spread_of_a_round_book() -> None:
    assert mid_price(99.0, 101.0) == 100.0
    assert spread_bps(99.0, 101.0) == pytest.approx(200.0)


@given(SIZES, SIZES)
def test_imbalance_is_within_one_and_changes_sign_with_the_sides(bid: float, ask: float) -> None:
    assert -1 <= imbalance(bid, ask) <= 1
    assert imbalance(bid, ask) == -imbalance(ask, bid)
    assert (imbalance(bid, ask) > 0) == (bid > ask)


def test_depth_counts_levels_up_to_the_edge_and_no_further() -> None:
    book = OrderBook.from_snapshot(
        [(99.9, 1.0), (99.8, 2.0), (99.7, 4.0)], [(100.1, 1.0), (100.2, 3.0), (100.3, 5.0)]
    )
    measured = depth(book, 20)
    assert measured.bid_usd == pytest.approx(99.9 + 2 * 99.8)
    assert measured.ask_usd == pytest.approx(100.1 + 3 * 100.2)


def test_reach_is_that_of_the_shallower_side_of_the_snapshot() -> None:
    book = OrderBook.from_snapshot([(99.0, 1.0), (90.0, 1.0)], [(101.0, 1.0), (102.0, 1.0)])
    assert depth(book, 20).reach_bps == pytest.approx(200.0)
    # A message about one price further out says nothing of the prices between.
    book.asks.apply([150.0], [1.0])
    assert depth(book, 20).reach_bps == pytest.approx(200.0)


def test_reach_ends_where_the_mid_has_left_the_known_range() -> None:
    book = OrderBook.from_snapshot([(99.0, 1.0)], [(101.0, 1.0)])
    book.asks.apply([101.0, 130.0], [0.0, 1.0])
    book.bids.apply([120.0], [1.0])
    assert depth(book, 20).reach_bps == 0.0


def test_an_empty_side_has_no_mid() -> None:
    book = OrderBook.from_snapshot([(99.0, 1.0)], [(101.0, 1.0)])
    book.asks.apply([101.0], [0.0])
    with pytest.raises(ValueError, match="0 asks"):
        depth(book, 20)
