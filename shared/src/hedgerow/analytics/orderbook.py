"""An L2 order book rebuilt from a snapshot and Binance depth messages."""

from bisect import bisect_left, insort
from collections.abc import Sequence

Level = tuple[float, float]

# From this many changes on, one sort of the whole side costs less than keeping it sorted change by change.
_BULK_CHANGES = 1_000


class Ladder:
    """One side of a book: quantity by price, prices kept ascending.

    Prices are compared as floats: equal decimal texts read as equal floats, so a price is its own key.
    """

    def __init__(self, prices: Sequence[float] = (), quantities: Sequence[float] = ()) -> None:
        self._quantities: dict[float, float] = {}
        self._prices: list[float] = []
        self._apply_bulk(prices, quantities)

    def apply(self, prices: Sequence[float], quantities: Sequence[float]) -> None:
        """Set each price to its absolute quantity, in order; quantity 0 takes the level away."""
        if len(prices) < _BULK_CHANGES:
            for price, quantity in zip(prices, quantities, strict=True):
                self._set(price, quantity)
        else:
            self._apply_bulk(prices, quantities)

    def _set(self, price: float, quantity: float) -> None:
        if quantity != 0:
            if price not in self._quantities:
                insort(self._prices, price)
            self._quantities[price] = quantity
        elif self._quantities.pop(price, None) is not None:
            del self._prices[bisect_left(self._prices, price)]

    def _apply_bulk(self, prices: Sequence[float], quantities: Sequence[float]) -> None:
        self._quantities.update(zip(prices, quantities, strict=True))
        self._quantities = {price: quantity for price, quantity in self._quantities.items() if quantity != 0}
        self._prices = sorted(self._quantities)

    def __len__(self) -> int:
        return len(self._prices)

    def lowest(self, levels: int) -> list[Level]:
        return [(price, self._quantities[price]) for price in self._prices[:levels]]

    def highest(self, levels: int) -> list[Level]:
        return [(price, self._quantities[price]) for price in self._prices[: -levels - 1 : -1]]

    def value_from(self, price: float) -> float:
        """Sum of price x quantity at this price and above."""
        return self._value(self._prices[bisect_left(self._prices, price) :])

    def value_below(self, price: float) -> float:
        """Sum of price x quantity strictly below this price."""
        return self._value(self._prices[: bisect_left(self._prices, price)])

    def _value(self, prices: Sequence[float]) -> float:
        quantities = self._quantities
        return sum(price * quantities[price] for price in prices)


class OrderBook:
    """Both sides, and the price range within which every level is known.

    A snapshot holds a limited number of levels. Messages also touch prices beyond it, but what rested there
    before is unknown: the book is complete only from `known_low` to `known_high`.
    """

    def __init__(self, bids: Ladder, asks: Ladder, known_low: float, known_high: float) -> None:
        self.bids = bids
        self.asks = asks
        self.known_low = known_low
        self.known_high = known_high

    @classmethod
    def from_snapshot(cls, bids: Sequence[Level], asks: Sequence[Level]) -> "OrderBook":
        """
        Raises:
            ValueError: a side is empty, so nothing is known of its reach.
        """
        if not bids or not asks:
            raise ValueError(f"a snapshot needs both sides; it has {len(bids)} bids and {len(asks)} asks")
        return cls(
            Ladder([price for price, _ in bids], [quantity for _, quantity in bids]),
            Ladder([price for price, _ in asks], [quantity for _, quantity in asks]),
            known_low=min(price for price, _ in bids),
            known_high=max(price for price, _ in asks),
        )

    def top(self, levels: int) -> tuple[list[Level], list[Level]]:
        """Bids and asks as (price, quantity), best first."""
        return self.bids.highest(levels), self.asks.lowest(levels)


class BookGap(ValueError):
    """Depth messages are missing: the book cannot be trusted from here on without a new snapshot."""


class DiffChain:
    """Binance's rule for which depth messages belong to a snapshot, and that none is missing.

    Every message links to the update id before it: spot messages by `U - 1`, futures messages by `pu`.
    Messages that end at or before the snapshot are stale. The first one used must link to an id at or before
    the snapshot's, each further one to exactly the id at which the one before it ended.
    """

    def __init__(self, last_update_id: int) -> None:
        self._last = last_update_id
        self._synced = False

    def accept(self, link: int, last_update_id: int) -> bool:
        """Whether the message is to be applied; False when the snapshot already holds it.

        Raises:
            BookGap: messages between the last one and this one are missing.
        """
        if not self._synced and last_update_id <= self._last:
            return False
        linked = link == self._last if self._synced else link <= self._last
        if not linked:
            raise BookGap(
                f"depth message ending at update id {last_update_id} links to {link}, but the book stands at "
                f"{self._last}; take a new snapshot"
            )
        self._synced = True
        self._last = last_update_id
        return True
