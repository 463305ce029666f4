from decimal import Decimal
from itertools import islice, takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.domain.instruments import find_instrument
from hedgerow.domain.orders import Side
from hedgerow_clientflow.flow import PlannedFill, planned_fills, price_fill

START = 1_790_000_000_000_000_000
MINUTE_NS = 60 * 10**9
SEEDS = st.integers(min_value=0, max_value=10_000)


def first(
    seed: int, number: int = 200, per_second: float = 2.0, notional: float = 20_000.0
) -> list[PlannedFill]:
    return list(islice(planned_fills(seed, START, per_second, notional), number))


def minutes(seed: int, number: int) -> list[PlannedFill]:
    fills = planned_fills(seed, START, 2.0, 20_000.0)
    return list(takewhile(lambda fill: fill.due_ns < START + number * MINUTE_NS, fills))


@given(SEEDS)
def test_a_restart_draws_the_same_fills(seed: int) -> None:
    assert first(seed) == first(seed)


def test_seeds_and_sessions_give_other_fills_under_other_names() -> None:
    fills = [*first(1), *first(2), *islice(planned_fills(1, START + 1, 2.0, 20_000.0), 200)]
    assert len({fill.fill_id for fill in fills}) == 600
    assert fills[0].fill_id == f"flow-1-{START}-0"
    assert [fill.due_ns for fill in fills[:200]] != [fill.due_ns for fill in fills[200:400]]


@given(SEEDS)
def test_fills_come_in_order_of_time_after_the_start(seed: int) -> None:
    times = [fill.due_ns for fill in first(seed)]
    assert times == sorted(times)
    assert times[0] >= START


@given(SEEDS, st.floats(min_value=0.5, max_value=20))
def test_rate_and_size_are_those_asked_for(seed: int, per_second: float) -> None:
    fills = first(seed, 2_000, per_second, 5_000.0)
    assert (fills[-1].due_ns - START) / 1e9 * per_second == pytest.approx(2_000, rel=0.15)
    assert float(sum(fill.notional for fill in fills)) / 2_000 == pytest.approx(5_000, rel=0.05)
    assert all(Decimal(2_500) <= fill.notional <= Decimal(7_500) for fill in fills)


@given(SEEDS)
def test_the_book_leaves_its_band_several_times_a_minute_to_both_sides_and_stays_near(seed: int) -> None:
    book, outside, excursions, sides = Decimal(0), False, 0, set()
    for fill in minutes(seed, 5):
        book += fill.side.sign * fill.notional
        if abs(book) > 25_000 and not outside:
            excursions += 1
            sides.add(book > 0)
        outside = abs(book) > 25_000
        assert abs(book) < 400_000
    assert excursions >= 15
    assert sides == {True, False}


@given(
    st.sampled_from(Side),
    st.decimals(min_value="0.01", max_value=100_000, places=2),
    st.integers(min_value=1, max_value=20_000_000),
)
def test_a_priced_fill_is_in_lots_at_the_touch_and_never_above_its_notional(
    side: Side, notional: Decimal, cents: int
) -> None:
    spot = find_instrument("BTC/USDT")
    bid, ask = cents / 100, (cents + 1) / 100
    fill = price_fill(PlannedFill("flow-1-2-3", START, side, notional), bid, ask)
    assert fill.price == Decimal(str(bid if side is Side.BUY else ask))
    assert spot.is_on_lot(fill.quantity)
    assert fill.quantity >= spot.lot_size
    missing = notional - fill.quantity * fill.price
    assert missing < spot.lot_size * fill.price
    assert missing >= 0 or fill.quantity == spot.lot_size
    assert (fill.fill_id, fill.book, fill.time_ns, fill.side) == ("flow-1-2-3", "clients", START, side)


@pytest.mark.parametrize(
    ("start", "rate", "notional", "name"),
    [
        (0, 2.0, 20_000.0, "SESSION_START_NS"),
        (START, 0.0, 20_000.0, "PER_SECOND"),
        (START, 2.0, -1.0, "NOTIONAL"),
        (START, float("nan"), 20_000.0, "PER_SECOND"),
    ],
)
def test_a_setting_that_gives_no_flow_is_named(start: int, rate: float, notional: float, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        planned_fills(1, start, rate, notional)
