"""Liquidity: a maker account whose quotes mirror the recorded book, level by level.

At each recorded update every level gets its recorded size again, so hedge fills consume it until then. The
maker never takes: a level that would meet or cross an account's own resting order is left out.
"""

from collections.abc import Iterable
from functools import lru_cache

from hedgerow.domain.money import exact_decimal, floor_to_step, plain
from hedgerow.domain.orders import Side
from hedgerow_exchange.book import ExchangeBook
from hedgerow_exchange.listings import Listing

# No account can have this name: accounts are named after folders.
MAKER = ""

Quotes = dict[int, int]


class Maker:
    """The maker's quotes in one book: one order per side and price, with an id made from both."""

    def __init__(self, listing: Listing, book: ExchangeBook) -> None:
        self._listing = listing
        self._book = book
        self._quoted: dict[Side, set[int]] = {Side.BUY: set(), Side.SELL: set()}
        self._ticks = lru_cache(maxsize=8_192)(self._exact_ticks)
        self._lots = lru_cache(maxsize=8_192)(self._whole_lots)

    def mirror(
        self,
        bids: Iterable[tuple[float, float]],
        asks: Iterable[tuple[float, float]],
        touch_of_orders: tuple[int | None, int | None],
    ) -> None:
        """Set every quote to its recorded size. A crossed recording is not quoted at all.

        Args:
            bids, asks: recorded (price, quantity), best first.
            touch_of_orders: best bid and ask, in ticks, among the accounts' own resting orders.

        Raises:
            ValueError: a recorded price is not on the listing's tick.
        """
        order_bid, order_ask = touch_of_orders
        buys = {price: lots for price, lots in self._levels(bids) if order_ask is None or price < order_ask}
        sells = {price: lots for price, lots in self._levels(asks) if order_bid is None or price > order_bid}
        if buys and sells and max(buys) >= min(sells):
            buys, sells = {}, {}
        # What goes away goes first: a new bid may stand where an old ask stood.
        self._shrink(Side.BUY, buys)
        self._shrink(Side.SELL, sells)
        self._grow(Side.BUY, buys)
        self._grow(Side.SELL, sells)

    def _shrink(self, side: Side, target: Quotes) -> None:
        for price in self._quoted[side] - target.keys():
            self._book.cancel(_quote_id(side, price))
        self._quoted[side] &= target.keys()

    def _grow(self, side: Side, target: Quotes) -> None:
        for price, lots in target.items():
            quote = _quote_id(side, price)
            present = self._book.remaining(quote)
            if present > lots:
                self._book.reduce(quote, lots)
            elif present < lots:
                # As on a real venue, a quote that grows goes to the end of its queue.
                self._book.cancel(quote)
                self._book.rest(quote, MAKER, side, lots, price)
        self._quoted[side] = set(target)

    def _levels(self, levels: Iterable[tuple[float, float]]) -> list[tuple[int, int]]:
        """In ticks and lots; a level below one lot is left out."""
        counted = [(self._ticks(price), self._lots(quantity)) for price, quantity in levels]
        return [(price, lots) for price, lots in counted if lots > 0]

    def _exact_ticks(self, price: float) -> int:
        instrument = self._listing.instrument
        exact = exact_decimal(price)
        if exact <= 0 or not instrument.is_on_tick(exact):
            raise ValueError(
                f"recorded price {plain(exact)} of {instrument.symbol} is not a positive multiple of its tick "
                f"{plain(instrument.tick_size)}; the recording does not fit the listing"
            )
        return int(exact / instrument.tick_size)

    def _whole_lots(self, quantity: float) -> int:
        lot = self._listing.instrument.lot_size
        return int(floor_to_step(exact_decimal(quantity), lot) / lot)


def _quote_id(side: Side, price: int) -> int:
    """Negative, so that it is never an account's order."""
    return -2 * price - (1 if side is Side.SELL else 0)
