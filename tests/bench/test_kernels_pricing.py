"""Prices, Greeks, implied volatility and curves beside their anchors and peers, per instruction set.

`HEDGEROW_BENCH=1 pytest -s tests/bench/test_kernels_pricing.py`. Nothing is gated: the ratios are for reading.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from interleaved import measure, show
from pricing_peers import chain, greeks_peers, implied_peers, numpy_greeks
from scipy.interpolate import PchipInterpolator

from hedgerow.kernels import HedgeCurve, black_scholes, black_scholes_scalar, twin_pricing
from hedgerow.kernels.native import load_native

pytestmark = pytest.mark.skipif(os.environ.get("HEDGEROW_BENCH") != "1", reason="only with HEDGEROW_BENCH=1")

NATIVE: Any = load_native()
INSTRUCTION_SETS: list[str] = NATIVE.instruction_sets() if NATIVE else []
EPSILON = 2.0**-52
AIMS = {"avx2": ">= 2.0", "avx512": ">= 3.8"}
MILLION_AIMS = {"avx512": ">= 6"}
COLD_AIMS = {"avx2": ">= 3", "avx512": ">= 3"}
WARM_AIMS = {"avx2": ">= 6", "avx512": ">= 12"}


def on(instruction_set: str, run: Callable[[], object]) -> Callable[[], object]:
    def program() -> None:
        NATIVE.use_instruction_set(instruction_set)
        run()

    return program


@pytest.mark.parametrize("count", [10_000, 1_000_000])
def test_greeks_of_a_chain(count: int) -> None:
    options = chain(count)
    spot, strike, time, rate, vol, is_call = options
    out = np.empty((6, count))
    anchor = "numpy and scipy.special.ndtr (anchor)"
    programs: dict[str, tuple[Callable[[], object], int]] = {anchor: (lambda: numpy_greeks(options), count)}
    aims = {}
    for name in INSTRUCTION_SETS:
        for how, target in (("", None), (", out=", out)):
            label = f"native {name}{how}"

            def run(target: Any = target) -> None:
                black_scholes(spot, strike, time, rate, rate, vol, is_call, out=target)

            programs[label] = (on(name, run), count)
            aims[label] = (AIMS if count < 1_000_000 else MILLION_AIMS).get(name, "")
    twin_inputs = (spot, strike, time, rate, rate, vol, is_call, False, True, None)
    programs["twin"] = (lambda: twin_pricing.black_scholes(*twin_inputs), count)
    if count < 1_000_000:
        programs |= greeks_peers(options)
    show(f"price + 5 Greeks, {count:,} options", measure(programs, anchor, 15 if count < 1e6 else 5), aims)


def test_greeks_of_one_option() -> None:
    rows = list(zip(*(column.tolist() for column in chain(1_000)), strict=True))
    rows = [(s, k, t, r, r, v, c) for s, k, t, r, v, c in rows]

    def ours() -> None:
        for row in rows:
            black_scholes_scalar(*row)

    def least() -> None:
        for row in rows:
            max(*row)

    one = {name: greeks for name, greeks in greeks_peers(chain(200)).items() if "one by one" in name}
    programs = {"max() of the same arguments (anchor)": (least, 1_000), "ours": (ours, 1_000), **one}
    show(
        "price + 5 Greeks, one option",
        measure(programs, "max() of the same arguments (anchor)"),
        {"ours": "<= 120 ns"},
    )


def exact_cases() -> tuple[Any, ...]:
    """Undiscounted options with known volatilities and prices right to the last bit, half of them hard."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "kernels"))
    from exact_options import exact
    from pricing_engines import random_options

    easy = chain(2_000)
    hard = random_options(2_000, seed=3)
    spot, strike = np.r_[easy.spot, hard[0]], np.r_[easy.strike, hard[1]]
    time, vol = np.r_[easy.time, hard[2]], np.r_[easy.vol, hard[5]]
    is_call = np.r_[easy.is_call, hard[6]]
    rows = zip(spot, strike, time, vol, is_call, strict=True)
    values = [exact(s, k, t, 0.0, 0.0, v, c) for s, k, t, v, c in rows]
    price, vega = (np.array([float(value[name]) for value in values]) for name in ("price", "vega"))
    with np.errstate(divide="ignore", over="ignore"):
        identifiable = (price > 1e-290) & (EPSILON * (1 + price / (vol * vega)) < 1e-13)
    return tuple(column[identifiable] for column in (price, spot, strike, time, vol, is_call))


@pytest.mark.skipif(NATIVE is None, reason="the native kernels are not built: scripts/install.sh")
def test_implied_volatility() -> None:
    price, spot, strike, time, vol, is_call = exact_cases()
    count = len(vol)

    def ours(guess: Any = None) -> tuple[Any, Any]:
        found: tuple[Any, Any] = NATIVE.implied_volatility(
            price, spot, strike, time, 0.0, 0.0, is_call, guess, True, None
        )
        return found

    def reference() -> Any:
        return NATIVE.reference_implied_volatility(price, spot, strike, time, is_call)

    anchor = "implied-vol crate (anchor)"
    programs: dict[str, tuple[Callable[[], object], int]] = {anchor: (reference, count)}
    aims = {}
    print(f"\nimplied volatility against exact prices, {count:,} identifiable cases: largest error, failures")
    crate = reference()
    print(f"  {anchor:46s}{np.nanmax(np.abs(crate / vol - 1)):12.1e}{np.isnan(crate).sum():6d}")
    for name in INSTRUCTION_SETS:
        for how, guess in (("cold", None), ("guess 3 % off", vol * 1.03), ("guess 0.1 % off", vol * 1.001)):
            label = f"native {name}, {how}"
            programs[label] = (on(name, lambda guess=guess: ours(guess)), count)
            aims[label] = (COLD_AIMS if guess is None else WARM_AIMS).get(name, "")
            NATIVE.use_instruction_set(name)
            found, status = ours(guess)
            failures = int((status != 0).sum())
            print(f"  {label:46s}{np.nanmax(np.abs(found / vol - 1)):12.1e}{failures:6d}")
    rate = np.zeros(count)
    from pricing_peers import Chain

    programs |= implied_peers(price, Chain(spot, strike, time, rate, vol, is_call))
    show("implied volatility", measure(programs, anchor), aims)


def test_a_hedge_curve() -> None:
    x, y = np.linspace(0, 1, 9), np.linspace(0, 1, 9) ** 2
    theirs, ours = PchipInterpolator(x, y), HedgeCurve(x.tolist(), y.tolist())
    points = np.random.default_rng(1).uniform(0, 1, 10_000)
    anchor = "scipy PCHIP, prebuilt (anchor)"
    programs = {anchor: (lambda: theirs(0.37), 1), "ours": (lambda: ours(0.37), 1)}
    show("hedge curve, one score", measure(programs, anchor), {"ours": ">= 10 (0.1 of scipy's time)"})
    programs = {anchor: (lambda: theirs(points), 10_000), "ours": (lambda: ours(points), 10_000)}
    show("hedge curve, 10,000 scores", measure(programs, anchor))
