"""Expiry, no volatility and the far wings: exact values, no NaN, nothing negative."""

import numpy as np
import pytest
from pricing_engines import Engine, every_engine

PRICE, DELTA, GAMMA, VEGA, THETA, RHO = range(6)


@every_engine
@pytest.mark.parametrize(
    ("strike", "call", "delta"), [(90.0, 10.0, 1.0), (110.0, 0.0, 0.0), (100.0, 0.0, 0.5)]
)
def test_at_expiry_a_call_is_worth_its_intrinsic_value(
    engine: Engine, strike: float, call: float, delta: float
) -> None:
    values = engine.black_scholes(100.0, strike, 0.0, 0.05, 0.02, 0.3, True)
    assert values[PRICE] == call
    assert values[DELTA] == pytest.approx(delta, abs=1e-15)
    assert values[GAMMA] == values[VEGA] == values[RHO] == 0


@every_engine
def test_at_expiry_a_put_has_the_other_half_of_the_step(engine: Engine) -> None:
    values = engine.black_scholes(100.0, np.array([90.0, 100.0, 110.0]), 0.0, 0.05, 0.02, 0.3, False)
    assert values[PRICE].tolist() == [0, 0, 10]
    assert values[DELTA] == pytest.approx([0, -0.5, -1], abs=1e-15)


@every_engine
def test_without_volatility_the_price_is_the_discounted_intrinsic_value(engine: Engine) -> None:
    values = engine.black_scholes(100.0, 90.0, 2.0, 0.05, 0.03, 0.0, True)
    assert values[PRICE] == pytest.approx(100 * np.exp(-0.04) - 90 * np.exp(-0.1), rel=1e-15)
    assert values[DELTA] == pytest.approx(np.exp(-0.04), rel=1e-15)
    assert values[VEGA] == values[GAMMA] == 0
    assert values[RHO] == pytest.approx(2 * 90 * np.exp(-0.1), rel=1e-15)


@every_engine
def test_without_volatility_at_the_forward_vega_has_its_limit(engine: Engine) -> None:
    values = engine.black76(100.0, 100.0, 4.0, 0.0, 0.0, True)
    assert values[PRICE] == 0
    assert values[VEGA] == pytest.approx(100 * 2 / np.sqrt(2 * np.pi), rel=1e-14)
    assert values[GAMMA] == 0


@every_engine
def test_no_price_in_the_wings_is_negative(engine: Engine) -> None:
    strikes = np.geomspace(1e-3, 1e7, 4_001)
    for is_call in (True, False):
        for time in (1e-9, 1e-3, 0.5, 10.0):
            prices = engine.black_scholes(100.0, strikes, time, 0.03, 0.01, 0.4, is_call)[PRICE]
            assert (prices >= 0).all()
            steps = np.diff(prices) * (-1 if is_call else 1)
            assert (steps >= -1e-14 * strikes[1:].clip(min=100)).all()


@every_engine
def test_the_last_minutes_before_expiry_approach_the_step(engine: Engine) -> None:
    times = np.array([1e-3, 1e-6, 1e-9, 1e-12, 1e-15])
    values = engine.black76(60_000.0, 60_001.0, times, 0.0, 0.5, True)
    assert np.isfinite(values).all()
    assert (np.diff(values[DELTA]) <= 0).all()
    assert values[DELTA][-1] == 0


@every_engine
def test_rho_of_black76_holds_the_forward_fixed(engine: Engine) -> None:
    price, *_, rho = engine.black76(100.0, 95.0, 0.5, 0.04, 0.3, True)
    assert rho == pytest.approx(-0.5 * price, rel=1e-15)
    up, down = (engine.black76(100.0, 95.0, 0.5, 0.04 + shift, 0.3, True)[0] for shift in (1e-5, -1e-5))
    assert rho == pytest.approx((up - down) / 2e-5, rel=1e-8)


@every_engine
def test_rho_of_black_scholes_holds_the_yield_fixed(engine: Engine) -> None:
    rho = engine.black_scholes(100.0, 95.0, 0.5, 0.04, 0.01, 0.3, False)[RHO]
    up, down = (
        engine.black_scholes(100.0, 95.0, 0.5, 0.04 + shift, 0.01 + shift, 0.3, False)[0]
        for shift in (1e-5, -1e-5)
    )
    assert rho == pytest.approx((up - down) / 2e-5, rel=1e-7)
