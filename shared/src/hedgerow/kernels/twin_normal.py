"""The normal tail of the NumPy twin, and what prices need of it."""

import numpy as np
from scipy.special import erfcx

from hedgerow.kernels.greeks import Floats

SQRT_2PI = float(np.sqrt(2 * np.pi))
_CLOSE = 0.25
"""Nearer points than this are subtracted by integrating the derivative: subtraction would cancel."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)


def mills(z: Floats) -> Floats:
    """Mills' ratio N(-z) / phi(z)."""
    ratio: Floats = np.sqrt(np.pi / 2) * erfcx(z / np.sqrt(2))
    return ratio


def mills_difference(near: Floats, distance: Floats) -> Floats:
    """mills(near) - mills(near + distance) for distance >= 0, to a small relative error.

    The derivative is z mills(z) - 1; eight Gauss-Legendre nodes integrate it exactly over short distances.
    """
    difference = mills(near) - mills(near + distance)
    close = distance < _CLOSE
    start, length = near[close], distance[close]
    nodes = start + length * (_NODES[:, None] + 1) / 2
    difference[close] = length * ((_WEIGHTS / 2) @ (1 - nodes * mills(nodes)))
    return difference


def log_ratio(a: Floats, b: Floats) -> Floats:
    """ln(a / b) with a small relative error also where a is next to b."""
    close = (a < 2 * b) & (b < 2 * a)
    return np.where(close, np.log1p((a - b) / b), np.log(a) - np.log(b))
