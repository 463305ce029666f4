"""What can be traded or held, in ccxt's unified symbology (`BTC/USDT`, `BTC/USDT:USDT`)."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from hedgerow.domain.money import ceil_to_step, is_on_step


class InstrumentKind(StrEnum):
    SPOT = "Spot"
    LINEAR_PERPETUAL = "LinearPerpetual"


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One listing and the rules its venue enforces.

    Attributes:
        symbol: unified symbol, the only spelling used inside Hedgerow.
        underlying: what its delta is measured in, e.g. `BTC`.
        contract_size: units of the underlying per contract (1 for spot).
        tick_size: price step, in quote currency.
        lot_size: quantity step, in contracts (base units for spot).
        min_quantity: smallest order, in contracts.
        min_notional: smallest order value, in quote currency.
    """

    symbol: str
    kind: InstrumentKind
    underlying: str
    base: str
    quote: str
    settle: str | None
    contract_size: Decimal
    tick_size: Decimal
    lot_size: Decimal
    min_quantity: Decimal
    min_notional: Decimal

    def delta(self, quantity: Decimal) -> Decimal:
        """Signed delta of a signed quantity, in units of the underlying (spot and linear contracts: exact)."""
        return quantity * self.contract_size

    def notional(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Unsigned value of a quantity at a price, in quote currency."""
        return abs(quantity) * self.contract_size * price

    def smallest_quantity(self, price: Decimal) -> Decimal:
        """The smallest order that the venue accepts at this price, in contracts."""
        for_notional = self.min_notional / (self.contract_size * price)
        return ceil_to_step(max(self.min_quantity, for_notional), self.lot_size)

    def is_on_tick(self, price: Decimal) -> bool:
        return is_on_step(price, self.tick_size)

    def is_on_lot(self, quantity: Decimal) -> bool:
        return is_on_step(quantity, self.lot_size)


_BTC_SPOT = Instrument(
    symbol="BTC/USDT",
    kind=InstrumentKind.SPOT,
    underlying="BTC",
    base="BTC",
    quote="USDT",
    settle=None,
    contract_size=Decimal(1),
    tick_size=Decimal("0.01"),
    lot_size=Decimal("0.00001"),
    min_quantity=Decimal("0.00001"),
    min_notional=Decimal(5),
)
_BTC_PERPETUAL = Instrument(
    symbol="BTC/USDT:USDT",
    kind=InstrumentKind.LINEAR_PERPETUAL,
    underlying="BTC",
    base="BTC",
    quote="USDT",
    settle="USDT",
    contract_size=Decimal(1),
    tick_size=Decimal("0.1"),
    lot_size=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    min_notional=Decimal(5),
)

LISTINGS: dict[str, Instrument] = {item.symbol: item for item in (_BTC_SPOT, _BTC_PERPETUAL)}


def find_instrument(symbol: str) -> Instrument:
    """The listing of a unified symbol.

    Raises:
        KeyError: nothing is listed under this symbol; the message names what is.
    """
    try:
        return LISTINGS[symbol]
    except KeyError:
        raise KeyError(f"unknown instrument {symbol!r}; listed are {', '.join(sorted(LISTINGS))}") from None
