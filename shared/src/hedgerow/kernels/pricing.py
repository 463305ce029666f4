"""Prices, Greeks and implied volatility of European options, by the native kernels or by their twin.

Conventions (docs/guide/kernels.md): times in years, rates and carry continuous and per year, volatility per 1.00.
Every argument is a number or a float64 array, all arrays of one shape; `is_call` is a bool or a bool array.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from hedgerow.kernels.greeks import Floats, Greeks, ImpliedVolatility, OptionGreeks
from hedgerow.kernels.native import load_native

Number = float | Floats
Truth = bool | NDArray[np.bool_]


def _load_engine() -> Any:
    native = load_native()
    if native is not None:
        return native
    try:
        # Only now: SciPy, which the twin needs, costs every process memory and time to start.
        from hedgerow.kernels import twin_pricing
    except ModuleNotFoundError as cause:
        raise ImportError(
            f"neither the native kernels nor what their twins need ({cause.name}) is installed; "
            "install hedgerow[twins]"
        ) from cause
    return twin_pricing


_engine: Any = _load_engine()

_BlackScholesScalar = Callable[[float, float, float, float, float, float, bool], OptionGreeks]
_Black76Scalar = Callable[[float, float, float, float, float, bool], OptionGreeks]

black_scholes_scalar = cast(_BlackScholesScalar, _engine.black_scholes_scalar)
"""`black_scholes` of one option: (spot, strike, time, rate, carry, vol, is_call), plain numbers, no arrays."""

black76_scalar = cast(_Black76Scalar, _engine.black76_scalar)
"""`black76` of one option: (forward, strike, time, rate, vol, is_call), plain numbers, no arrays."""


def black_scholes(
    spot: Number,
    strike: Number,
    time: Number,
    rate: Number,
    carry: Number,
    vol: Number,
    is_call: Truth,
    *,
    second_order: bool = False,
    strict: bool = True,
    out: Greeks | Floats | None = None,
) -> Greeks:
    """Price and Greeks by the generalised Black-Scholes formula (Haug 2007, 1.1.6) with cost of carry `carry`.

    `carry` is the rate for a stock without dividends, rate - dividend yield with them, domestic - foreign rate
    for a currency, 0 for a future. Rho keeps the yield `rate - carry` fixed, as is usual.
    At expiry, or with vol 0, the price is intrinsic, delta is a step (one half exactly at the forward) and
    gamma is 0.

    Args:
        second_order: also vanna, charm and vomma.
        strict: False gives NaN and a `Status` for an impossible option instead of an error.
        out: a result of the same shape to overwrite, or its `values`; after an error it may be half written.

    Raises:
        ValueError: an argument has the wrong type, dtype or shape, or a value that is not finite or impossible;
            the text names the argument and the index.
    """
    values, status = _engine.black_scholes(
        spot, strike, time, rate, carry, vol, is_call, second_order, strict, _values(out)
    )
    return Greeks(values, status)


def black76(
    forward: Number,
    strike: Number,
    time: Number,
    rate: Number,
    vol: Number,
    is_call: Truth,
    *,
    second_order: bool = False,
    strict: bool = True,
    out: Greeks | Floats | None = None,
) -> Greeks:
    """Price and Greeks of an option on a forward by Black (1976): `black_scholes` with carry 0.

    Delta and gamma are per 1.00 of the forward. Rho holds the forward fixed, so it is -time x price; where the
    forward moves with the rate, use `black_scholes` with carry = rate.

    Args, Raises: as `black_scholes`.
    """
    values, status = _engine.black76(
        forward, strike, time, rate, vol, is_call, second_order, strict, _values(out)
    )
    return Greeks(values, status)


def implied_volatility(
    price: Number,
    spot: Number,
    strike: Number,
    time: Number,
    rate: Number,
    carry: Number,
    is_call: Truth,
    guess: Number | None = None,
    *,
    strict: bool = True,
    out: Floats | None = None,
) -> ImpliedVolatility:
    """The volatility at which `black_scholes` gives `price`, with a `Status` per option.

    Never a silent wrong number: wherever the status is not `Status.OK`, the volatility is NaN.

    Args:
        guess: volatilities to start from, best those of the last tick; NaN or not positive means none.
        strict: False gives NaN and a `Status` for an impossible input instead of an error.
        out: where to put the volatilities.

    Raises:
        ValueError: as `black_scholes`. A price that no volatility gives is a status, not an error.
    """
    vol, status = _engine.implied_volatility(
        price, spot, strike, time, rate, carry, is_call, guess, strict, out
    )
    return ImpliedVolatility(vol, status)


def _values(out: Greeks | Floats | None) -> Floats | None:
    return out.values if isinstance(out, Greeks) else out
