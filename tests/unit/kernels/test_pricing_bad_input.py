"""Bad input: an error that names argument and index, or, with strict=False, NaN and a status."""

import sys
from typing import Any

import numpy as np
import pytest
from pricing_engines import ENGINES, INSTRUCTION_SETS, Engine, every_engine, needs_native

from hedgerow.kernels import Greeks, Status, black76, black_scholes, implied_volatility

GOOD: dict[str, Any] = {
    "spot": 100.0,
    "strike": 110.0,
    "time": 0.5,
    "rate": 0.02,
    "carry": 0.01,
    "vol": 0.4,
    "is_call": True,
}
NAN, INF = float("nan"), float("inf")

VALUES = [
    ("spot", NAN, "spot[70] is nan; it must be finite and positive (1e-100 to 1e100)"),
    ("spot", 0.0, "spot[70] is 0.0; it must be finite and positive (1e-100 to 1e100)"),
    ("strike", -1.0, "strike[70] is -1.0; it must be finite and positive (1e-100 to 1e100)"),
    ("strike", INF, "strike[70] is inf; it must be finite and positive (1e-100 to 1e100)"),
    ("time", -0.25, "time[70] is -0.25; it must be finite and not negative (0 to 1e100)"),
    ("rate", -INF, "rate[70] is -inf; it must be finite (at most 1e100 in size)"),
    ("rate", 400.0, "rate[70] is 400.0; times time it must lie within ±150"),
    ("carry", NAN, "carry[70] is nan; it must be finite (at most 1e100 in size)"),
    ("vol", -0.2, "vol[70] is -0.2; it must be finite and not negative (0 to 1e100)"),
    ("vol", INF, "vol[70] is inf; it must be finite and not negative (0 to 1e100)"),
]

SHAPES_AND_TYPES = [
    (
        {"vol": np.full(3, 0.4, dtype=np.float32)},
        "vol is an array of dtype float32; a float64 numpy array or a number is needed",
    ),
    (
        {"spot": np.array([100, 101])},
        "spot is an array of dtype int64; a float64 numpy array or a number is needed",
    ),
    ({"strike": [100.0, 110.0]}, "strike is a list; a float64 numpy array or a number is needed"),
    ({"time": None}, "time is a NoneType; a float64 numpy array or a number is needed"),
    ({"rate": True}, "rate is a bool; a float64 numpy array or a number is needed"),
    (
        {"is_call": np.array([1.0])},
        "is_call is an array of dtype float64; a bool numpy array or a bool is needed",
    ),
    ({"is_call": "call"}, "is_call is a str; a bool numpy array or a bool is needed"),
    (
        {"spot": np.full(3, 100.0), "vol": np.full(4, 0.4)},
        "vol has shape (4,), but spot has shape (3,); every array needs the same shape",
    ),
    (
        {"strike": np.full((2, 2), 100.0), "is_call": np.full(4, True)},
        "is_call has shape (4,), but strike has shape (2, 2); every array needs the same shape",
    ),
]


def columns(count: int) -> dict[str, Any]:
    return {name: np.full(count, value) for name, value in GOOD.items()}


@every_engine
@pytest.mark.parametrize(("name", "value", "text"), VALUES)
def test_an_impossible_value_is_named_with_its_index(
    engine: Engine, name: str, value: float, text: str
) -> None:
    inputs = columns(130)
    inputs[name][70] = value
    with pytest.raises(ValueError, match="must") as caught:
        engine.black_scholes(*inputs.values())
    assert str(caught.value) == text
    with pytest.raises(ValueError, match="must") as caught:
        engine.black_scholes(*{**GOOD, name: value}.values())
    assert str(caught.value) == text.replace("[70]", "")


@every_engine
def test_an_index_into_a_table_of_options_has_all_its_dimensions(engine: Engine) -> None:
    vols = np.full((3, 4), 0.4)
    vols[2, 1] = NAN
    with pytest.raises(ValueError, match=r"^vol\[2, 1\] is nan"):
        engine.black_scholes(*{**GOOD, "vol": vols}.values())


@every_engine
@pytest.mark.parametrize(("change", "text"), SHAPES_AND_TYPES, ids=lambda value: str(value)[:40])
def test_wrong_types_and_shapes_are_named(engine: Engine, change: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match="need") as caught:
        engine.black_scholes(*{**GOOD, **change}.values())
    assert str(caught.value) == text


