"""The rules of one listing, and its prices and quantities as whole ticks and lots."""

from decimal import Decimal

import msgspec

from hedgerow.domain.instruments import LISTINGS, Instrument, InstrumentKind
from hedgerow.domain.money import plain
from hedgerow.kernels.book_words import MAX_PRICE
from hedgerow_exchange.refusals import Reason, Refused


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """An instrument as this exchange trades it.

    Attributes:
        max_quantity: of one order, in contracts.
        maker_fee, taker_fee: as a fraction of the value traded.
    """

    instrument: Instrument
    max_quantity: Decimal
    maker_fee: Decimal
    taker_fee: Decimal

    @property
    def is_spot(self) -> bool:
        """Bybit's category `spot`: coins and shares change hands; else `linear`: positions on margin."""
        return self.instrument.is_cash

    @property
    def is_lendable(self) -> bool:
        """Whether an order may sell what the account has to borrow. Shares are, coins are not."""
        return self.instrument.kind is InstrumentKind.EQUITY

    def ticks(self, price: Decimal) -> int:
        """A price as whole ticks.

        Raises:
            Refused: it is not positive, not on a tick, or larger than a book can hold.
        """
        instrument = self.instrument
        if price <= 0 or not instrument.is_on_tick(price):
            raise Refused(
                Reason.PRICE_OFF_TICK,
                f"price {plain(price)} of {instrument.symbol} should be a positive multiple of the tick "
                f"{plain(instrument.tick_size)}",
                self.is_spot,
            )
        ticks = int(price / instrument.tick_size)
        if ticks > MAX_PRICE:
            raise Refused(
                Reason.BAD_PARAMETER,
                f"price {plain(price)} of {instrument.symbol} should be at most {plain(self.price(MAX_PRICE))}",
                self.is_spot,
            )
        return ticks

    def lots(self, quantity: Decimal) -> int:
        """An order's quantity as whole lots.

        Raises:
            Refused: it is not positive, not on a lot, too small or too large.
        """
        instrument = self.instrument
        if quantity <= 0 or not instrument.is_on_lot(quantity):
            raise self._refuse_quantity(
                Reason.QUANTITY_OFF_LOT,
                quantity,
                f"a positive multiple of the lot {plain(instrument.lot_size)}",
            )
        if quantity < instrument.min_quantity:
            raise self._refuse_quantity(
                Reason.QUANTITY_TOO_SMALL, quantity, f"at least {plain(instrument.min_quantity)}"
            )
        if quantity > self.max_quantity:
            raise self._refuse_quantity(
                Reason.QUANTITY_TOO_LARGE, quantity, f"at most {plain(self.max_quantity)}"
            )
        return int(quantity / instrument.lot_size)

    def price(self, ticks: int) -> Decimal:
        return ticks * self.instrument.tick_size

    def quantity(self, lots: int) -> Decimal:
        return lots * self.instrument.lot_size

    def check_notional(self, quantity: Decimal, price: Decimal) -> None:
        """
        Raises:
            Refused: the order is worth too little.
        """
        instrument = self.instrument
        notional = instrument.notional(quantity, price)
        if notional < instrument.min_notional:
            raise Refused(
                Reason.NOTIONAL_TOO_SMALL,
                f"order value {plain(notional)} {instrument.quote} of {instrument.symbol} is below the minimum "
                f"{plain(instrument.min_notional)}",
                self.is_spot,
            )

    def _refuse_quantity(self, reason: Reason, quantity: Decimal, should: str) -> Refused:
        return Refused(
            reason, f"qty {plain(quantity)} of {self.instrument.symbol} should be {should}", self.is_spot
        )


# Those of Bybit's lowest tier; of a broker's commission on shares; of a future's exchange and clearing fees.
_FEES = {
    InstrumentKind.SPOT: (Decimal("0.001"), Decimal("0.001")),
    InstrumentKind.LINEAR_PERPETUAL: (Decimal("0.0002"), Decimal("0.00055")),
    InstrumentKind.EQUITY: (Decimal("0.0001"), Decimal("0.0001")),
    InstrumentKind.LINEAR_FUTURE: (Decimal("0.00002"), Decimal("0.00002")),
}
_MAX_QUANTITY = {
    InstrumentKind.SPOT: Decimal(100),
    InstrumentKind.LINEAR_PERPETUAL: Decimal(1000),
    InstrumentKind.EQUITY: Decimal(100_000),
    InstrumentKind.LINEAR_FUTURE: Decimal(1000),
}


def list_instrument(instrument: Instrument) -> Listing:
    """An instrument's listing, with the fees and the largest order of its kind."""
    maker_fee, taker_fee = _FEES[instrument.kind]
    return Listing(
        instrument=instrument,
        max_quantity=_MAX_QUANTITY[instrument.kind],
        maker_fee=maker_fee,
        taker_fee=taker_fee,
    )


def paper_listings() -> dict[str, Listing]:
    """Everything that the built-in exchange trades, by unified symbol. An index is not among it."""
    return {symbol: list_instrument(item) for symbol, item in LISTINGS.items() if item.is_tradable}
