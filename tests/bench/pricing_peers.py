"""What others offer for prices, Greeks and implied volatility; whoever is not installed is left out.

`scripts/install.sh --bench` installs them, as `make bench` does.
"""

import importlib.util
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtr

Program = Callable[[], object]
LOOPED = 200
"""How many options a peer that takes one at a time is given per run."""


class Chain(NamedTuple):
    """Options with rate = carry, as every peer understands them."""

    spot: Any
    strike: Any
    time: Any
    rate: Any
    vol: Any
    is_call: Any

    def head(self, count: int) -> "Chain":
        return Chain(*(column[:count] for column in self))


def chain(count: int) -> Chain:
    draw = np.random.default_rng(7)
    return Chain(
        np.full(count, 100.0),
        draw.uniform(50, 200, count),
        draw.uniform(1 / 365, 2, count),
        np.full(count, 0.03),
        draw.uniform(0.05, 1.5, count),
        draw.integers(0, 2, count) == 1,
    )


def installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def numpy_greeks(options: Chain) -> tuple[Any, ...]:
    """Price and five Greeks as one writes them with numpy and scipy.special.ndtr: the anchor."""
    spot, strike, time, rate, vol, is_call = options
    w = np.where(is_call, 1.0, -1.0)
    root = np.sqrt(time)
    deviation = vol * root
    later = strike * np.exp(-rate * time)
    d1 = (np.log(spot / strike) + (rate + 0.5 * vol * vol) * time) / deviation
    n1, n2 = ndtr(w * d1), ndtr(w * (d1 - deviation))
    density = np.exp(-0.5 * d1 * d1) * 0.3989422804014327
    weight = spot * density
    return (
        w * (spot * n1 - later * n2),
        w * n1,
        density / (spot * deviation),
        weight * root,
        -weight * vol / (2 * root) - w * rate * later * n2,
        w * later * time * n2,
    )


def greeks_peers(options: Chain) -> dict[str, tuple[Program, int]]:
    peers: dict[str, tuple[Program, int]] = {}
    if installed("numba"):
        peers["numba, one thread, fastmath"] = (_numba_greeks(options), len(options.spot))
    if installed("QuantLib"):
        peers["QuantLib BlackCalculator, one by one"] = (_quantlib_greeks(options.head(LOOPED)), LOOPED)
    if installed("vollib"):
        peers["vollib, one by one"] = (_vollib_greeks(options.head(LOOPED)), LOOPED)
    return peers


def implied_peers(prices: Any, options: Chain) -> dict[str, tuple[Program, int]]:
    """On undiscounted options (rate 0)."""
    rows = [
        (float(p), float(o[0]), float(o[1]), float(o[2]), bool(o[5]))
        for p, o in zip(prices[:LOOPED], zip(*options.head(LOOPED), strict=True), strict=True)
    ]
    peers: dict[str, tuple[Program, int]] = {}
    if installed("QuantLib"):
        import QuantLib as ql

        def quantlib() -> None:
            for price, spot, strike, _, is_call in rows:
                kind = ql.Option.Call if is_call else ql.Option.Put
                ql.blackFormulaImpliedStdDev(
                    kind, strike, spot, price, 1.0, 0.0, ql.nullDouble(), 1e-14, 1000
                )

        peers["QuantLib, one by one"] = (quantlib, LOOPED)
    if installed("vollib"):
        from vollib.black_scholes.implied_volatility import implied_volatility

        def vollib() -> None:
            for price, spot, strike, time, is_call in rows:
                implied_volatility(price, spot, strike, time, 0.0, "c" if is_call else "p")

        peers["vollib, one by one"] = (vollib, LOOPED)
    return peers


def _numba_greeks(options: Chain) -> Program:
    import numba

    @numba.njit(fastmath=True, error_model="numpy")  # type: ignore[untyped-decorator]
    def fill(spot: Any, strike: Any, time: Any, rate: Any, vol: Any, w: Any, out: Any) -> None:
        for i in range(spot.shape[0]):
            root = math.sqrt(time[i])
            deviation = vol[i] * root
            later = strike[i] * math.exp(-rate[i] * time[i])
            d1 = (math.log(spot[i] / strike[i]) + (rate[i] + 0.5 * vol[i] * vol[i]) * time[i]) / deviation
            n1 = 0.5 * math.erfc(-w[i] * d1 * 0.7071067811865476)
            n2 = 0.5 * math.erfc(-w[i] * (d1 - deviation) * 0.7071067811865476)
            density = math.exp(-0.5 * d1 * d1) * 0.3989422804014327
            weight = spot[i] * density
            out[0, i] = w[i] * (spot[i] * n1 - later * n2)
            out[1, i] = w[i] * n1
            out[2, i] = density / (spot[i] * deviation)
            out[3, i] = weight * root
            out[4, i] = -weight * vol[i] / (2 * root) - w[i] * rate[i] * later * n2
            out[5, i] = w[i] * later * time[i] * n2

    *columns, is_call = options
    w = np.where(is_call, 1.0, -1.0)
    out = np.empty((6, len(w)))
    return lambda: fill(*columns, w, out)


def _quantlib_greeks(options: Chain) -> Program:
    import QuantLib as ql

    rows = []
    for spot, strike, time, rate, vol, is_call in zip(*(column.tolist() for column in options), strict=True):
        payoff = ql.PlainVanillaPayoff(ql.Option.Call if is_call else ql.Option.Put, strike)
        forward, discount = spot * math.exp(rate * time), math.exp(-rate * time)
        rows.append((payoff, spot, forward, vol * math.sqrt(time), discount, time))

    def run() -> None:
        for payoff, spot, forward, deviation, discount, time in rows:
            option = ql.BlackCalculator(payoff, forward, deviation, discount)
            option.value(), option.delta(spot), option.gamma(spot)
            option.vega(time), option.theta(spot, time), option.rho(time)

    return run


def _vollib_greeks(options: Chain) -> Program:
    from vollib.black_scholes import black_scholes
    from vollib.black_scholes.greeks import analytical

    functions = (
        black_scholes,
        analytical.delta,
        analytical.gamma,
        analytical.vega,
        analytical.theta,
        analytical.rho,
    )
    rows = [
        ("c" if is_call else "p", *numbers)
        for *numbers, is_call in zip(*(column.tolist() for column in options), strict=True)
    ]

    def run() -> None:
        for row in rows:
            for function in functions:
                function(*row)

    return run