@every_engine
def test_without_strict_the_batch_goes_on(engine: Engine) -> None:
    inputs = columns(200)
    inputs["vol"][3] = NAN
    inputs["time"][64] = -1.0
    inputs["spot"][199] = INF
    values, status = engine.black_scholes(*inputs.values(), strict=False, with_status=True)
    bad = {3: Status.NOT_FINITE, 64: Status.OUT_OF_DOMAIN, 199: Status.NOT_FINITE}
    assert {int(i): Status(status[i]) for i in np.flatnonzero(status)} == bad
    assert np.isnan(values[:, list(bad)]).all()
    good = np.delete(values, list(bad), axis=1)
    assert (good == engine.black_scholes(*columns(1).values())).all()


@every_engine
def test_out_is_written_and_returned(engine: Engine) -> None:
    inputs = columns(10)
    out = np.full((6, 10), NAN)
    assert engine.black_scholes(*inputs.values(), out=out) is out
    assert (out == engine.black_scholes(*inputs.values())).all()


@every_engine
@pytest.mark.parametrize(
    ("out", "text"),
    [
        (np.empty((6, 9)), "out has shape (6, 9); it must be C-contiguous of shape (6, 10)"),
        (
            np.empty((10, 6)).T,
            "out has shape (6, 10) and is not contiguous; it must be C-contiguous of shape (6, 10)",
        ),
        (
            np.empty((6, 10), dtype=np.float32),
            "out is an array of dtype float32; a float64 numpy array is needed",
        ),
        ([], "out is a list; a float64 numpy array is needed"),
    ],
)
def test_an_out_that_does_not_fit_is_refused(engine: Engine, out: Any, text: str) -> None:
    with pytest.raises(ValueError, match="out") as caught:
        engine.black_scholes(*columns(10).values(), out=out)
    assert str(caught.value) == text


@every_engine
def test_an_out_that_overlaps_an_input_is_refused(engine: Engine) -> None:
    out = np.full((6, 10), 100.0)
    with pytest.raises(ValueError, match="out is read-only or overlaps an input"):
        engine.black_scholes(*{**columns(10), "spot": out[0]}.values(), out=out)
    out.flags.writeable = False
    with pytest.raises(ValueError, match="out is read-only or overlaps an input"):
        engine.black_scholes(*columns(10).values(), out=out)


@every_engine
def test_strided_arrays_and_empty_batches_are_taken(engine: Engine) -> None:
    strikes = np.arange(50.0, 150.0)
    every_third = engine.black_scholes(100.0, strikes[::3], 0.5, 0.02, 0.01, 0.4, True)
    assert (every_third == engine.black_scholes(100.0, strikes, 0.5, 0.02, 0.01, 0.4, True)[:, ::3]).all()
    assert engine.black_scholes(100.0, np.empty(0), 0.5, 0.02, 0.01, 0.4, True).shape == (6, 0)
    vol, status = engine.implied_volatility(1.0, np.empty(0), 100.0, 0.5, 0.02, 0.01, True)
    assert vol.shape == status.shape == (0,)


@pytest.mark.parametrize("engine", ENGINES[:2], ids=repr)
def test_the_scalar_entry_point_names_its_argument(engine: Engine) -> None:
    one = engine.scalar("black76_scalar")
    with pytest.raises(ValueError, match=r"^vol is -0\.1; it must be finite and not negative"):
        one(100.0, 100.0, 1.0, 0.0, -0.1, True)
    with pytest.raises(ValueError, match=r"^forward is nan; "):
        one(NAN, 100.0, 1.0, 0.0, 0.1, True)
    with pytest.raises(ValueError, match=r"^strike is a str; .* or a number is needed"):
        one(100.0, "100", 1.0, 0.0, 0.1, True)
    with pytest.raises(ValueError, match=r"^time is a bool; "):
        one(100.0, 100.0, True, 0.0, 0.1, True)
    with pytest.raises(ValueError, match=r"^is_call is a int; .* or a bool is needed"):
        one(100.0, 100.0, 1.0, 0.0, 0.1, 1)
    with pytest.raises(ValueError, match=r"^vol is an array; one option takes a single value"):
        one(100.0, 100.0, 1.0, 0.0, np.array([0.1]), True)
    with pytest.raises(ValueError, match=r"^forward is an int beyond all floats"):
        one(10**400, 100.0, 1.0, 0.0, 0.1, True)
    with pytest.raises(TypeError):
        one(100.0, 100.0, 1.0, 0.0, 0.1)
    with pytest.raises(TypeError):
        one(100.0, 100.0, 1.0, 0.0, 0.1, True, volatility=0.2)


