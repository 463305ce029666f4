"""The order book's records: commands in, reports out, and what a book is to its callers."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hedgerow.kernels.book_words import (
    NO_PRICE,
    SELF_TRADE_SHIFT,
    Flag,
    Kind,
    SelfTrade,
    TimeInForce,
)

COMMAND = np.dtype(
    [
        ("order_id", "<i8"),
        ("price", "<i8"),
        ("quantity", "<i8"),
        ("stop_price", "<i8"),
        ("display", "<i8"),
        ("expires_ns", "<i8"),
        ("owner", "<u4"),
        ("kind", "u1"),
        ("side", "i1"),
        ("time_in_force", "u1"),
        ("flags", "u1"),
    ]
)
"""One command of a batch, 56 bytes; `blank_commands` makes them.

AMEND: price `NO_PRICE` keeps the price. MASS_CANCEL: owner (or `ANY_OWNER`) and side (or `BOTH_SIDES`).
EXPIRE: `expires_ns` is the time. SET_BAND: `price` is the low bound, `stop_price` the high one. SET_POSITION:
owner, `quantity` with its sign.
"""

REPORT = np.dtype([("filled", "<i8"), ("remaining", "<i8"), ("code", "<u2"), ("status", "u1"), ("pad", "V5")])
"""One per command of a batch, in order; see `TwinReport`."""

FILL = np.dtype(
    [("taker", "<i8"), ("maker", "<i8"), ("price", "<i8"), ("quantity", "<i8"), ("command", "<i8")]
)
CANCEL = np.dtype([("order_id", "<i8"), ("quantity", "<i8"), ("reason", "<i8"), ("command", "<i8")])
TRIGGER = np.dtype([("order_id", "<i8"), ("command", "<i8")])

ORDER = np.dtype(
    [
        ("order_id", "<i8"),
        ("price", "<i8"),
        ("stop_price", "<i8"),
        ("visible", "<i8"),
        ("hidden", "<i8"),
        ("display", "<i8"),
        ("expires_ns", "<i8"),
        ("sequence", "<i8"),
        ("owner", "<u4"),
        ("flags", "u1"),
        ("side", "i1"),
        ("kind", "u1"),
        ("pad", "V1"),
    ]
)
"""One open order as snapshots hold it, 72 bytes. `expires_ns` is 0 without expiry; `sequence` is 0 where no
order of events depends on it (resting orders without expiry)."""

Fill = tuple[int, int, int, int]
"""(taker's order id, maker's order id, price, quantity), at the maker's price."""

Cancel = tuple[int, int, int]
"""(order id, quantity, `CancelReason`)."""


def blank_commands(count: int) -> NDArray[np.void]:
    """Commands to fill in: GTC limit orders of owner 0 that cancel the newest on self-trade, without stop price."""
    commands = np.zeros(count, COMMAND)
    commands["kind"] = Kind.LIMIT
    commands["price"] = NO_PRICE
    commands["stop_price"] = NO_PRICE
    commands["time_in_force"] = TimeInForce.GTC
    commands["flags"] = SelfTrade.CANCEL_NEWEST << SELF_TRADE_SHIFT
    return commands


def flags_of(post_only: bool, reduce_only: bool, self_trade: int) -> int:
    """
    Raises:
        ValueError: `self_trade` is not one of `SelfTrade`.
    """
    if not 0 <= self_trade <= 3:
        raise ValueError(f"self_trade is {self_trade}; it should be a SelfTrade, 0 to 3")
    return (Flag.POST_ONLY * post_only) | (Flag.REDUCE_ONLY * reduce_only) | (self_trade << SELF_TRADE_SHIFT)


class BatchReport(NamedTuple):
    """What a batch did. `command` in a row is the index of the command that caused it; rows are in order."""

    reports: NDArray[np.void]
    fills: NDArray[np.void]
    cancels: NDArray[np.void]
    triggers: NDArray[np.void]
