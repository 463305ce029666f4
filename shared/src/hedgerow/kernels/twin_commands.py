"""A command of the twin, and the rules that it can break by itself."""

from typing import NamedTuple

from hedgerow.kernels.book_words import (
    ALL_FLAGS,
    BUY,
    MAX_PRICE,
    MAX_QUANTITY,
    NO_PRICE,
    OWNERS,
    SELF_TRADE_SHIFT,
    SELL,
    Flag,
    Kind,
    Reject,
    TimeInForce,
)

_WAITS = (TimeInForce.GTC, TimeInForce.GTD)
_TIMES_IN_FORCE: dict[int, tuple[TimeInForce, ...]] = {
    Kind.LIMIT: tuple(TimeInForce),
    Kind.MARKET: (TimeInForce.IOC, TimeInForce.FOK),
    Kind.STOP: _WAITS,
    Kind.STOP_LIMIT: _WAITS,
}


class Command(NamedTuple):
    """The fields of a `COMMAND` record, in its order."""

    order_id: int
    price: int
    quantity: int
    stop_price: int
    display: int
    expires_ns: int
    owner: int
    kind: int
    side: int
    time_in_force: int
    flags: int

    @property
    def waits(self) -> bool:
        return self.time_in_force in _WAITS

    @property
    def is_stop(self) -> bool:
        return self.kind in (Kind.STOP, Kind.STOP_LIMIT)

    @property
    def self_trade(self) -> int:
        return self.flags >> SELF_TRADE_SHIFT


class Rules(NamedTuple):
    """What a book allows: `tick` and `lot` are the steps of prices and quantities."""

    tick: int
    lot: int
    min_quantity: int
    max_quantity: int
    low: int
    high: int

    def validate(self) -> None:
        """
        Raises:
            ValueError: a rule makes no sense; the message names it.
        """
        for name in ("tick", "lot", "min_quantity", "max_quantity"):
            value = getattr(self, name)
            most = MAX_PRICE if name == "tick" else MAX_QUANTITY
            if not 1 <= value <= most:
                raise ValueError(f"{name} is {value}; it should be between 1 and {most}")
        if self.min_quantity > self.max_quantity:
            raise ValueError(f"min_quantity {self.min_quantity} is above max_quantity {self.max_quantity}")
        if not is_band(self.low, self.high):
            raise ValueError(
                f"the price band {self.low} to {self.high} should rise and stay within {MAX_PRICE} up and down"
            )


def is_band(low: int, high: int) -> bool:
    return -MAX_PRICE <= low <= high <= MAX_PRICE


def is_owner(owner: int) -> bool:
    return 0 <= owner < OWNERS


def check_shape(command: Command) -> Reject:
    """Whether an order's fields go together, whatever the book holds; the first rule broken."""
    if command.side not in (BUY, SELL):
        return Reject.BAD_SIDE
    if not is_owner(command.owner):
        return Reject.BAD_OWNER
    if command.time_in_force not in _TIMES_IN_FORCE[command.kind]:
        return Reject.BAD_TIME_IN_FORCE
    if command.flags & ~ALL_FLAGS:
        return Reject.BAD_FLAGS
    if command.flags & Flag.POST_ONLY and not (command.kind == Kind.LIMIT and command.waits):
        return Reject.POST_ONLY_NOT_ALLOWED
    return Reject.NONE


def check_price(rules: Rules, price: int) -> Reject:
    if price % rules.tick:
        return Reject.PRICE_OFF_TICK
    if not rules.low <= price <= rules.high:
        return Reject.PRICE_OUTSIDE_BAND
    return Reject.NONE


def check_prices(rules: Rules, command: Command) -> Reject:
    """An order's price and stop price."""
    if command.kind in (Kind.LIMIT, Kind.STOP_LIMIT):
        if command.price == NO_PRICE:
            return Reject.PRICE_REQUIRED
        if code := check_price(rules, command.price):
            return code
    elif command.price != NO_PRICE:
        return Reject.PRICE_NOT_ALLOWED
    if not command.is_stop:
        return Reject.NONE if command.stop_price == NO_PRICE else Reject.STOP_PRICE_NOT_ALLOWED
    if command.stop_price == NO_PRICE:
        return Reject.STOP_PRICE_REQUIRED
    if command.stop_price % rules.tick:
        return Reject.PRICE_OFF_TICK
    return Reject.NONE if abs(command.stop_price) <= MAX_PRICE else Reject.PRICE_OUTSIDE_BAND


def check_quantity(rules: Rules, quantity: int) -> Reject:
    if quantity < rules.min_quantity:
        return Reject.QUANTITY_TOO_SMALL
    if quantity > rules.max_quantity:
        return Reject.QUANTITY_TOO_LARGE
    return Reject.QUANTITY_OFF_LOT if quantity % rules.lot else Reject.NONE


def check_waiting(rules: Rules, command: Command, now_ns: int) -> Reject:
    """What an order says about how it waits: the part to display, and its expiry."""
    if command.display:
        if command.price == NO_PRICE or not command.waits:
            return Reject.DISPLAY_NOT_ALLOWED
        if not 0 < command.display < command.quantity or command.display % rules.lot:
            return Reject.BAD_DISPLAY
    if command.time_in_force != TimeInForce.GTD:
        return Reject.EXPIRY_NOT_ALLOWED if command.expires_ns else Reject.NONE
    if command.expires_ns == 0:
        return Reject.EXPIRY_REQUIRED
    return Reject.EXPIRY_PASSED if command.expires_ns <= now_ns else Reject.NONE
