"""Implied volatility: exact where float64 allows, and a status instead of a wrong number everywhere else."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from exact_options import exact
from mpmath import mp
from pricing_engines import INSTRUCTION_SETS, NATIVE, Engine, every_engine, needs_native, random_options

from hedgerow.kernels import Status

EPSILON = 2.0**-52


class RoundTrip(NamedTuple):
    """Prices that are exact to the last bit, of options with known volatilities."""

    inputs: list[Any]
    vol: Any
    attainable: Any

    @property
    def identifiable(self) -> Any:
        """Where one rounding of the price moves the volatility by less than 1e-13 of itself."""
        return self.attainable < 1e-13


@pytest.fixture(scope="module")
def round_trip() -> RoundTrip:
    spot, strike, time, rate, carry, vol, is_call = random_options(4_000, seed=5)
    price, vega = np.empty(len(spot)), np.empty(len(spot))
    for i, option in enumerate(zip(spot, strike, time, rate, carry, vol, is_call, strict=True)):
        with mp.workdps(40):
            values = exact(*option)
            price[i], vega[i] = float(values["price"]), float(values["vega"])
    attainable = EPSILON * (1 + price / (vol * vega))
    return RoundTrip([price, spot, strike, time, rate, carry, is_call], vol, attainable)


@every_engine
def test_identifiable_volatilities_come_back_to_1e_12(engine: Engine, round_trip: RoundTrip) -> None:
    vol, status = engine.implied_volatility(*round_trip.inputs)
    cases = round_trip.identifiable
    assert cases.sum() > 2_000
    assert (status[cases] == Status.OK).all()
    assert np.max(np.abs(vol / round_trip.vol - 1)[cases]) <= 1e-12


@every_engine
@pytest.mark.parametrize("off", [1.0, 1.0001, 0.97, 1.3, 0.2, 30.0])
def test_a_guess_changes_nothing_but_the_time_it_takes(
    engine: Engine, off: float, round_trip: RoundTrip
) -> None:
    cold, cold_status = engine.implied_volatility(*round_trip.inputs)
    warm, status = engine.implied_volatility(*round_trip.inputs, guess=round_trip.vol * off)
    assert (status == cold_status).all()
    cases = round_trip.identifiable
    assert np.max(np.abs(warm / cold - 1)[cases]) <= 1e-12


@every_engine
def test_a_guess_that_is_none_is_a_cold_start(engine: Engine, round_trip: RoundTrip) -> None:
    cold, _ = engine.implied_volatility(*round_trip.inputs)
    none = np.resize([np.nan, 0.0, -1.0, np.inf], len(cold))
    warm, _ = engine.implied_volatility(*round_trip.inputs, guess=none)
    cases = round_trip.identifiable
    assert np.max(np.abs(warm / cold - 1)[cases]) <= 1e-12


@needs_native
@pytest.mark.parametrize("name", INSTRUCTION_SETS)
def test_the_implied_vol_crate_agrees(name: str) -> None:
    spot, strike, time, _, _, vol, _ = random_options(4_000, seed=6)
    out_of_the_money = strike > spot
    greeks, _ = NATIVE.black76(spot, strike, time, 0.0, vol, out_of_the_money, False, True, None)
    price, vega = greeks[0], greeks[3]
    found, status = Engine(name).implied_volatility(price, spot, strike, time, 0.0, 0.0, out_of_the_money)
    oracle = NATIVE.reference_implied_volatility(price, spot, strike, time, out_of_the_money)
    cases = (status == Status.OK) & (EPSILON * (1 + price / (vol * vega)) < 1e-13) & np.isfinite(oracle)
    assert cases.sum() > 3_000
    # The crate takes ln(F/K) from the rounded ratio, which costs it digits next to the money.
    near = np.abs(np.log(spot / strike)) / (vol * np.sqrt(time))
    rounding = EPSILON * (1 + near / (vol * np.sqrt(time)))
    assert (np.abs(found / oracle - 1) <= 1e-13 + 4 * rounding)[cases].all()


STATUSES = [
    ("a price", 8.0, 100.0, 1.0, True, Status.OK),
    ("below zero", -0.01, 120.0, 1.0, True, Status.BELOW_INTRINSIC),
    ("below intrinsic", 19.99, 80.0, 1.0, True, Status.BELOW_INTRINSIC),
    ("below a put's intrinsic", 19.0, 120.0, 1.0, False, Status.BELOW_INTRINSIC),
    ("nothing, out of the money", 0.0, 120.0, 1.0, True, Status.NO_TIME_VALUE),
    ("exactly intrinsic", 20.0, 80.0, 1.0, True, Status.NO_TIME_VALUE),
    ("intrinsic but for rounding", 20.000000000000004, 80.0, 1.0, True, Status.NO_TIME_VALUE),
    ("the forward itself", 100.0, 120.0, 1.0, True, Status.ABOVE_BOUND),
    ("above the forward", 101.0, 120.0, 1.0, True, Status.ABOVE_BOUND),
    ("a put above its strike", 120.5, 120.0, 1.0, False, Status.ABOVE_BOUND),
    ("time value at expiry", 1.0, 120.0, 0.0, True, Status.ABOVE_BOUND),
    ("intrinsic at expiry", 20.0, 80.0, 0.0, True, Status.NO_TIME_VALUE),
    ("a millionth of a cent", 1e-8, 120.0, 1.0, True, Status.OK),
    ("next to the forward", 99.9999, 120.0, 1.0, True, Status.OK),
]


@every_engine
@pytest.mark.parametrize(
    ("price", "strike", "time", "is_call", "status"),
    [row[1:] for row in STATUSES],
    ids=[row[0] for row in STATUSES],
)
def test_every_price_has_its_status(
    engine: Engine, price: float, strike: float, time: float, is_call: bool, status: Status
) -> None:
    vol, given = engine.implied_volatility(price, 100.0, strike, time, 0.0, 0.0, is_call)
    assert Status(int(given)) == status
    assert np.isfinite(vol) == (status == Status.OK)
    if status == Status.OK:
        again = engine.black76(100.0, strike, time, 0.0, float(vol), is_call)[0]
        assert again == pytest.approx(price, rel=1e-12)


@every_engine
def test_intrinsic_is_discounted_and_carried(engine: Engine) -> None:
    intrinsic = 100 * np.exp((0.03 - 0.08) * 2) - 80 * np.exp(-0.08 * 2)
    prices = intrinsic + np.array([-1e-9, 1e-9])
    vol, status = engine.implied_volatility(prices, 100.0, 80.0, 2.0, 0.08, 0.03, True)
    assert status.tolist() == [Status.BELOW_INTRINSIC, Status.OK]
    assert vol[1] > 0


@every_engine
def test_one_bad_lane_spoils_no_other(engine: Engine) -> None:
    prices = np.full(200, 8.0)
    prices[[0, 63, 64, 199]] = [-1.0, 200.0, 0.0, np.nan]
    vol, status = engine.implied_volatility(prices, 100.0, 100.0, 1.0, 0.0, 0.0, True, strict=False)
    assert np.flatnonzero(status).tolist() == [0, 63, 64, 199]
    good = np.delete(vol, [0, 63, 64, 199])
    assert good == pytest.approx(np.full(196, good[0]), rel=1e-15)
