"""What a position brought in: cash and worth, exact. Pure."""

from decimal import Decimal

from hedgerow.domain.instruments import Instrument
from hedgerow.domain.money import ZERO
from hedgerow.domain.orders import Side, signed
from hedgerow.domain.positions import Entry, Position, apply_fill


class Holding:
    """A position in one instrument, with what was paid and got for it."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.position = Position()
        self.entry: Entry | None = None
        self._cash = ZERO

    def trade(self, side: Side, quantity: Decimal, price: Decimal, time_ns: int, fee: Decimal = ZERO) -> None:
        before = self.position.quantity
        size = self.instrument.contract_size
        self.position = apply_fill(self.position, side, quantity, price, fee, size)
        self._cash -= signed(side, quantity) * size * price
        after = self.position.quantity
        if not after:
            self.entry = None
            return
        opened = self.entry is None or before * after < 0
        since_ns = time_ns if self.entry is None or opened else self.entry.since_ns
        self.entry = Entry(price=self.position.entry_price, since_ns=since_ns)

    def profit(self, mid: Decimal) -> Decimal:
        """Realised and unrealised, before fees, in quote currency."""
        return self._cash + self.position.quantity * self.instrument.contract_size * mid
