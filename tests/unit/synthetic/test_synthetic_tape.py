"""Synthetic tapes: a pure function of seed, instrument and scenario, that stands anywhere at once.

Invariants: S1 the same arguments give the same books; S2 seeking equals walking; S3 every price is on the tick, every
size on the lot, every book two-sided and uncrossed while the market is open; S4 a contract stays near its underlying.
"""

from decimal import Decimal
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.adapters.synthetic.lap import DAY_S, NIGHT, SESSION_S, make_lap
from hedgerow.adapters.synthetic.models import BOOKS, UNDERLYINGS
from hedgerow.adapters.synthetic.scenarios import Scenario
from hedgerow.adapters.synthetic.tape import SyntheticTape
from hedgerow.analytics.validity import invalid_reason
from hedgerow.domain.instruments import LISTINGS, find_instrument
from hedgerow.domain.money import exact_decimal

START = 1_790_000_000_000_000_000
INTERVAL_NS = 250_000_000
SYMBOLS = st.sampled_from(sorted(LISTINGS))
SCENARIOS = st.sampled_from([None, *Scenario])
SESSION = [symbol for symbol, item in sorted(LISTINGS.items()) if UNDERLYINGS[item.underlying].has_session]


@cache
def tape(symbol: str, scenario: Scenario | None = None, seed: int = 7) -> SyntheticTape:
    return SyntheticTape(find_instrument(symbol), seed, INTERVAL_NS, scenario)


def index_in(found: SyntheticTape, data: st.DataObject) -> int:
    return data.draw(st.integers(min_value=0, max_value=found.events_per_lap))


def test_every_listing_has_a_model() -> None:
    assert set(BOOKS) == set(LISTINGS)
    assert set(UNDERLYINGS) == {item.underlying for item in LISTINGS.values()}


@settings(max_examples=25, deadline=None)
@given(SYMBOLS, SCENARIOS, st.integers(min_value=0, max_value=2**32 - 1), st.data())
def test_s1_two_processes_show_the_same_book(
    symbol: str, scenario: Scenario | None, seed: int, data: st.DataObject
) -> None:
    one, other = (SyntheticTape(find_instrument(symbol), seed, INTERVAL_NS, scenario) for _ in range(2))
    elapsed = data.draw(st.integers(min_value=0, max_value=3 * one.duration_ns))
    books = []
    for found in (one, other):
        position = found.position(START, START + elapsed, 1.0)
        cursor = found.cursor()
        cursor.seek(position.lap, position.index)
        books.append((position, cursor.closed, cursor.top()))
    assert books[0] == books[1]


def test_s1_another_seed_gives_another_tape() -> None:
    assert tape("BTC/USDT", seed=1).levels(900) != tape("BTC/USDT", seed=2).levels(900)


@given(SYMBOLS, SCENARIOS, st.data())
def test_s2_seeking_equals_walking(symbol: str, scenario: Scenario | None, data: st.DataObject) -> None:
    found = tape(symbol, scenario)
    index = index_in(found, data)
    walked, sought = found.cursor(), found.cursor()
    for step in range(max(0, index - 5), index + 1):
        walked.seek(0, step)
    sought.seek(0, found.events_per_lap)
    sought.seek(0, index)
    assert walked.top() == sought.top()


@given(SYMBOLS, SCENARIOS, st.data())
def test_s3_an_open_book_is_sound_and_on_the_grid(
    symbol: str, scenario: Scenario | None, data: st.DataObject
) -> None:
    found, listing = tape(symbol, scenario), find_instrument(symbol)
    cursor = found.cursor()
    cursor.seek(0, index_in(found, data))
    bids, asks = cursor.top()
    if cursor.closed is not None:
        assert (bids, asks) == ([], [])
        return
    assert invalid_reason(bids, asks, None, 0.0) is None
    assert (len(bids), len(asks)) == (50, 50)
    assert all(one[0] > other[0] for one, other in pairwise(bids))
    assert all(one[0] < other[0] for one, other in pairwise(asks))
    for price, quantity in (*bids, *asks):
        assert listing.is_on_tick(exact_decimal(price))
        assert listing.is_on_lot(exact_decimal(quantity))


