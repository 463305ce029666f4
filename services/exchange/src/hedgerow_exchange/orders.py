"""What the exchange is asked to do, and what it then knows. `Order` and `Execution` are also what the journal holds."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from hedgerow.domain.money import ZERO
from hedgerow.domain.orders import Side
from hedgerow_exchange.book import TimeInForce
from hedgerow_exchange.loans import Loans


class OrderType(StrEnum):
    LIMIT = "Limit"
    MARKET = "Market"


class OrderStatus(StrEnum):
    """Bybit's words. Only spot has a status of its own for an order that was filled in part, then cancelled."""

    NEW = "New"
    PARTIALLY_FILLED = "PartiallyFilled"
    FILLED = "Filled"
    CANCELLED = "Cancelled"
    PARTIALLY_FILLED_CANCELED = "PartiallyFilledCanceled"

    @property
    def is_open(self) -> bool:
        return self in (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED)


class PlaceOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A command. `price` is None for a market order; `client_order_id` is empty when none was given.

    `borrows`: a sale of shares may borrow what the account does not hold.
    """

    symbol: str
    side: Side
    order_type: OrderType
    quantity: Decimal
    price: Decimal | None
    time_in_force: TimeInForce
    client_order_id: str = ""
    reduce_only: bool = False
    borrows: bool = False


class Order(msgspec.Struct, kw_only=True, rename="camel"):
    """An order as it stands.

    Attributes:
        number: rises with every order of this exchange; also its id in the book.
        price: limit in quote currency; None for a market order.
        qty: in contracts (base units for spot).
        cum_exec_value: sum of quantity x price, in quote currency.
        cum_exec_fee: in `fee_coin`.
        reject_reason, cancel_type: Bybit's words for why what was left was cancelled.
    """

    number: int
    order_id: str
    order_link_id: str
    account: str
    symbol: str
    side: Side
    order_type: OrderType
    qty: Decimal
    price: Decimal | None
    time_in_force: TimeInForce
    reduce_only: bool
    fee_coin: str
    created_ns: int
    updated_ns: int
    status: OrderStatus = OrderStatus.NEW
    cum_exec_qty: Decimal = ZERO
    cum_exec_value: Decimal = ZERO
    cum_exec_fee: Decimal = ZERO
    reject_reason: str = "EC_NoError"
    cancel_type: str = ""

    @property
    def leaves_qty(self) -> Decimal:
        """What can still be filled; nothing once the order is final."""
        return self.qty - self.cum_exec_qty if self.status.is_open else ZERO


class Execution(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One fill of one account's order. `fee` is in `fee_coin`, `leaves_qty` is what the order had left."""

    number: int
    exec_id: str
    order_id: str
    order_link_id: str
    account: str
    symbol: str
    side: Side
    exec_qty: Decimal
    exec_price: Decimal
    fee: Decimal
    fee_rate: Decimal
    fee_coin: str
    is_maker: bool
    leaves_qty: Decimal
    time_ns: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one command changed: each order once, as it stands afterwards, the executions in their order, or an
    account's loans."""

    time_ns: int
    orders: tuple[Order, ...]
    executions: tuple[Execution, ...] = ()
    loans: Loans | None = None
