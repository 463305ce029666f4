"""Arguments of the NumPy twin: the same checks, in the same words, as the native kernels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hedgerow.kernels.greeks import Floats
from hedgerow.kernels.statuses import Status

EXPONENT = 150.0
"""Bound of |rate x time| and |carry x time|."""


@dataclass(frozen=True)
class Domain:
    low: float
    high: float
    requirement: str


POSITIVE = Domain(1e-100, 1e100, "it must be finite and positive (1e-100 to 1e100)")
NOT_NEGATIVE = Domain(0.0, 1e100, "it must be finite and not negative (0 to 1e100)")
FINITE = Domain(-1e100, 1e100, "it must be finite (at most 1e100 in size)")


@dataclass(frozen=True)
class Column:
    """One argument: its name, its flat values, and whether it was a single value."""

    name: str
    values: NDArray[Any]
    shape: tuple[int, ...] | None


def numbers(name: str, value: object) -> Column:
    """Raises ValueError when `value` is neither a number nor a float64 array."""
    if isinstance(value, np.ndarray) and value.dtype == np.float64:
        return _column(name, value)
    if isinstance(value, float | int) and not isinstance(value, bool):
        try:
            return Column(name, np.array([float(value)]), None)
        except OverflowError:
            raise ValueError(
                f"{name} is an int beyond all floats; it must be at most 1e100 in size"
            ) from None
    raise _wrong_type(name, value, "a float64 numpy array or a number")


def truths(name: str, value: object) -> Column:
    """Raises ValueError when `value` is neither a bool nor a bool array."""
    if isinstance(value, np.ndarray) and value.dtype == np.bool_:
        return _column(name, value)
    if isinstance(value, bool | np.bool_):
        return Column(name, np.array([bool(value)]), None)
    raise _wrong_type(name, value, "a bool numpy array or a bool")


def common_shape(columns: Sequence[Column]) -> tuple[int, ...]:
    """Raises ValueError naming the first two arguments whose shapes disagree."""
    arrays = [column for column in columns if column.shape is not None]
    for other in arrays[1:]:
        if other.shape != arrays[0].shape:
            raise ValueError(
                f"{other.name} has shape {other.shape}, but {arrays[0].name} has shape {arrays[0].shape}; "
                "every array needs the same shape"
            )
    return arrays[0].shape or () if arrays else ()


def output(out: object, shape: tuple[int, ...], inputs: Sequence[Column]) -> Floats:
    """`out`, or a new array without it; ValueError when it does not fit or overlaps an input."""
    if out is None:
        return np.empty(shape)
    if not isinstance(out, np.ndarray) or out.dtype != np.float64:
        raise _wrong_type("out", out, "a float64 numpy array")
    if out.shape != shape or not out.flags.c_contiguous:
        contiguous = "" if out.flags.c_contiguous else " and is not contiguous"
        raise ValueError(f"out has shape {out.shape}{contiguous}; it must be C-contiguous of shape {shape}")
    if not out.flags.writeable or any(np.shares_memory(out, column.values) for column in inputs):
        raise ValueError("out is read-only or overlaps an input")
    return out


@dataclass(frozen=True)
class Inputs:
    """Numeric columns of one batch, broadcast to its size, and the status of each option."""

    values: list[Floats]
    status: NDArray[np.uint8]


def within_domains(
    columns: Sequence[Column],
    domains: Sequence[Domain],
    time: str,
    rates: Sequence[str],
    shape: tuple[int, ...],
    strict: bool,
) -> Inputs:
    """The columns, with harmless values (1) in place of impossible options.

    Raises:
        ValueError: strict and an option is impossible; the first of them, its first bad argument.
    """
    count = int(np.prod(shape))
    values = [np.array(np.broadcast_to(column.values, count), dtype=np.float64) for column in columns]
    by_name = {column.name: value for column, value in zip(columns, values, strict=True)}
    with np.errstate(all="ignore"):
        outside = [~((v >= d.low) & (v <= d.high)) for v, d in zip(values, domains, strict=True)]
        steep = {name: np.abs(by_name[name] * by_name[time]) > EXPONENT for name in rates}
    bad = np.logical_or.reduce([*outside, *steep.values()])
    status = np.zeros(count, dtype=np.uint8)
    for index in np.flatnonzero(bad).tolist():
        position, requirement = _first_fault(index, columns, domains, outside, steep)
        value = float(values[position][index])
        if strict:
            column = columns[position]
            place = "" if column.shape is None else _place(index, shape)
            raise ValueError(f"{column.name}{place} is {value!r}; {requirement}")
        status[index] = Status.OUT_OF_DOMAIN if np.isfinite(value) else Status.NOT_FINITE
    for column_values in values:
        column_values[bad] = 1.0
    return Inputs(values, status)


def _first_fault(
    index: int,
    columns: Sequence[Column],
    domains: Sequence[Domain],
    outside: Sequence[NDArray[np.bool_]],
    steep: dict[str, NDArray[np.bool_]],
) -> tuple[int, str]:
    for position, (flags, domain) in enumerate(zip(outside, domains, strict=True)):
        if flags[index]:
            return position, domain.requirement
    name = next(name for name, flags in steep.items() if flags[index])
    position = [column.name for column in columns].index(name)
    return position, f"times time it must lie within ±{EXPONENT:g}"


def _column(name: str, value: NDArray[Any]) -> Column:
    return Column(name, value.reshape(-1), value.shape if value.ndim else None)


def _place(index: int, shape: tuple[int, ...]) -> str:
    return str([int(i) for i in np.unravel_index(index, shape)])


def _wrong_type(name: str, value: object, wanted: str) -> ValueError:
    given = (
        f"an array of dtype {value.dtype}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
    )
    return ValueError(f"{name} is {given}; {wanted} is needed")
