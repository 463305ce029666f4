"""The words and records of books rebuilt from feeds."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Chaining(IntEnum):
    """How a depth message names the one before it: Binance spot by `U` = `u` before + 1, futures by `pu`."""

    SPOT = 1
    FUTURES = 2


class Applied(IntEnum):
    """What became of a depth message. After a gap nothing is applied until the next snapshot."""

    APPLIED = 1
    STALE = 2
    NO_SNAPSHOT = 3
    GAP = 4


class Message(IntEnum):
    """What an order message tells, with LOBSTER's numbers. The last three do not change the displayed book."""

    ADD = 1
    REDUCE = 2
    DELETE = 3
    EXECUTE = 4
    EXECUTE_HIDDEN = 5
    CROSS = 6
    HALT = 7


class Followed(IntEnum):
    """What became of an order message; only `APPLIED` and `NO_EFFECT` are in order.

    After a `GAP` in the sequence nothing is applied until `clear`.
    """

    APPLIED = 1
    NO_EFFECT = 2
    GAP = 3
    UNKNOWN_ORDER = 4
    DUPLICATE_ORDER = 5
    MISMATCH = 6
    TOO_MUCH = 7


DEPTH_MESSAGE = np.dtype([("first_id", "<i8"), ("last_id", "<i8"), ("previous_id", "<i8"), ("rows", "<i8")])
"""Binance's `U`, `u` and `pu`, and how many level changes the message has."""

TOUCH = np.dtype(
    [("bid", "<i8"), ("bid_quantity", "<i8"), ("ask", "<i8"), ("ask_quantity", "<i8"), ("result", "<i8")]
)
"""The best of both sides after a message, quantity 0 where a side is empty; `result` is an `Applied`."""

ORDER_MESSAGE = np.dtype(
    [
        ("sequence", "<i8"),
        ("kind", "<i8"),
        ("order_id", "<i8"),
        ("side", "<i8"),
        ("quantity", "<i8"),
        ("price", "<i8"),
    ]
)


def whole(name: str, values: NDArray[np.float64] | Sequence[float], step: float) -> NDArray[np.int64]:
    """Decimal values as whole numbers of steps, as books count prices and quantities.

    Raises:
        ValueError: a value is not a multiple of the step within a millionth of it; the message names the first.
    """
    steps = np.asarray(values, np.float64) / step
    nearest = np.rint(steps)
    with np.errstate(invalid="ignore"):
        rounding = 1e-6 + 4 * np.finfo(np.float64).eps * np.abs(nearest)
        bad = ~(np.abs(steps - nearest) <= rounding) | (np.abs(nearest) > 2**53)
    if bad.any():
        index = int(np.argmax(bad))
        raise ValueError(f"{name}[{index}] is {values[index]}; it should be a multiple of {step}")
    return nearest.astype(np.int64)


def changes(
    sides: Any, prices: Any, quantities: Any
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Level changes, checked.

    Raises:
        ValueError: the message names the argument and the first index that is wrong.
    """
    columns = []
    for name, column in (("sides", sides), ("prices", prices), ("quantities", quantities)):
        array = np.asarray(column)
        if array.size == 0:
            array = array.astype(np.int64)
        if array.ndim != 1 or array.dtype != np.int64:
            raise ValueError(
                f"{name} has dtype {array.dtype} and {array.ndim} dimensions; it should be int64 and one"
            )
        columns.append(np.ascontiguousarray(array))
    if len({len(column) for column in columns}) != 1:
        lengths = ", ".join(str(len(column)) for column in columns)
        raise ValueError(f"sides, prices and quantities should be of one length; they have {lengths}")
    for name, column, bad in (
        ("sides", columns[0], np.abs(columns[0]) != 1),
        ("quantities", columns[2], columns[2] < 0),
    ):
        if bad.any():
            index = int(np.argmax(bad))
            should = "1 (bid) or -1 (ask)" if name == "sides" else "0 or more"
            raise ValueError(f"{name}[{index}] is {column[index]}; it should be {should}")
    return columns[0], columns[1], columns[2]


def records(name: str, array: NDArray[np.void], dtype: np.dtype[np.void]) -> NDArray[np.void]:
    """
    Raises:
        ValueError: the array is not one-dimensional or not of this dtype.
    """
    if array.dtype != dtype or array.ndim != 1:
        raise ValueError(
            f"{name} have dtype {array.dtype} and {array.ndim} dimensions; it should be {dtype} and one"
        )
    return np.ascontiguousarray(array)
