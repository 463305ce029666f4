"""What must hold for every option, by number.

K1  call - put = S e^((b-r)T) - K e^(-rT)
K2  the price does not fall as vol rises
K3  intrinsic value <= price <= S e^((b-r)T) for a call, K e^(-rT) for a put
K4  |delta| <= e^((b-r)T); gamma and vega are not negative
K5  the price is homogeneous: twice spot and strike, twice the price
K6  no value is NaN or infinite, at T = 0 and vol = 0 included
K7  native equals the twin
K8  the volatility implied by a price gives the price again
K9  theta solves the pricing equation: theta + vol^2 S^2 gamma / 2 + b S delta = r price
"""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pricing_engines import ENGINES, INSTRUCTION_SETS, Engine, every_engine

OPTION = st.tuples(
    st.floats(1e-3, 1e6),
    st.floats(0.05, 20),
    st.one_of(st.just(0.0), st.floats(1e-7, 10)),
    st.floats(-0.2, 0.4),
    st.floats(-0.2, 0.4),
    st.one_of(st.just(0.0), st.floats(1e-4, 6)),
    st.booleans(),
)
AT_THE_MONEY = (100.0, 1.0, 0.0, 0.0, 0.0, 0.0, True)
TWIN = ENGINES[0]


def inputs(option: tuple[float, ...]) -> tuple[float, ...]:
    """The strike is drawn as a multiple of spot."""
    spot, multiple, *rest = option
    return (spot, spot * multiple, *rest)


@every_engine
@given(option=OPTION)
@example(option=AT_THE_MONEY)
def test_k1_put_call_parity(engine: Engine, option: tuple[float, ...]) -> None:
    spot, strike, time, rate, carry, vol, _ = inputs(option)
    call, put = (engine.black_scholes(spot, strike, time, rate, carry, vol, c)[0] for c in (True, False))
    now, later = spot * np.exp((carry - rate) * time), strike * np.exp(-rate * time)
    assert call - put == pytest.approx(now - later, abs=1e-14 * (now + later) * 4)


@every_engine
@given(option=OPTION, more=st.floats(0, 2))
def test_k2_the_price_does_not_fall_as_vol_rises(
    engine: Engine, option: tuple[float, ...], more: float
) -> None:
    spot, strike, time, rate, carry, vol, is_call = inputs(option)
    vols = np.array([vol, vol * (1 + more)])
    low, high = engine.black_scholes(spot, strike, time, rate, carry, vols, is_call)[0]
    assert high >= low * (1 - 1e-13)


@every_engine
@given(option=OPTION)
@example(option=AT_THE_MONEY)
def test_k3_the_price_lies_within_its_bounds(engine: Engine, option: tuple[float, ...]) -> None:
    spot, strike, time, rate, carry, _, is_call = inputs(option)
    price = engine.black_scholes(*inputs(option))[0]
    now, later = spot * np.exp((carry - rate) * time), strike * np.exp(-rate * time)
    intrinsic = max(now - later if is_call else later - now, 0.0)
    rounding = 4e-15 * (now + later)
    assert price >= 0
    assert intrinsic - rounding <= price <= (now if is_call else later) + rounding


@every_engine
@given(option=OPTION)
def test_k4_signs_and_bounds_of_the_greeks(engine: Engine, option: tuple[float, ...]) -> None:
    _, _, time, rate, carry, _, is_call = inputs(option)
    _, delta, gamma, vega, _, _ = engine.black_scholes(*inputs(option))
    assert 0 <= (delta if is_call else -delta) <= np.exp((carry - rate) * time) * (1 + 1e-14)
    assert gamma >= 0
    assert vega >= 0


@every_engine
@given(option=OPTION)
def test_k5_the_price_is_homogeneous(engine: Engine, option: tuple[float, ...]) -> None:
    spot, strike, *rest = inputs(option)
    price = engine.black_scholes(spot, strike, *rest)[0]
    assert engine.black_scholes(2 * spot, 2 * strike, *rest)[0] == pytest.approx(2 * price, rel=1e-13)


@every_engine
@given(option=OPTION)
@example(option=AT_THE_MONEY)
@example(option=(100.0, 1.0, 1.0, 0.0, 0.0, 0.0, False))
@example(option=(100.0, 1.0, 0.0, 0.1, 0.1, 0.5, False))
@example(option=(1e90, 1e3, 1e90, 0.0, 0.0, 1e90, True))
def test_k6_every_value_is_finite(engine: Engine, option: tuple[float, ...]) -> None:
    assert np.isfinite(engine.black_scholes(*inputs(option), second_order=True)).all()
    spot, strike, time, rate, _, vol, is_call = inputs(option)
    assert np.isfinite(engine.black76(spot, strike, time, rate, vol, is_call, second_order=True)).all()


@pytest.mark.parametrize("name", INSTRUCTION_SETS)
@given(options=st.lists(OPTION, min_size=1, max_size=150))
def test_k7_native_equals_the_twin(name: str, options: list[tuple[float, ...]]) -> None:
    columns = [np.array(column) for column in zip(*map(inputs, options), strict=True)]
    native = next(engine for engine in ENGINES if engine.name == name)
    spot = columns[0]
    exact, fast = (engine.black_scholes(*columns, second_order=True) for engine in (TWIN, native))
    assert fast[0] == pytest.approx(exact[0], rel=2e-13, abs=1e-15 * spot.max())
    assert fast[1] == pytest.approx(exact[1], rel=2e-13, abs=1e-15)
    for row in range(2, 9):
        assert fast[row] == pytest.approx(exact[row], rel=1e-9, abs=1e-12 * np.abs(exact[row]).max() + 1e-12)
    vols, statuses = zip(
        *(engine.implied_volatility(exact[0], *columns[:5], columns[6]) for engine in (TWIN, native)),
        strict=True,
    )
    assert (statuses[0] == statuses[1]).all()
    time_value = np.maximum(exact[0], 1e-300)
    attainable = 1e-14 * (1 + (time_value + spot) / (columns[5] * exact[3] + 1e-300))
    pinned = (statuses[0] == 0) & (attainable < 1e-6)
    assert (np.abs(vols[1] - vols[0])[pinned] <= (attainable * vols[0] * 10)[pinned]).all()


@every_engine
@given(option=OPTION)
def test_k8_the_implied_volatility_gives_the_price_again(engine: Engine, option: tuple[float, ...]) -> None:
    spot, strike, time, rate, carry, _, is_call = inputs(option)
    price = float(engine.black_scholes(*inputs(option))[0])
    vol, status = engine.implied_volatility(price, spot, strike, time, rate, carry, is_call)
    if status == 0:
        again = float(engine.black_scholes(spot, strike, time, rate, carry, float(vol), is_call)[0])
        assert again == pytest.approx(price, rel=1e-12, abs=1e-14 * (spot + strike))
    else:
        assert np.isnan(vol)


@every_engine
@given(option=OPTION)
def test_k9_theta_solves_the_pricing_equation(engine: Engine, option: tuple[float, ...]) -> None:
    spot, strike, time, rate, carry, vol, _ = inputs(option)
    price, delta, gamma, _, theta, _ = engine.black_scholes(*inputs(option))
    if vol * np.sqrt(time) == 0:
        gamma = 0.0
    diffusion = vol**2 * spot**2 * gamma / 2
    size = diffusion + (abs(rate) + abs(carry)) * (spot + strike) * np.exp(0.6 * time)
    assert theta + diffusion + carry * spot * delta == pytest.approx(rate * price, abs=1e-13 * size + 1e-300)
