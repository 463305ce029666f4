"""Prices and Greeks against 40-digit arithmetic."""

import numpy as np
import pytest
from exact_options import NAMES, exact
from mpmath import mp, mpf
from pricing_engines import ENGINES, Engine, every_engine, random_options

LEAST_PRICE = 1e-6
OPTIONS = random_options(1_500, seed=11)


@pytest.fixture(scope="module")
def truth() -> list[dict[str, mpf]]:
    return [exact(*option) for option in zip(*OPTIONS, strict=True)]


@every_engine
def test_prices_above_a_millionth_are_exact_to_1e_13(engine: Engine, truth: list[dict[str, mpf]]) -> None:
    prices = engine.black_scholes(*OPTIONS)[0]
    with mp.workdps(40):
        errors = [
            abs(float(mpf(float(price)) / exactly["price"] - 1))
            for price, exactly in zip(prices, truth, strict=True)
            if exactly["price"] > LEAST_PRICE
        ]
    assert len(errors) > 1_000
    assert max(errors) <= 1e-13


@every_engine
@pytest.mark.parametrize("name", NAMES[1:])
def test_greeks_are_exact_to_1e_12_of_their_size(
    engine: Engine, name: str, truth: list[dict[str, mpf]]
) -> None:
    values = engine.black_scholes(*OPTIONS, second_order=True)[NAMES.index(name)]
    exactly = np.array([float(option[name]) for option in truth])
    # What cancels in a Greek (d2 next to zero, decay against interest) is measured against its parts.
    spot, _, time, rate, carry, vol, _ = OPTIONS
    deviation = vol * np.sqrt(time)
    part = {
        "theta": np.abs(rate) * spot + np.abs(carry) * spot,
        "vanna": 1 / vol,
        "charm": np.abs(carry) / deviation + 1 / time + np.abs(rate) + np.abs(carry),
        "vomma": spot * np.sqrt(time) / vol,
    }.get(name, 0.0)
    tail = np.array([float(option["gamma"]) for option in truth]) * spot * deviation
    size = np.abs(exactly) + (part if name == "theta" else part * tail) + 1e-290
    assert np.max(np.abs(values - exactly) / size) <= 1e-12


@pytest.mark.parametrize(
    ("spot", "strike", "time", "vol"),
    [
        (100.0, 100.0, 1e-8, 0.5),
        (60_000.0, 60_000.01, 3e-7, 0.6),
        (100.0, 100.0000001, 1e-4, 0.01),
        (100.0, 99.9, 1 / 365 / 24 / 60, 0.8),
    ],
)
@every_engine
def test_an_option_seconds_before_expiry_is_exact(
    engine: Engine, spot: float, strike: float, time: float, vol: float
) -> None:
    for is_call in (True, False):
        option = (spot, strike, time, 0.05, 0.03, vol, is_call)
        price = float(engine.black_scholes(*option)[0])
        with mp.workdps(40):
            error = abs(float(mpf(price) / exact(*option)["price"] - 1))
        assert error <= 1e-13


@pytest.mark.parametrize("name", [engine.name for engine in ENGINES])
def test_the_scalar_entry_point_agrees_with_the_batch(name: str) -> None:
    engine = next(engine for engine in ENGINES if engine.name == name)
    batch = engine.black_scholes(*OPTIONS)
    one = engine.scalar("black_scholes_scalar")
    for i in range(0, 1_500, 7):
        option = one(*(column[i].item() for column in OPTIONS))
        values = [option.price, option.delta, option.gamma, option.vega, option.theta, option.rho]
        assert values == pytest.approx(batch[:, i].tolist(), rel=1e-12, abs=1e-290)