@given(SYMBOLS, SCENARIOS, st.data())
def test_s4_a_contract_stays_within_five_bps_of_its_underlying(
    symbol: str, scenario: Scenario | None, data: st.DataObject
) -> None:
    found, listing = tape(symbol, scenario), find_instrument(symbol)
    (cash,) = [item for item in LISTINGS.values() if item.is_cash and item.underlying == listing.underlying]
    index = index_in(found, data)
    bids, asks = found.levels(index)
    if bids:
        cash_bids, cash_asks = tape(cash.symbol, scenario).levels(index)
        mid, cash_mid = (bids[0][0] + asks[0][0]) / 2, (cash_bids[0][0] + cash_asks[0][0]) / 2
        tick_bps = float(listing.tick_size) / mid * 10_000
        assert abs(mid / cash_mid - 1) * 10_000 < 5 + tick_bps


def test_depth_counts_what_a_contract_is_worth() -> None:
    cursor = tape("SPX/USD:USD-301220").cursor()
    bids, _ = cursor.top()
    mid = (bids[0][0] + cursor.top()[1][0][0]) / 2
    within = [(price, size) for price, size in bids if price >= mid * (1 - 20 / 10_000)]
    assert cursor.depth(20.0).bid_usd == pytest.approx(sum(price * size * 5 for price, size in within))


@pytest.mark.parametrize("symbol", SESSION)
def test_outside_session_hours_the_market_is_closed_and_says_so(symbol: str) -> None:
    found, second = tape(symbol), 10**9
    cursor = found.cursor()
    for elapsed_s, closed in (
        (0, None),
        (SESSION_S - 1, None),
        (SESSION_S, NIGHT),
        (DAY_S - 1, NIGHT),
        (DAY_S, None),
    ):
        position = found.position(START, START + int(elapsed_s * second), 1.0)
        cursor.seek(position.lap, position.index)
        assert cursor.closed == closed, elapsed_s


def test_coins_trade_all_day() -> None:
    assert not make_lap("BTC", 7, INTERVAL_NS, None).closed.any()


def fall(underlying: str, scenario: Scenario) -> float:
    prices = make_lap(underlying, 7, INTERVAL_NS, scenario).prices
    return float(prices[-1] / prices[0] - 1)


def test_a_crash_falls_by_tens_of_percent_and_a_squeeze_is_its_mirror() -> None:
    assert -0.4 < fall("BTC", Scenario.CRASH) < -0.25
    assert 0.35 < fall("BTC", Scenario.SQUEEZE) < 0.5
    assert fall("ETH", Scenario.CRASH) < fall("NVDA", Scenario.CRASH) < fall("SPX", Scenario.CRASH) < -0.05
    lap = make_lap("BTC", 7, INTERVAL_NS, Scenario.CRASH)
    assert lap.depth[0] == 1.0
    assert lap.depth[-1] == 0.25


def test_one_leap_of_a_crash_is_a_jump_and_the_slide_after_it_is_believable() -> None:
    prices = make_lap("BTC", 7, INTERVAL_NS, Scenario.CRASH).prices
    moves_bps = np.abs(np.diff(prices) / prices[:-1]) * 10_000
    assert (moves_bps > 200).sum() == 1
    assert np.median(moves_bps[50:110]) > 30


def test_calm_moves_less_than_a_day() -> None:
    day = np.diff(np.log(make_lap("BTC", 7, INTERVAL_NS, None).prices[:240]))
    calm = np.diff(np.log(make_lap("BTC", 7, INTERVAL_NS, Scenario.CALM).prices))
    assert calm.std() < day.std() / 2


def test_a_gap_closes_every_market_and_reopens_at_another_price() -> None:
    lap = make_lap("SPX", 7, INTERVAL_NS, Scenario.GAP)
    closed = np.flatnonzero(lap.closed)
    before, after = lap.prices[closed[0] - 1], lap.prices[closed[-1] + 1]
    assert (len(closed), lap.closed_reason) == (40, "closed: trading is halted")
    assert after / before - 1 < -0.02


def test_an_unknown_underlying_has_no_lap() -> None:
    with pytest.raises(KeyError):
        make_lap("DOGE", 7, INTERVAL_NS, None)


@given(SYMBOLS)
def test_source_times_are_the_laps_own(symbol: str) -> None:
    found = tape(symbol)
    assert Decimal(found.source_time_ns(4) - found.source_time_ns(0)) == 4 * INTERVAL_NS
