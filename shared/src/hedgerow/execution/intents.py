"""An intent as the ledger holds it, and what the venue says about its order."""

from decimal import Decimal

import msgspec

from hedgerow.domain.orders import Side, TimeInForce
from hedgerow.execution.order_life import IntentState
from hedgerow.strategy.compiled import Mode


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """One decided leg. Quantities in contracts, prices in quote currency.

    Attributes:
        client_order_id: given at the claim; None before.
        cancel_requested_ns: when hedging decided to take the order back; None while it has not.
        venue: `namespace/name` of the Venue; account: which of its accounts.
    """

    id: int
    strategy_uid: str
    strategy: str
    generation: int
    decision: int
    leg: int
    mode: Mode
    venue: str
    account: str
    instrument: str
    side: Side
    quantity: Decimal
    limit_price: Decimal
    time_in_force: TimeInForce
    state: IntentState
    filled_quantity: Decimal
    decided_ns: int
    claimed_ns: int | None = None
    client_order_id: str | None = None
    reason: str = ""
    cancel_requested_ns: int | None = None


class VenueFill(msgspec.Struct, frozen=True, kw_only=True):
    """One execution as the venue reports it. `fee` in quote currency, negative when rebated."""

    execution_id: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    time_ns: int


class VenueExecution(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of the account, of whatever order. `client_order_id` is empty where somebody sent none."""

    client_order_id: str
    side: Side
    fill: VenueFill


class VenueOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue says of one order.

    Attributes:
        state: one of Accepted, PartiallyFilled, Filled, Cancelled, Rejected, Expired.
    """

    client_order_id: str
    venue_order_id: str
    state: IntentState
    filled_quantity: Decimal
    reason: str = ""


class Ticker(msgspec.Struct, frozen=True, kw_only=True):
    """The venue's own touch, from the executor's own poll. `previous_mid`: of the last sound one before it."""

    bid: Decimal
    ask: Decimal
    time_ns: int
    previous_mid: Decimal | None = None

    @property
    def is_sound(self) -> bool:
        """Whether there is a mid: both sides finite, positive and not crossed."""
        return self.bid.is_finite() and self.ask.is_finite() and 0 < self.bid < self.ask

    @property
    def mid(self) -> Decimal:
        return (self.bid + self.ask) / 2


def after(previous: Ticker | None, ticker: Ticker) -> Ticker:
    """The newest touch, with the mid that its jump is measured from: the last sound one, also when that one jumped."""
    if previous is None:
        return ticker
    mid = previous.mid if previous.is_sound else previous.previous_mid
    return msgspec.structs.replace(ticker, previous_mid=mid)
