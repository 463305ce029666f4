"""How a desk sorts what it trades."""

from enum import StrEnum

from hedgerow.domain.instruments import Instrument, InstrumentKind


class AssetClass(StrEnum):
    CRYPTO = "CRYPTO"
    EQUITY = "EQUITY"
    INDEX = "INDEX"


_OF_KIND: dict[InstrumentKind, AssetClass] = {
    InstrumentKind.SPOT: AssetClass.CRYPTO,
    InstrumentKind.LINEAR_PERPETUAL: AssetClass.CRYPTO,
}


def asset_class_of(instrument: Instrument) -> AssetClass:
    """The class that an instrument's kind belongs to."""
    return _OF_KIND[instrument.kind]
