"""Implied volatility in NumPy: a bracketed Newton search, plain and slow, to hold the native kernel to."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hedgerow.kernels.greeks import Floats
from hedgerow.kernels.statuses import Status
from hedgerow.kernels.twin_arguments import (
    FINITE,
    NOT_NEGATIVE,
    POSITIVE,
    common_shape,
    numbers,
    output,
    truths,
    within_domains,
)
from hedgerow.kernels.twin_normal import SQRT_2PI, log_ratio, mills, mills_difference

_EPSILON = float(np.finfo(np.float64).eps)
_MOST_STEPS = 200
_LEAST_BETA = 1e-300


class _Targets(NamedTuple):
    """Undiscounted out-of-the-money prices over sqrt(F K), |ln(F/K)|, their bounds, and what is unsolvable."""

    beta: Floats
    x: Floats
    bound: Floats
    status: NDArray[np.uint8]


def implied_volatility(
    price: object,
    spot: object,
    strike: object,
    time: object,
    rate: object,
    carry: object,
    is_call: object,
    guess: object,
    strict: bool,
    out: object,
) -> tuple[Floats, NDArray[np.uint8]]:
    """The native module's function; `hedgerow.kernels.pricing` documents it."""
    names = ("price", "spot", "strike", "time", "rate", "carry")
    values = (price, spot, strike, time, rate, carry)
    columns = [numbers(name, value) for name, value in zip(names, values, strict=True)]
    calls = truths("is_call", is_call)
    shape = common_shape([*columns, calls])
    guesses = None if guess is None else numbers("guess", guess)
    if guesses is not None and guesses.shape not in (None, shape):
        raise ValueError(
            f"guess has shape {guesses.shape}, but the batch has shape {shape}; every array needs the same shape"
        )
    vols = output(out, shape, [*columns, calls, *([] if guesses is None else [guesses])])
    domains = [FINITE, POSITIVE, POSITIVE, NOT_NEGATIVE, FINITE, FINITE]
    inputs = within_domains(columns, domains, "time", ["rate", "carry"], shape, strict)
    count = len(inputs.status)
    sign = np.where(np.broadcast_to(calls.values, count), 1.0, -1.0)
    with np.errstate(all="ignore"):
        targets = _targets(inputs.values, sign)
        status = np.where(inputs.status != Status.OK, inputs.status, targets.status).astype(np.uint8)
        sqrt_time = np.sqrt(inputs.values[3])
        start = np.full(count, np.nan) if guesses is None else guesses.values * sqrt_time
        found = _solve(targets, start, status == Status.OK)
        status[(status == Status.OK) & np.isnan(found)] = Status.UNRESOLVED
        vols[...] = np.where(status == Status.OK, found / sqrt_time, np.nan).reshape(shape)
    return vols, status.reshape(shape)


def _targets(columns: list[Floats], sign: Floats) -> _Targets:
    price, spot, strike, time, rate, carry = columns
    undiscounted = price * np.exp(rate * time)
    growth_less_one = np.expm1(carry * time)
    forward = spot * np.exp(carry * time)
    signed_x = log_ratio(spot, strike) + carry * time
    inside = sign * signed_x > 0
    parity = np.abs((spot - strike) + spot * growth_less_one)
    time_value = undiscounted - np.where(inside, parity, 0)
    rounding = np.abs(undiscounted) + np.abs(spot - strike) + np.abs(spot * growth_less_one)
    rounding = np.where(inside, 4 * _EPSILON * rounding, 0)
    root = np.sqrt(forward * strike)
    beta, bound = time_value / root, np.minimum(forward, strike) / root
    status = np.select(
        [
            time_value < -rounding,
            (time_value <= rounding) | (np.abs(beta) < _LEAST_BETA),
            (beta >= bound * (1 - 2 * _EPSILON)) | (time == 0),
        ],
        [Status.BELOW_INTRINSIC, Status.NO_TIME_VALUE, Status.ABOVE_BOUND],
        Status.OK,
    )
    return _Targets(beta, np.abs(signed_x), bound, status.astype(np.uint8))


def _excess(s: Floats, targets: _Targets) -> tuple[Floats, Floats]:
    """(ln of the price at s over beta, price over its derivative)."""
    half, h = s / 2, targets.x / s
    near, far = h - half, h + half
    exponent = (h * h + half * half) / 2
    narrow = mills_difference(np.maximum(near, -1.0), s)
    wide = targets.bound * SQRT_2PI * np.exp(np.minimum(exponent, 600)) - (mills(np.abs(near)) + mills(far))
    over_slope = np.where(near < -0.5, wide, narrow)
    return np.log(over_slope / (targets.beta * SQRT_2PI)) - exponent, over_slope


def _solve(targets: _Targets, start: Floats, active: NDArray[np.bool_]) -> Floats:
    """s = vol sqrt(T): Newton on the logarithm, kept inside a bracket; NaN where it does not settle."""
    low, high = np.full(len(start), 1e-12), np.full(len(start), 50.0)
    middle = np.maximum(np.sqrt(2 * targets.x), 2.5 * targets.beta)
    s = np.where((start > low) & (start < high), start, np.clip(middle, 1e-9, 10))
    settled = ~active
    for _ in range(_MOST_STEPS):
        excess, over_slope = _excess(s, targets)
        low, high = np.where(excess < 0, s, low), np.where(excess > 0, s, high)
        newton = s - excess * over_slope
        inside = (newton > low) & (newton < high)
        following = np.where(inside, newton, np.sqrt(low * high))
        close = (np.abs(following - s) <= 2 * _EPSILON * s) | (excess == 0)
        s = np.where(settled, s, following)
        settled = settled | close | (high - low <= 2 * _EPSILON * s)
        if settled.all():
            break
    # At the end of the bracket the price is its bound to the last bit, so nothing was found.
    return np.where(settled & (s < 49), s, np.nan)
