"""A book's whole state as bytes, which the native book shares.

Little-endian: the magic, 13 numbers (`_HEADER`), the orders (`ORDER` records: bids, asks, stops), the positions
that are not zero (owner, quantity), and the SHA-256 of all before it.
"""

import hashlib
import struct

import numpy as np
from numpy.typing import NDArray

from hedgerow.kernels.book_records import ORDER
from hedgerow.kernels.book_words import BUY, NO_PRICE, SELL
from hedgerow.kernels.twin_commands import Rules
from hedgerow.kernels.twin_core import Core
from hedgerow.kernels.twin_ladder import Order

MAGIC = b"HEDGBK01"
# tick, lot, min and max quantity, band low and high, time, changes, last trade, bids, asks, stops, positions
_HEADER = struct.Struct("<8s13q")
_POSITION = struct.Struct("<2q")
_DIGEST_BYTES = 32


def order_records(core: Core) -> NDArray[np.void]:
    """Every open order: bids, asks (best first, then by time), stops (oldest first)."""
    orders = [*core.ladders[BUY].walk(), *core.ladders[SELL].walk(), *core.stops.by_age()]
    return np.array(
        [
            (
                order.id,
                order.price,
                order.stop_price,
                order.visible,
                order.hidden,
                order.display,
                order.expires_ns,
                order.sequence,
                order.owner,
                order.flags,
                order.side,
                order.kind,
                b"",
            )
            for order in orders
        ],
        ORDER,
    )


def encode(core: Core) -> bytes:
    positions = core.positions.items()
    counts = [sum(len(level.orders) for level in core.ladders[side].levels.values()) for side in (BUY, SELL)]
    last_trade = NO_PRICE if core.last_trade is None else core.last_trade
    head = _HEADER.pack(
        MAGIC, *core.rules, core.now_ns, core.changes, last_trade, *counts, len(core.stops), len(positions)
    )
    body = head + order_records(core).tobytes() + b"".join(_POSITION.pack(*item) for item in positions)
    return body + hashlib.sha256(body).digest()


def decode(snapshot: bytes) -> Core:
    """
    Raises:
        ValueError: these are not the bytes of a snapshot; the message says what is wrong.
    """
    if len(snapshot) < _HEADER.size + _DIGEST_BYTES:
        raise ValueError(
            f"a snapshot has at least {_HEADER.size + _DIGEST_BYTES} bytes; these are {len(snapshot)}"
        )
    body, digest = snapshot[:-_DIGEST_BYTES], snapshot[-_DIGEST_BYTES:]
    magic, *numbers = _HEADER.unpack_from(body)
    if magic != MAGIC:
        raise ValueError(f"this is no snapshot of this version: it begins with {magic!r}, not {MAGIC!r}")
    if hashlib.sha256(body).digest() != digest:
        raise ValueError("the snapshot is damaged: its SHA-256 does not match")
    *rules, now_ns, changes, last_trade, bids, asks, stops, positions = numbers
    core = Core(Rules(*rules))
    core.now_ns = now_ns
    core.changes = changes
    core.last_trade = None if last_trade == NO_PRICE else last_trade
    count = bids + asks + stops
    for record in np.frombuffer(body, ORDER, count, _HEADER.size).tolist():
        _add(core, record)
    for owner, quantity in _POSITION.iter_unpack(body[len(body) - positions * _POSITION.size :]):
        core.positions.set(owner, quantity)
    return core


def _add(core: Core, record: tuple[int, ...]) -> None:
    (
        order_id,
        price,
        stop_price,
        visible,
        hidden,
        display,
        expires_ns,
        sequence,
        owner,
        flags,
        side,
        kind,
        _,
    ) = record
    order = Order(
        order_id,
        owner,
        side,
        visible,
        price,
        flags,
        kind=kind,
        stop_price=stop_price,
        display=display,
        expires_ns=expires_ns,
        sequence=sequence,
    )
    order.hidden = hidden
    core.orders[order.id] = order
    if stop_price == NO_PRICE:
        core.ladders[side].add(order)
    else:
        core.stops.add(order)


def state_hash(snapshot: bytes) -> str:
    return snapshot[-_DIGEST_BYTES:].hex()