@pytest.mark.parametrize("engine", ENGINES[:2], ids=repr)
def test_one_option_takes_numbers_and_keywords_of_every_kind(engine: Engine) -> None:
    """The way in that is short (floats in their places) and the one that takes its time give the same."""
    one = engine.scalar("black_scholes_scalar")
    plain = one(100.0, 90.0, 0.5, 0.02, 0.0, 0.4, True)
    others = [
        one(100, 90, 0.5, 0.02, 0, 0.4, True),
        one(np.float64(100.0), 90.0, np.array(0.5), 0.02, 0.0, 0.4, np.True_),
        one(100.0, 90.0, 0.5, is_call=True, vol=0.4, carry=0.0, rate=0.02),
    ]
    for option in others:
        for name in ("price", "delta", "gamma", "vega", "theta", "rho"):
            assert getattr(option, name) == getattr(plain, name)
    future = engine.scalar("black76_scalar")(
        forward=100.0, strike=90.0, time=0.5, rate=0.02, vol=0.4, is_call=True
    )
    assert future.price == plain.price
    assert future.rho == -0.5 * plain.price
    assert f"price={plain.price!r}, delta={plain.delta!r}" in repr(plain)
    with pytest.raises(AttributeError):
        plain.price = 1.0


@needs_native
def test_results_of_one_option_are_given_back() -> None:
    one = Engine(INSTRUCTION_SETS[-1]).scalar("black_scholes_scalar")
    kind = type(one(100.0, 90.0, 0.5, 0.02, 0.0, 0.4, True))
    before = sys.getrefcount(kind)
    kept = [one(100.0, 90.0 + i, 0.5, 0.02, 0.0, 0.4, True) for i in range(1_000)]
    assert len({option.price for option in kept}) == 1_000
    assert sys.getrefcount(kind) == before + 1_000
    del kept
    assert sys.getrefcount(kind) == before
    with pytest.raises(TypeError):
        kind()


def test_results_are_named_and_converted() -> None:
    greeks = black_scholes(**GOOD, second_order=True)
    assert greeks.vega_per_point == greeks.vega / 100
    assert greeks.theta_per_day == greeks.theta / 365
    assert greeks.rho_per_point == greeks.rho / 100
    assert (greeks.vanna, greeks.charm, greeks.vomma) == tuple(greeks.values[6:])
    assert greeks.status is None
    with pytest.raises(AttributeError, match="vanna was not asked for; pass second_order=True"):
        black_scholes(**GOOD).vanna  # noqa: B018


def test_a_result_can_be_used_again_as_out() -> None:
    first = black76(100.0, np.array([90.0, 110.0]), 0.5, 0.0, 0.4, True)
    assert isinstance(first, Greeks)
    again = black76(100.0, np.array([95.0, 105.0]), 0.5, 0.0, 0.4, True, out=first)
    assert again.values is first.values
    assert implied_volatility(first.price, 100.0, np.array([95.0, 105.0]), 0.5, 0.0, 0.0, True).vol == (
        pytest.approx([0.4, 0.4])
    )


@every_engine
@pytest.mark.parametrize(("name", "value"), [("price", NAN), ("strike", 0.0), ("time", -1.0), ("carry", INF)])
def test_implied_volatility_names_what_is_impossible(engine: Engine, name: str, value: float) -> None:
    inputs = {"price": 5.0, **{k: v for k, v in GOOD.items() if k != "vol"}}
    with pytest.raises(ValueError, match=f"^{name} is {value}"):
        engine.implied_volatility(*{**inputs, name: value}.values())
    vol, status = engine.implied_volatility(*{**inputs, name: value}.values(), strict=False)
    assert np.isnan(vol)
    assert status == (Status.OUT_OF_DOMAIN if np.isfinite(value) else Status.NOT_FINITE)
    with pytest.raises(ValueError, match="guess has shape"):
        engine.implied_volatility(*inputs.values(), guess=np.full(3, 0.2))
