"""What the twin does with a command: every rule, and every change of its state."""

from typing import NamedTuple

from hedgerow.kernels.book_records import Cancel, Fill
from hedgerow.kernels.book_words import (
    ANY_OWNER,
    BOTH_SIDES,
    BUY,
    MAX_POSITION,
    NO_PRICE,
    SELL,
    CancelReason,
    Flag,
    Kind,
    Reject,
    Status,
    TimeInForce,
)
from hedgerow.kernels.twin_commands import (
    Command,
    Rules,
    check_price,
    check_prices,
    check_quantity,
    check_shape,
    check_waiting,
    is_band,
    is_owner,
)
from hedgerow.kernels.twin_ladder import Ladder, Order
from hedgerow.kernels.twin_matching import Happenings, Positions, Taker, fills_whole, match
from hedgerow.kernels.twin_stops import Stops, would_trigger

_ORDER_KINDS = (Kind.LIMIT, Kind.MARKET, Kind.STOP, Kind.STOP_LIMIT)


class TwinReport(NamedTuple):
    """What one command did.

    Attributes:
        status: a `Status`.
        code: a `Reject`; 0 when accepted.
        filled, remaining: quantity of this order that this command traded, and that then rested or waited; before
            the stops that its trades set off (what these did is in the lists).
        fills, cancels, triggered: everything that happened, in order, triggered stops included.
    """

    status: int
    code: int
    filled: int
    remaining: int
    fills: list[Fill]
    cancels: list[Cancel]
    triggered: list[int]

    @property
    def text(self) -> str:
        return Reject(self.code).text


