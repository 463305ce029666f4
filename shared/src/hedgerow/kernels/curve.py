"""A hedge curve: how much of a score's range asks for how much hedge, monotone and without overshoot."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from math import isfinite
from typing import overload

import numpy as np

from hedgerow.kernels.greeks import Floats

Cubic = tuple[float, float, float, float]


class HedgeCurve:
    """A non-decreasing curve through knots: PCHIP (Fritsch and Butland 1984), compiled to cubics once.

    Between two knots it never leaves their values. A call with a number costs a bisection and Horner's rule; a
    call with a float64 array gives an array.
    """

    __slots__ = ("_cubics", "_inner", "_knots", "domain")

    def __init__(
        self, x: Sequence[float], y: Sequence[float], domain: tuple[float, float] = (0.0, 1.0)
    ) -> None:
        """
        Args:
            x: knots, increasing, from one end of `domain` to the other.
            y: values at the knots, non-decreasing.

        Raises:
            ValueError: fewer than two knots, x and y of different lengths, a value that is not finite, x not
                increasing, y decreasing, or knots that do not span the domain; the text names which.
        """
        self._knots = [float(value) for value in x]
        values = [float(value) for value in y]
        _check(self._knots, values, domain)
        self.domain = (float(domain[0]), float(domain[1]))
        self._inner = self._knots[1:-1]
        self._cubics = _cubics(self._knots, values)

    @overload
    def __call__(self, x: float) -> float: ...
    @overload
    def __call__(self, x: Floats) -> Floats: ...
    def __call__(self, x: float | Floats) -> float | Floats:
        """The curve at `x`.

        Raises:
            ValueError: x is outside the domain or NaN, or an array that is not float64; an array's text names
                the index.
        """
        if isinstance(x, np.ndarray):
            return self._at_array(x)
        low, high = self.domain
        if not low <= x <= high:
            raise ValueError(f"x is {x!r}; the curve is declared on [{low}, {high}]")
        piece = bisect_right(self._inner, x)
        a, b, c, d = self._cubics[piece]
        t = x - self._knots[piece]
        return ((a * t + b) * t + c) * t + d

    def _at_array(self, x: Floats) -> Floats:
        if x.dtype != np.float64:
            raise ValueError(f"x is an array of dtype {x.dtype}; a float64 numpy array is needed")
        low, high = self.domain
        outside = ~((x >= low) & (x <= high))
        if outside.any():
            place = [int(i) for i in np.argwhere(outside)[0]]
            value = float(x[tuple(place)])
            raise ValueError(f"x{place} is {value!r}; the curve is declared on [{low}, {high}]")
        piece = np.searchsorted(np.array(self._inner), x, side="right")
        a, b, c, d = np.array(self._cubics).T[:, piece]
        t = x - np.array(self._knots)[piece]
        return np.asarray(((a * t + b) * t + c) * t + d)


def _check(x: list[float], y: list[float], domain: tuple[float, float]) -> None:
    low, high = domain
    if not (isfinite(low) and isfinite(high) and low < high):
        raise ValueError(f"the domain is [{low}, {high}]; it needs two finite ends, the lower first")
    if len(x) != len(y):
        raise ValueError(f"{len(x)} knots in x, but {len(y)} in y; every knot needs both")
    if len(x) < 2:
        raise ValueError(f"{len(x)} knots; a curve needs at least 2")
    for name, values in (("x", x), ("y", y)):
        for i, value in enumerate(values):
            if not isfinite(value):
                raise ValueError(f"{name}[{i}] is {value!r}; knots must be finite")
    for i in range(1, len(x)):
        if x[i] <= x[i - 1]:
            raise ValueError(f"x[{i}] is {x[i]!r} after {x[i - 1]!r}; x must increase")
        if y[i] < y[i - 1]:
            raise ValueError(f"y[{i}] is {y[i]!r} after {y[i - 1]!r}; y must not decrease")
    if x[0] != low or x[-1] != high:
        raise ValueError(f"the knots span [{x[0]}, {x[-1]}]; they must span the domain [{low}, {high}]")


def _cubics(x: list[float], y: list[float]) -> list[Cubic]:
    """Per interval the coefficients of (x - left knot), highest power first."""
    widths = [right - left for left, right in pairwise(x)]
    secants = [(right - left) / h for (left, right), h in zip(pairwise(y), widths, strict=True)]
    slopes = _slopes(widths, secants)
    cubics = []
    for i, (h, secant) in enumerate(zip(widths, secants, strict=True)):
        bend = (slopes[i] + slopes[i + 1] - 2 * secant) / h
        cubics.append((bend / h, (secant - slopes[i]) / h - bend, slopes[i], y[i]))
    return cubics


def _slopes(widths: list[float], secants: list[float]) -> list[float]:
    """Slopes at the knots: weighted harmonic means of the secants inside, three-point formula at the ends."""
    if len(secants) == 1:
        return [secants[0], secants[0]]
    inner = []
    for i in range(1, len(secants)):
        left, right = secants[i - 1], secants[i]
        w_left, w_right = 2 * widths[i] + widths[i - 1], widths[i] + 2 * widths[i - 1]
        flat = left == 0 or right == 0
        inner.append(0.0 if flat else (w_left + w_right) / (w_left / left + w_right / right))
    first = _end_slope(widths[0], widths[1], secants[0], secants[1])
    last = _end_slope(widths[-1], widths[-2], secants[-1], secants[-2])
    return [first, *inner, last]


def _end_slope(h: float, next_h: float, secant: float, next_secant: float) -> float:
    """Between 0 and three times the end's secant, which keeps the end piece monotone."""
    slope = ((2 * h + next_h) * secant - h * next_secant) / (h + next_h)
    return min(max(slope, 0.0), 3 * secant)
