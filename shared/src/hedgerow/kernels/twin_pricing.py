"""The NumPy twin of the native pricing kernels: their oracle in tests, their stand-in where they are not built.

The functions have the signatures of the native module; `hedgerow.kernels.pricing` documents them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hedgerow.kernels.greeks import FIRST_ORDER, SECOND_ORDER, Floats
from hedgerow.kernels.twin_arguments import (
    FINITE,
    NOT_NEGATIVE,
    POSITIVE,
    Column,
    common_shape,
    numbers,
    output,
    truths,
    within_domains,
)
from hedgerow.kernels.twin_implied import implied_volatility
from hedgerow.kernels.twin_normal import SQRT_2PI, log_ratio, mills, mills_difference

__all__ = ["black76", "black76_scalar", "black_scholes", "black_scholes_scalar", "implied_volatility"]

_FAR = 1e8
_TINY = 1e-150


class TwinOptionGreeks(NamedTuple):
    """Price and Greeks of one option."""

    price: float
    delta: float
    gamma: float
    vega: float
    theta: float
    rho: float


def black_scholes(
    spot: object,
    strike: object,
    time: object,
    rate: object,
    carry: object,
    vol: object,
    is_call: object,
    second_order: bool,
    strict: bool,
    out: object,
) -> tuple[Floats, NDArray[np.uint8] | None]:
    columns = [
        numbers("spot", spot),
        numbers("strike", strike),
        numbers("time", time),
        numbers("rate", rate),
        numbers("carry", carry),
        numbers("vol", vol),
    ]
    return _batch(columns, truths("is_call", is_call), False, second_order, strict, out)


def black76(
    forward: object,
    strike: object,
    time: object,
    rate: object,
    vol: object,
    is_call: object,
    second_order: bool,
    strict: bool,
    out: object,
) -> tuple[Floats, NDArray[np.uint8] | None]:
    columns = [
        numbers("forward", forward),
        numbers("strike", strike),
        numbers("time", time),
        numbers("rate", rate),
        numbers("carry", 0.0),
        numbers("vol", vol),
    ]
    return _batch(columns, truths("is_call", is_call), True, second_order, strict, out)


def black_scholes_scalar(
    spot: float, strike: float, time: float, rate: float, carry: float, vol: float, is_call: bool
) -> TwinOptionGreeks:
    names = ("spot", "strike", "time", "rate", "carry", "vol", "is_call")
    _no_arrays(dict(zip(names, (spot, strike, time, rate, carry, vol, is_call), strict=True)))
    values, _ = black_scholes(spot, strike, time, rate, carry, vol, is_call, False, True, None)
    return TwinOptionGreeks(*values.tolist())


def black76_scalar(
    forward: float, strike: float, time: float, rate: float, vol: float, is_call: bool
) -> TwinOptionGreeks:
    names = ("forward", "strike", "time", "rate", "vol", "is_call")
    _no_arrays(dict(zip(names, (forward, strike, time, rate, vol, is_call), strict=True)))
    values, _ = black76(forward, strike, time, rate, vol, is_call, False, True, None)
    return TwinOptionGreeks(*values.tolist())


def _no_arrays(arguments: dict[str, object]) -> None:
    for name, value in arguments.items():
        if isinstance(value, np.ndarray) and value.ndim:
            raise ValueError(f"{name} is an array; one option takes a single value")


def _batch(
    columns: list[Column], calls: Column, futures: bool, second_order: bool, strict: bool, out: object
) -> tuple[Floats, NDArray[np.uint8] | None]:
    shape = common_shape([*columns, calls])
    rows = SECOND_ORDER if second_order else FIRST_ORDER
    target = output(out, (len(rows), *shape), [*columns, calls])
    domains = [POSITIVE, POSITIVE, NOT_NEGATIVE, FINITE, FINITE, NOT_NEGATIVE]
    inputs = within_domains(columns, domains, "time", ["rate", "carry"], shape, strict)
    sign = np.where(np.broadcast_to(calls.values, inputs.status.shape), 1.0, -1.0)
    with np.errstate(all="ignore"):
        values = _values(inputs.values, sign, futures)
    result = np.array(values[: len(rows)])
    result[:, inputs.status != 0] = np.nan
    target[...] = result.reshape(target.shape)
    return target, None if strict else inputs.status.reshape(shape)


def _values(columns: list[Floats], sign: Floats, futures: bool) -> list[Floats]:
    """All nine values; the formulas and their limits are those of `src/black.rs`, in the same order."""
    spot, strike, time, rate, carry, vol = columns
    sqrt_time = np.sqrt(time)
    deviation = vol * sqrt_time
    regular = deviation > _TINY
    inverse = 1 / np.maximum(deviation, _TINY)
    discount, growth = np.exp(-rate * time), np.exp(carry * time)
    spot_factor = discount * growth
    spot_now, strike_now = spot * spot_factor, strike * discount
    log_moneyness = log_ratio(spot, strike) + carry * time
    parity = discount * ((spot - strike) + spot * np.expm1(carry * time))

    half = np.minimum(deviation / 2, _FAR)
    moneyness = np.minimum(np.abs(log_moneyness) * inverse, _FAR)
    near, far = moneyness - half, moneyness + half
    wide = near < 0
    mills_near, mills_far = mills(np.abs(near)), mills(far)
    call_is_out = log_moneyness < 0
    out = (sign > 0) == call_is_out
    z = np.where(call_is_out, near, far)
    phi = np.exp(-z * z / 2) / SQRT_2PI
    weight = spot_now * phi

    tail_1 = phi * np.where(call_is_out, mills_near, mills_far)
    tail_1 = np.where(wide & call_is_out, 1 - tail_1, tail_1)
    tail_2 = weight * np.where(call_is_out, mills_far, mills_near)
    tail_2 = np.where(wide & ~call_is_out, strike_now - tail_2, tail_2)
    narrow_price = weight * mills_difference(np.maximum(near, -1.0), 2 * half)
    wide_price = np.minimum(spot_now, strike_now) - weight * (mills_near + mills_far)
    out_price = np.where(near < -0.5, wide_price, narrow_price)
    price = np.maximum(out_price + np.where(out, 0, sign * parity), 0)
    n1 = np.where(out, tail_1, 1 - tail_1)
    strike_n2 = np.where(out, tail_2, strike_now - tail_2)

    d1, d2 = np.where(call_is_out, -near, far), np.where(call_is_out, -far, near)
    decay = np.where(regular, weight * vol * vol * inverse / 2, 0)
    theta = -decay - sign * ((carry - rate) * spot_now * n1 + rate * strike_n2)
    vega = weight * sqrt_time
    diffusion = np.where(regular, phi * (carry * inverse - d2 / (2 * time)), 0)
    return [
        price,
        sign * spot_factor * n1,
        np.where(regular, spot_factor * phi * inverse / spot, 0),
        vega,
        theta,
        -time * price if futures else sign * time * strike_n2,
        np.where(regular, -spot_factor * phi * d2 * sqrt_time * inverse, 0),
        -spot_factor * (diffusion + sign * (carry - rate) * n1),
        np.where(regular, vega * d1 * d2 * sqrt_time * inverse, 0),
    ]
