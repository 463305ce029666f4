"""Random commands for order books, and both books to send them to."""

import random
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hedgerow.kernels.book_records import blank_commands
from hedgerow.kernels.book_words import ANY_OWNER, OWNERS, Flag, Kind, SelfTrade, TimeInForce
from hedgerow.kernels.native import load_native
from hedgerow.kernels.twin_book import TwinOrderBook

_native = load_native()
NativeOrderBook: Any = getattr(_native, "OrderBook", None)

needs_native = pytest.mark.skipif(NativeOrderBook is None, reason="the native kernels are not built")
each_book = pytest.mark.parametrize(
    "book_class", [TwinOrderBook, pytest.param(NativeOrderBook, marks=needs_native)], ids=["twin", "native"]
)

IDS = 60
FIRST_PRICE, LAST_PRICE = 40, 160

# Rules that bite, so that every kind of rejection happens; and none, so that much trades.
STRICT: dict[str, int] = {
    "tick": 5, "lot": 2, "min_quantity": 2, "max_quantity": 100, "low": -200, "high": 400,
}  # fmt: skip
LOOSE: dict[str, int] = {"low": -1_000, "high": 1_000}

_KINDS = {
    0: 1,
    Kind.LIMIT: 60,
    Kind.MARKET: 6,
    Kind.STOP: 5,
    Kind.STOP_LIMIT: 6,
    Kind.AMEND: 15,
    Kind.CANCEL: 8,
    Kind.MASS_CANCEL: 0.4,
    Kind.EXPIRE: 2,
    Kind.SET_BAND: 0.5,
    Kind.SET_POSITION: 3,
}


def random_commands(seed: int, count: int) -> NDArray[np.void]:
    """Commands of every kind; a few of them make no sense."""
    rng = random.Random(seed)
    commands = blank_commands(count)
    kinds = rng.choices(list(_KINDS), list(_KINDS.values()), k=count)
    for index, kind in enumerate(kinds):
        _fill_in(commands[index], int(kind), index, rng)
    return commands


def _fill_in(command: Any, kind: int, index: int, rng: random.Random) -> None:
    def seldom() -> bool:
        return rng.random() < 0.02

    old = rng.randrange(max(0, index - IDS), index + 1)
    command["kind"] = kind
    command["order_id"] = old if kind in (Kind.AMEND, Kind.CANCEL) or seldom() else index
    command["owner"] = OWNERS if seldom() else rng.randrange(4)
    command["side"] = 0 if seldom() else rng.choice([1, -1])
    command["quantity"] = rng.choice([-1, 0, 3, 1_000]) if seldom() else rng.randrange(2, 40, 2)
    price, stop_price = (rng.randrange(FIRST_PRICE, LAST_PRICE, 5) + seldom() for _ in range(2))
    time_in_force = rng.choices([*TimeInForce, 9], [10, 3, 2, 2, 0.1])[0]
    if kind == Kind.MARKET:
        time_in_force = rng.choice([TimeInForce.IOC, TimeInForce.FOK])
    elif kind in (Kind.STOP, Kind.STOP_LIMIT):
        time_in_force = rng.choices([TimeInForce.GTC, TimeInForce.GTD, TimeInForce.IOC], [9, 3, 0.2])[0]
    command["time_in_force"] = time_in_force
    if seldom() != (kind in (Kind.LIMIT, Kind.STOP_LIMIT) or (kind == Kind.AMEND and rng.random() < 0.5)):
        command["price"] = price
    if seldom() != (kind in (Kind.STOP, Kind.STOP_LIMIT)):
        command["stop_price"] = stop_price
    if seldom() != (time_in_force == TimeInForce.GTD):
        command["expires_ns"] = index + rng.randrange(-5, 30)
    waits = kind in (Kind.LIMIT, Kind.STOP_LIMIT) and time_in_force <= TimeInForce.GTD
    if seldom() or (waits and rng.random() < 0.3):
        command["display"] = rng.choice([2, 4, 6])
    flags = Flag.REDUCE_ONLY * (rng.random() < 0.15)
    if seldom() or (waits and kind == Kind.LIMIT and rng.random() < 0.15):
        flags |= Flag.POST_ONLY
    command["flags"] = 255 if rng.random() < 0.002 else flags | rng.choice(list(SelfTrade)) << 2
    if kind == Kind.MASS_CANCEL:
        command["owner"] = rng.choice([1, 2, ANY_OWNER, OWNERS])
        command["side"] = rng.choice([1, -1, 0, 7])
    elif kind == Kind.EXPIRE:
        command["expires_ns"] = index - rng.randrange(0, 12)
    elif kind == Kind.SET_BAND:
        command["price"], command["stop_price"] = rng.choice([-200, 60, 300]), rng.choice([400, 140, 1_000])
    elif kind == Kind.SET_POSITION:
        command["quantity"] = 2**61 if seldom() else rng.randrange(-60, 60)
