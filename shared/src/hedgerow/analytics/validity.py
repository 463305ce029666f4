"""Whether an order book can be relied on."""

from collections.abc import Sequence
from math import isfinite

from hedgerow.analytics.measures import BPS, mid_price

Levels = Sequence[tuple[float, float]]


def invalid_reason(bids: Levels, asks: Levels, last_mid: float | None, max_jump_bps: float) -> str | None:
    """Why this book (best first) must not be used, or None.

    Args:
        last_mid: what `seen_mid` gave for the books before this one; None when there was none.
        max_jump_bps: largest believable move of the mid from one book to the next.
    """
    if not bids or not asks:
        return f"empty: {len(bids)} bids, {len(asks)} asks"
    for price, quantity in (*bids, *asks):
        if not isfinite(price) or not isfinite(quantity):
            return f"not finite: price {price}, quantity {quantity}"
        if price <= 0 or quantity <= 0:
            return f"zero: price {price}, quantity {quantity}"
    bid, ask = bids[0][0], asks[0][0]
    if bid >= ask:
        return f"{'locked' if bid == ask else 'crossed'}: bid {bid}, ask {ask}"
    mid = mid_price(bid, ask)
    if not isfinite(mid):
        return f"not finite: mid of bid {bid} and ask {ask}"
    if last_mid is not None and abs(mid - last_mid) / last_mid * BPS > max_jump_bps:
        moved = abs(mid - last_mid) / last_mid * BPS
        return f"jump: mid {last_mid} to {mid} is {moved:.1f} bps, allowed are {max_jump_bps:g}"
    return None


def seen_mid(bids: Levels, asks: Levels, last_mid: float | None) -> float | None:
    """The mid that the next book's jump is measured from.

    It is the newest usable mid even when that was itself a jump, so that a real move costs one book, not all
    that follow; an unusable book leaves it as it was.
    """
    usable = invalid_reason(bids, asks, None, 0.0) is None
    return mid_price(bids[0][0], asks[0][0]) if usable else last_mid
