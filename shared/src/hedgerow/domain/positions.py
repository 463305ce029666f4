"""A position and what a fill does to it."""

from decimal import Decimal

import msgspec

from hedgerow.domain.money import ZERO
from hedgerow.domain.orders import Side, signed


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """How a position came about.

    Attributes:
        price: average of what is open, in quote currency.
        since_ns: when it was opened from nothing, or turned its side; what was added later makes it no younger.
    """

    price: Decimal
    since_ns: int


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """A signed holding of one instrument.

    Attributes:
        quantity: signed, in contracts (base units for spot).
        entry_price: average price of what is open, in quote currency; 0 when flat.
        realised_pnl: of what was closed, before fees, in quote currency.
        fees: paid so far, in quote currency (negative when rebated).
    """

    quantity: Decimal = ZERO
    entry_price: Decimal = ZERO
    realised_pnl: Decimal = ZERO
    fees: Decimal = ZERO


def apply_fill(
    position: Position, side: Side, quantity: Decimal, price: Decimal, fee: Decimal, contract_size: Decimal
) -> Position:
    """The position after a fill: opening averages the entry price, closing realises profit against it.

    Args:
        quantity: of the fill, in contracts, positive.
        contract_size: units of the underlying per contract.
    """
    change = signed(side, quantity)
    before = position.quantity
    after = before + change
    closed = min(abs(before), quantity) if before * change < 0 else ZERO
    direction = Decimal(1) if before > 0 else Decimal(-1)
    realised = closed * contract_size * (price - position.entry_price) * direction
    if after == 0:
        entry = ZERO
    elif before * change >= 0:
        entry = (abs(before) * position.entry_price + quantity * price) / abs(after)
    elif abs(change) > abs(before):
        entry = price
    else:
        entry = position.entry_price
    return Position(
        quantity=after,
        entry_price=entry,
        realised_pnl=position.realised_pnl + realised,
        fees=position.fees + fee,
    )
