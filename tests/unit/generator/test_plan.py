from itertools import islice, takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_generator.plan import PlannedOrder, Style, planned_orders

SEEDS = st.integers(min_value=0, max_value=10_000)
BTC = {"BTC/USDT": 20_000.0}
TWO = {"BTC/USDT": 20_000.0, "BTC/USDT:USDT": 5_000.0}
MIX = {Style.MARKET: 60.0, Style.CROSSED: 20.0, Style.RESTING: 20.0}


def first(
    seed: int, number: int = 200, per_second: float = 2.0, sizes: dict[str, float] = BTC
) -> list[PlannedOrder]:
    return list(islice(planned_orders(seed, per_second, sizes, MIX), number))


@given(SEEDS)
def test_a_restart_draws_the_same_orders(seed: int) -> None:
    assert first(seed) == first(seed)


def test_other_seeds_give_other_orders() -> None:
    assert [order.elapsed_s for order in first(1)] != [order.elapsed_s for order in first(2)]


@given(SEEDS)
def test_orders_come_in_order_of_time(seed: int) -> None:
    times = [order.elapsed_s for order in first(seed, sizes=TWO)]
    assert times == sorted(times)
    assert times[0] > 0


@given(SEEDS)
def test_a_symbols_orders_stay_the_same_whatever_else_is_traded(seed: int) -> None:
    beside = [order for order in first(seed, 300, sizes=TWO) if order.symbol == "BTC/USDT"]
    assert beside == first(seed, len(beside))


@given(SEEDS, st.floats(min_value=0.5, max_value=20))
def test_rate_size_and_mix_are_those_asked_for(seed: int, per_second: float) -> None:
    orders = first(seed, 2_000, per_second)
    assert orders[-1].elapsed_s * per_second == pytest.approx(2_000, rel=0.15)
    assert sum(order.notional for order in orders) / 2_000 == pytest.approx(20_000, rel=0.05)
    assert all(10_000 <= order.notional <= 30_000 for order in orders)
    for style, share in ((Style.MARKET, 0.6), (Style.CROSSED, 0.2), (Style.RESTING, 0.2)):
        assert sum(order.style is style for order in orders) / 2_000 == pytest.approx(share, abs=0.06)


def test_a_style_without_weight_never_comes() -> None:
    orders = islice(planned_orders(7, 2.0, BTC, {Style.RESTING: 1.0}), 100)
    assert {order.style for order in orders} == {Style.RESTING}


@given(SEEDS)
def test_what_clients_trade_leaves_a_band_several_times_a_minute_to_both_sides_and_stays_near(
    seed: int,
) -> None:
    book, outside, excursions, sides = 0.0, False, 0, set()
    for order in takewhile(lambda order: order.elapsed_s < 300, planned_orders(seed, 2.0, BTC, MIX)):
        if order.style is Style.RESTING:
            continue
        book += order.side.sign * order.notional
        if abs(book) > 25_000 and not outside:
            excursions += 1
            sides.add(book > 0)
        outside = abs(book) > 25_000
        assert abs(book) < 400_000
    assert excursions >= 15
    assert sides == {True, False}
