"""What can be traded or held, in ccxt's unified symbology (`BTC/USDT`, `BTC/USDT:USDT`)."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from hedgerow.domain.money import ceil_to_step, is_on_step


class InstrumentKind(StrEnum):
    SPOT = "Spot"
    LINEAR_PERPETUAL = "LinearPerpetual"
    LINEAR_FUTURE = "LinearFuture"
    EQUITY = "Equity"
    INDEX = "Index"


# What can be sold short, so that it can hedge either way. Coins cannot: nothing lends them here.
_HEDGES = frozenset({InstrumentKind.LINEAR_PERPETUAL, InstrumentKind.LINEAR_FUTURE, InstrumentKind.EQUITY})


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One listing and the rules its venue enforces.

    Attributes:
        symbol: unified symbol, the only spelling used inside Hedgerow.
        underlying: what its delta is measured in, e.g. `BTC`.
        settle: what a contract pays out in; None for what is held itself.
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

    @property
    def is_cash(self) -> bool:
        """Whether it is what is held itself (a coin, a share, exposure to an index), not a contract on it."""
        return self.settle is None

    @property
    def is_tradable(self) -> bool:
        """Whether a venue trades it. An index has a price only."""
        return self.kind is not InstrumentKind.INDEX

    @property
    def is_traded_for_real(self) -> bool:
        """Whether real venues trade it under this symbol. Shares and index futures are traded for real where ccxt does
        not reach; here they are on the built-in exchange only."""
        return self.kind in (InstrumentKind.SPOT, InstrumentKind.LINEAR_PERPETUAL)

    @property
    def can_hedge(self) -> bool:
        """Whether it is traded and can be sold short."""
        return self.kind in _HEDGES

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


def _listed(
    symbol: str,
    kind: InstrumentKind,
    *,
    base: str,
    quote: str,
    settle: str | None = None,
    contract_size: str = "1",
    tick: str,
    lot: str,
    min_notional: str = "5",
) -> Instrument:
    return Instrument(
        symbol=symbol,
        kind=kind,
        underlying=base,
        base=base,
        quote=quote,
        settle=settle,
        contract_size=Decimal(contract_size),
        tick_size=Decimal(tick),
        lot_size=Decimal(lot),
        min_quantity=Decimal(lot),
        min_notional=Decimal(min_notional),
    )


def _crypto_spot(coin: str, lot: str) -> Instrument:
    return _listed(f"{coin}/USDT", InstrumentKind.SPOT, base=coin, quote="USDT", tick="0.01", lot=lot)


def _crypto_perpetual(coin: str, tick: str, lot: str) -> Instrument:
    return _listed(
        f"{coin}/USDT:USDT",
        InstrumentKind.LINEAR_PERPETUAL,
        base=coin,
        quote="USDT",
        settle="USDT",
        tick=tick,
        lot=lot,
    )


# Whole shares, in a margin account: sold short by borrowing.
_NVDA = _listed(
    "NVDA/USD", InstrumentKind.EQUITY, base="NVDA", quote="USD", tick="0.01", lot="1", min_notional="1"
)
# The index itself: a number. Clients hold exposure to it with the desk; no venue trades it.
_SPX = _listed("SPX", InstrumentKind.INDEX, base="SPX", quote="USD", tick="0.01", lot="0.01")
# 5 USD a point, as the Micro E-mini. Dated years ahead, as US venues date their perpetual-style futures, so that it
# stays near the index and nothing must be rolled.
_SPX_FUTURE = _listed(
    "SPX/USD:USD-301220",
    InstrumentKind.LINEAR_FUTURE,
    base="SPX",
    quote="USD",
    settle="USD",
    contract_size="5",
    tick="0.25",
    lot="1",
)

LISTINGS: dict[str, Instrument] = {
    item.symbol: item
    for item in (
        _crypto_spot("BTC", lot="0.00001"),
        _crypto_perpetual("BTC", tick="0.1", lot="0.001"),
        _crypto_spot("ETH", lot="0.0001"),
        _crypto_perpetual("ETH", tick="0.01", lot="0.01"),
        _NVDA,
        _SPX,
        _SPX_FUTURE,
    )
}


def find_instrument(symbol: str) -> Instrument:
    """The listing of a unified symbol.

    Raises:
        KeyError: nothing is listed under this symbol; the message names what is.
    """
    try:
        return LISTINGS[symbol]
    except KeyError:
        raise KeyError(f"unknown instrument {symbol!r}; listed are {', '.join(sorted(LISTINGS))}") from None
