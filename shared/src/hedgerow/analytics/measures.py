"""What is measured on an order book. Prices in quote currency, float64."""

from collections.abc import Sequence
from math import inf, nextafter

import msgspec

from hedgerow.analytics.orderbook import Level, OrderBook

BPS = 10_000.0


def mid_price(bid: float, ask: float) -> float:
    return (bid + ask) / 2


def spread_bps(bid: float, ask: float) -> float:
    """(ask - bid) / mid, in bps."""
    return (ask - bid) / mid_price(bid, ask) * BPS


def imbalance(bid_size: float, ask_size: float) -> float:
    """(bid_size - ask_size) / (bid_size + ask_size), in [-1, 1].

    Raises:
        ZeroDivisionError: both sizes are zero.
    """
    return (bid_size - ask_size) / (bid_size + ask_size)


class Depth(msgspec.Struct, frozen=True, kw_only=True):
    """Value resting near the mid.

    Attributes:
        bps: half-width of the measured range around the mid.
        bid_usd, ask_usd: sum of price x quantity within the range, in quote currency.
        reach_bps: how far from the mid the shallower side is known, in bps; where that is less than `bps`,
            the sums are lower bounds.
    """

    bps: float
    bid_usd: float
    ask_usd: float
    reach_bps: float


def depth(book: OrderBook, bps: float) -> Depth:
    """Depth within ±`bps` of the mid; both edges belong to the range.

    Raises:
        ValueError: a side is empty, so there is no mid.
    """
    bids, asks = book.top(1)
    if not bids or not asks:
        raise ValueError(f"no mid: the book has {len(book.bids)} bids and {len(book.asks)} asks")
    mid = mid_price(bids[0][0], asks[0][0])
    above_range = nextafter(mid * (1 + bps / BPS), inf)
    return Depth(
        bps=bps,
        bid_usd=book.bids.value_from(mid * (1 - bps / BPS)),
        ask_usd=book.asks.value_below(above_range),
        reach_bps=_reach_bps(mid, book.known_low, book.known_high),
    )


def depth_of_levels(
    bids: Sequence[Level], asks: Sequence[Level], known_low: float, known_high: float, bps: float
) -> Depth:
    """As `depth`, of a book that is given as all its levels.

    Args:
        known_low, known_high: between these prices no level is missing.

    Raises:
        ValueError: a side is empty, so there is no mid.
    """
    if not bids or not asks:
        raise ValueError(f"no mid: the book has {len(bids)} bids and {len(asks)} asks")
    mid = mid_price(bids[0][0], asks[0][0])
    lowest, highest = mid * (1 - bps / BPS), mid * (1 + bps / BPS)
    return Depth(
        bps=bps,
        bid_usd=sum(price * quantity for price, quantity in bids if price >= lowest),
        ask_usd=sum(price * quantity for price, quantity in asks if price <= highest),
        reach_bps=_reach_bps(mid, known_low, known_high),
    )


def _reach_bps(mid: float, known_low: float, known_high: float) -> float:
    return max(0.0, min(mid - known_low, known_high - mid) / mid * BPS)
