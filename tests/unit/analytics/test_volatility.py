"""Estimators against twins, against prices whose volatility is known, and on recorded bars."""

from math import inf, nan, sqrt
from typing import Any

import numpy as np
import polars as pl
import pytest
from full_recordings import full_recordings

from hedgerow.analytics.ewma import YEAR_NS, Ewma, advance
from hedgerow.analytics.volatility import (
    ExponentiallyWeighted,
    FloatArray,
    Garch,
    Realised,
    VolatilityEstimator,
)

MINUTE_NS = 60 * 1_000_000_000
HALF_LIFE_NS = 30 * MINUTE_NS
ESTIMATORS: list[VolatilityEstimator] = [Realised(), ExponentiallyWeighted(HALF_LIFE_NS), Garch()]


def prices_with(annualised: float, bars: int, seed: int = 7) -> FloatArray:
    """Log-normal prices a minute apart."""
    moves = np.random.default_rng(seed).normal(0.0, annualised * sqrt(MINUTE_NS / YEAR_NS), bars)
    return 60_000.0 * np.exp(np.cumsum(moves))


def clustered(omega: float, alpha: float, beta: float, bars: int, seed: int = 3) -> tuple[FloatArray, float]:
    """Prices of a GARCH(1,1) with these parameters, and the variance that its next bar has."""
    dice = np.random.default_rng(seed)
    variance, moves = omega / (1 - alpha - beta), []
    for _ in range(bars):
        move = dice.normal(0.0, sqrt(variance))
        moves.append(move)
        variance = omega + alpha * move**2 + beta * variance
    return 60_000.0 * np.exp(np.cumsum([0.0, *moves])), variance


def test_realised_is_the_root_of_the_mean_squared_return() -> None:
    closes = np.array([100.0, 101.0, 99.0, 99.0])
    squares = [np.log(1.01) ** 2, np.log(99 / 101) ** 2, 0.0]
    assert Realised().annualised(closes, MINUTE_NS) == pytest.approx(sqrt(sum(squares) / 3 * 525_600))


def test_the_batch_average_is_the_one_that_is_carried_from_mark_to_mark() -> None:
    closes = prices_with(0.6, 300)
    known: Ewma | None = None
    for number, close in enumerate(closes):
        known = advance(known, float(close), number * MINUTE_NS, MINUTE_NS, HALF_LIFE_NS)
    assert known is not None
    batch = ExponentiallyWeighted(HALF_LIFE_NS).annualised(closes, MINUTE_NS)
    assert known.annualised == pytest.approx(batch, rel=1e-9)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda item: type(item).__name__)
def test_each_finds_the_volatility_that_steady_prices_have(estimator: VolatilityEstimator) -> None:
    found = [estimator.annualised(prices_with(0.8, 1_000, seed), MINUTE_NS) for seed in range(5)]
    assert np.mean(found) == pytest.approx(0.8, rel=0.1)


def test_garch_forecasts_the_next_bar_of_clustered_returns() -> None:
    scale = MINUTE_NS / YEAR_NS
    closes, variance = clustered(0.02 * 0.64 * scale, 0.1, 0.88, 4_000)
    found = Garch().annualised(closes, MINUTE_NS)
    assert found == pytest.approx(sqrt(variance / scale), rel=0.1)
    # The mean over all of the history is not the next bar's.
    assert abs(found - sqrt(variance / scale)) < abs(
        Realised().annualised(closes, MINUTE_NS) - sqrt(variance / scale)
    )


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda item: type(item).__name__)
@pytest.mark.parametrize("value", [0.0, -1.0, nan, inf])
def test_what_is_no_price_is_refused_with_its_place(estimator: VolatilityEstimator, value: float) -> None:
    closes = prices_with(0.8, 200)
    closes[7] = value
    with pytest.raises(ValueError, match=r"closes\[7\] is .*; a price is a positive, finite number"):
        estimator.annualised(closes, MINUTE_NS)


@pytest.mark.parametrize(
    ("estimator", "needs"), [(ESTIMATORS[0], 2), (ESTIMATORS[1], 2), (ESTIMATORS[2], 101)]
)
def test_too_few_prices_are_refused(estimator: VolatilityEstimator, needs: int) -> None:
    with pytest.raises(ValueError, match=f"at least {needs} prices in a row are needed"):
        estimator.annualised(prices_with(0.8, needs - 1), MINUTE_NS)


def test_on_a_recorded_day_they_agree_on_the_size_and_none_is_far_out() -> None:
    folder = full_recordings("crypto_bars")
    bars: Any = pl.read_parquet(folder / "bybit_spot_btcusdt_1m_20221213_trade.parquet")
    closes = bars["close"].to_numpy()
    assert len(closes) == 1_440
    found = [estimator.annualised(closes, MINUTE_NS) for estimator in ESTIMATORS]
    # Half-hours of that day: what volatility there was, without any model.
    halves = [Realised().annualised(closes[at : at + 31], MINUTE_NS) for at in range(0, 1_410, 30)]
    assert all(min(halves) <= value <= max(halves) for value in found)
    assert found[0] == pytest.approx(sqrt(np.mean(np.square(halves))), rel=0.05)
