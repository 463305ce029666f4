"""How a desk sorts what it trades."""

from enum import StrEnum

from hedgerow.domain.instruments import LISTINGS, Instrument, InstrumentKind


class AssetClass(StrEnum):
    CRYPTO = "CRYPTO"
    EQUITY = "EQUITY"
    INDEX = "INDEX"


_OF_CASH: dict[InstrumentKind, AssetClass] = {
    InstrumentKind.SPOT: AssetClass.CRYPTO,
    InstrumentKind.EQUITY: AssetClass.EQUITY,
    InstrumentKind.INDEX: AssetClass.INDEX,
}


def asset_class_of(instrument: Instrument) -> AssetClass:
    """The class of what an instrument is, or is a contract on.

    Raises:
        KeyError: nothing is listed that is the contract's underlying itself.
    """
    if instrument.is_cash:
        return _OF_CASH[instrument.kind]
    for item in LISTINGS.values():
        if item.is_cash and item.underlying == instrument.underlying:
            return _OF_CASH[item.kind]
    raise KeyError(f"{instrument.symbol}: no cash listing of {instrument.underlying} tells its asset class")