class Core:
    """One book's state; `execute` is all that changes it."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.changes = 0
        self.now_ns = 0
        self.last_trade: int | None = None
        self.orders: dict[int, Order] = {}
        self.ladders = {side: Ladder(side) for side in (BUY, SELL)}
        self.stops = Stops()
        self.positions = Positions()

    def execute(self, command: Command) -> TwinReport:
        if command.kind in _ORDER_KINDS:
            return self._submit(command)
        if command.kind == Kind.AMEND:
            return self._amend(command)
        if command.kind == Kind.CANCEL:
            return self._cancel(command)
        if command.kind == Kind.MASS_CANCEL:
            return self._mass_cancel(command)
        if command.kind == Kind.EXPIRE:
            return self._expire(command)
        if command.kind == Kind.SET_BAND:
            return self._set_band(command)
        if command.kind == Kind.SET_POSITION:
            return self._set_position(command)
        return _rejected(Reject.BAD_KIND)

    def _submit(self, command: Command) -> TwinReport:
        if code := self._check_order(command):
            return _rejected(code)
        self.changes += 1
        order = Order(
            command.order_id,
            command.owner,
            command.side,
            command.quantity,
            command.price,
            command.flags,
            kind=command.kind,
            stop_price=command.stop_price,
            display=command.display,
            expires_ns=command.expires_ns,
            # Only of these does the age decide anything; the place in the queue is the age of the others.
            sequence=self.changes if command.is_stop or command.expires_ns else 0,
        )
        if command.is_stop:
            self.orders[order.id] = order
            self.stops.add(order)
            return TwinReport(Status.WAITS_FOR_TRIGGER, Reject.NONE, 0, order.visible, [], [], [])
        return self._enter(order, command.waits)

    def _check_order(self, command: Command) -> Reject:
        """The first rule that an order breaks."""
        if code := check_shape(command):
            return code
        if command.order_id in self.orders:
            return Reject.DUPLICATE_ORDER_ID
        code = (
            check_prices(self.rules, command)
            or check_quantity(self.rules, command.quantity)
            or check_waiting(self.rules, command, self.now_ns)
        )
        if code:
            return code
        if command.is_stop:
            triggers = would_trigger(command.side, command.stop_price, self.last_trade)
            return Reject.STOP_WOULD_TRIGGER if triggers else Reject.NONE
        code = self._check_flags(command.owner, command.side, command.quantity, command.price, command.flags)
        if code or command.time_in_force != TimeInForce.FOK:
            return code
        taker = Taker(
            command.order_id,
            command.owner,
            command.side,
            self._limit(command.side, command.price),
            command.self_trade,
        )
        fills = fills_whole(self.ladders[-command.side], taker, command.quantity, self.positions)
        return Reject.NONE if fills else Reject.FOK_CANNOT_FILL

    def _check_flags(self, owner: int, side: int, quantity: int, price: int, flags: int) -> Reject:
        if flags & Flag.REDUCE_ONLY and quantity > self.positions.reducible(owner, side):
            return Reject.REDUCE_ONLY_EXCEEDS_POSITION
        if flags & Flag.POST_ONLY:
            against = self.ladders[-side]
            best = against.best()
            if best is not None and against.reaches(best, price):
                return Reject.POST_ONLY_WOULD_TAKE
        return Reject.NONE

    def _limit(self, side: int, price: int) -> int:
        """The worst price that an order takes: a market order's is the band's far end."""
        if price != NO_PRICE:
            return price
        return self.rules.high if side == BUY else self.rules.low

    def _enter(self, order: Order, waits: bool) -> TwinReport:
        """Match an accepted order, then the stops that it sets off."""
        happenings = Happenings()
        quantity = order.quantity
        status, remaining, filled = self._match(order, quantity, waits, happenings)
        self._trigger(happenings, 0)
        return TwinReport(
            status,
            Reject.NONE,
            filled,
            remaining,
            happenings.fills,
            happenings.cancels,
            happenings.triggered,
        )

    def _match(
        self, order: Order, quantity: int, waits: bool, happenings: Happenings
    ) -> tuple[Status, int, int]:
        """Match, then let the rest of the order wait or cancel it: status, what rests, what traded."""
        taker = Taker(
            order.id, order.owner, order.side, self._limit(order.side, order.price), order.self_trade
        )
        left, self_trade = match(
            self.ladders[-order.side], taker, quantity, self.positions, happenings, self._forget
        )
        filled = quantity - left
        if left == 0:
            return Status.FILLED, 0, filled
        if self_trade:
            happenings.cancels.append((order.id, left, int(CancelReason.SELF_TRADE)))
            return Status.CANCELLED, 0, filled
        if not waits:
            happenings.cancels.append((order.id, left, int(CancelReason.UNFILLED)))
            return Status.CANCELLED, 0, filled
        order.show(left)
        self.orders[order.id] = order
        self.ladders[order.side].add(order)
        return Status.RESTS, left, filled

    def _trigger(self, happenings: Happenings, seen: int) -> None:
        """Execute the stops that the fills from `seen` on set off, and those that these set off in turn."""
        queue: list[Order] = []
        while True:
            prices = [fill[2] for fill in happenings.fills[seen:]]
            if prices:
                self.last_trade = prices[-1]
                seen = len(happenings.fills)
                queue += self.stops.take_triggered(min(prices), max(prices))
            if not queue:
                return
            self._fire(queue.pop(0), happenings)

    def _fire(self, order: Order, happenings: Happenings) -> None:
        del self.orders[order.id]
        happenings.triggered.append(order.id)
        quantity = order.quantity
        if order.reduce_only:
            quantity = min(quantity, self.positions.reducible(order.owner, order.side))
            if cut := order.quantity - quantity:
                happenings.cancels.append((order.id, cut, int(CancelReason.REDUCE_ONLY)))
            if quantity == 0:
                return
        waits = order.kind == Kind.STOP_LIMIT
        order.stop_price = NO_PRICE
        order.kind = Kind.LIMIT
        if not order.expires_ns:
            order.sequence = 0
        self._match(order, quantity, waits, happenings)

    def _amend(self, command: Command) -> TwinReport:
        order = self.orders.get(command.order_id)
        if order is None:
            return _rejected(Reject.UNKNOWN_ORDER)
        if order.stop_price != NO_PRICE:
            return _rejected(Reject.STOP_CANNOT_BE_AMENDED)
        price = order.price if command.price == NO_PRICE else command.price
        moves = price != order.price
        code = check_quantity(self.rules, command.quantity)
        if moves and not code:
            code = check_price(self.rules, price)
        if code:
            return _rejected(code)
        if not moves and command.quantity == order.quantity:
            return _rejected(Reject.AMEND_CHANGES_NOTHING)
        if not moves and command.quantity < order.quantity:
            self.changes += 1
            self.ladders[order.side].reduce(order, command.quantity)
            return TwinReport(Status.RESTS, Reject.NONE, 0, command.quantity, [], [], [])
        if code := self._check_flags(order.owner, order.side, command.quantity, price, order.flags):
            return _rejected(code)
        self.changes += 1
        self.ladders[order.side].remove(order)
        self._forget(order)
        order.price = price
        order.visible, order.hidden = command.quantity, 0
        order.sequence = self.changes if order.expires_ns else 0
        return self._enter(order, True)

    def _cancel(self, command: Command) -> TwinReport:
        order = self.orders.get(command.order_id)
        if order is None:
            return _rejected(Reject.UNKNOWN_ORDER)
        self.changes += 1
        return _done([self._remove(order, CancelReason.REQUESTED)])

    def _mass_cancel(self, command: Command) -> TwinReport:
        if command.side not in (BUY, SELL, BOTH_SIDES):
            return _rejected(Reject.BAD_SIDE)
        if command.owner != ANY_OWNER and not is_owner(command.owner):
            return _rejected(Reject.BAD_OWNER)
        self.changes += 1
        everything = [*self.ladders[BUY].walk(), *self.ladders[SELL].walk(), *self.stops.by_age()]
        wanted = [
            order
            for order in everything
            if command.owner in (ANY_OWNER, order.owner) and command.side in (BOTH_SIDES, order.side)
        ]
        return _done([self._remove(order, CancelReason.REQUESTED) for order in wanted])

    def _expire(self, command: Command) -> TwinReport:
        if command.expires_ns < self.now_ns:
            return _rejected(Reject.TIME_WENT_BACK)
        self.changes += 1
        self.now_ns = command.expires_ns
        due = [order for order in self.orders.values() if 0 < order.expires_ns <= self.now_ns]
        due.sort(key=lambda order: (order.expires_ns, order.sequence))
        return _done([self._remove(order, CancelReason.EXPIRED) for order in due])

    def _set_band(self, command: Command) -> TwinReport:
        if not is_band(command.price, command.stop_price):
            return _rejected(Reject.BAD_BAND)
        self.changes += 1
        self.rules = self.rules._replace(low=command.price, high=command.stop_price)
        return _done([])

    def _set_position(self, command: Command) -> TwinReport:
        if not is_owner(command.owner):
            return _rejected(Reject.BAD_OWNER)
        if abs(command.quantity) > MAX_POSITION:
            return _rejected(Reject.BAD_POSITION)
        self.changes += 1
        self.positions.set(command.owner, command.quantity)
        return _done([])

    def _remove(self, order: Order, reason: CancelReason) -> Cancel:
        if order.stop_price == NO_PRICE:
            self.ladders[order.side].remove(order)
        else:
            self.stops.remove(order)
        self._forget(order)
        return order.id, order.quantity, int(reason)

    def _forget(self, order: Order) -> None:
        del self.orders[order.id]


def _rejected(code: Reject) -> TwinReport:
    return TwinReport(Status.REJECTED, code, 0, 0, [], [], [])


def _done(cancels: list[Cancel]) -> TwinReport:
    return TwinReport(Status.DONE, Reject.NONE, 0, 0, [], cancels, [])
