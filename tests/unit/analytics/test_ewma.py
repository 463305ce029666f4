"""The average against a loop over every bar, and what a restart, a gap and a bad price do to it."""

from itertools import pairwise
from math import inf, log, nan, sqrt
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.analytics.ewma import YEAR_NS, Ewma, advance

MINUTE_NS = 60 * 1_000_000_000
HALF_LIFE_NS = 30 * MINUTE_NS


def fed(prices: list[float], step_ns: int = MINUTE_NS) -> Ewma:
    known = None
    for number, price in enumerate(prices):
        known = advance(known, price, number * step_ns, MINUTE_NS, HALF_LIFE_NS)
    assert known is not None
    return known


def walk(count: int, annualised: float, seed: int) -> list[float]:
    """Prices a minute apart with that volatility."""
    dice, price = Random(seed), 60_000.0
    found = [price]
    for _ in range(count):
        price *= 2.718281828459045 ** dice.gauss(0, annualised * sqrt(MINUTE_NS / YEAR_NS))
        found.append(price)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_weighted_mean_of_squared_returns(seed: int) -> None:
    prices = walk(200, 0.6, seed)
    moves = [log(after / before) for before, after in pairwise(prices)]
    weights = [2.0 ** (-(len(moves) - 1 - number) / 30) for number in range(len(moves))]
    mean = sum(weight * move**2 for weight, move in zip(weights, moves, strict=True)) / sum(weights)
    found = fed(prices)
    assert found.bars == 200
    assert found.annualised == pytest.approx(sqrt(mean * YEAR_NS / MINUTE_NS), rel=1e-9)


def test_the_first_bars_are_not_taken_for_a_calm_past() -> None:
    """A move of 1 % in a minute, whether it is the first bar or one of a thousand equal ones."""
    rising = [60_000.0 * 1.01**number for number in range(1000)]
    once = log(1.01) * sqrt(YEAR_NS / MINUTE_NS)
    assert fed(rising[:1]).annualised == 0
    assert fed(rising[:2]).annualised == pytest.approx(once)
    assert fed(rising).annualised == pytest.approx(once)


def test_it_comes_near_the_volatility_that_the_prices_have() -> None:
    found = [fed(walk(500, 0.8, seed)).annualised for seed in range(40)]
    assert sum(found) / len(found) == pytest.approx(0.8, rel=0.05)


def test_marks_within_a_bar_change_nothing_and_a_long_bar_counts_for_its_time() -> None:
    known = fed([60_000.0, 60_100.0])
    assert advance(known, 61_000.0, 2 * MINUTE_NS - 1, MINUTE_NS, HALF_LIFE_NS) == known
    # A time that goes back is no bar either.
    assert advance(known, 61_000.0, 0, MINUTE_NS, HALF_LIFE_NS) == known
    gap = advance(None, 60_000.0, 0, MINUTE_NS, HALF_LIFE_NS)
    gap = advance(gap, 60_600.0, 100 * MINUTE_NS, MINUTE_NS, HALF_LIFE_NS)
    assert gap.annualised == pytest.approx(log(1.01) * sqrt(YEAR_NS / (100 * MINUTE_NS)))


@pytest.mark.parametrize("price", [0.0, -1.0, nan, inf])
def test_what_is_no_price_is_refused(price: float) -> None:
    with pytest.raises(ValueError, match="a price is a positive, finite number"):
        advance(None, price, 0, MINUTE_NS, HALF_LIFE_NS)


@given(st.lists(st.floats(min_value=1.0, max_value=1e6), min_size=2, max_size=30), st.integers(1, 28))
def test_a_restart_in_between_changes_no_bit(prices: list[float], at: int) -> None:
    known = fed(prices[:at])
    known = msgspec.json.decode(msgspec.json.encode(known), type=Ewma)
    for number, price in enumerate(prices[at:], at):
        known = advance(known, price, number * MINUTE_NS, MINUTE_NS, HALF_LIFE_NS)
    assert known == fed(prices)
