"""The order book in plain Python: the oracle of the native one, and its stand-in where that is not built."""

import numpy as np
from numpy.typing import NDArray

from hedgerow.kernels import twin_snapshot
from hedgerow.kernels.book_records import (
    CANCEL,
    COMMAND,
    FILL,
    REPORT,
    TRIGGER,
    BatchReport,
    flags_of,
)
from hedgerow.kernels.book_words import (
    ANY_OWNER,
    BOTH_SIDES,
    BUY,
    MAX_QUANTITY,
    NO_PRICE,
    SELL,
    Kind,
    SelfTrade,
    TimeInForce,
)
from hedgerow.kernels.twin_commands import (
    Command,
    Rules,
)
from hedgerow.kernels.twin_core import Core, TwinReport
from hedgerow.kernels.twin_ladder import Ladder

_ORDER_KINDS = (Kind.LIMIT, Kind.MARKET, Kind.STOP, Kind.STOP_LIMIT)


class TwinOrderBook:
    """One instrument's orders, matched by price, then time.

    Prices and quantities are integers; the caller chooses their units (say, ticks and lots). Nothing has a
    clock or a random number: the same commands give the same book, byte for byte. A command that breaks a rule
    comes back with a `Reject` code and has changed nothing. Order ids are 64-bit and unique among open orders.

    Matching. A fill is at the resting order's price. An iceberg that has shown all of its displayed part shows
    the next one at the end of its queue. A market order does not trade beyond the price band's far end; the
    band does not bind resting orders. A stop order is set off by a trade at its stop price or beyond; stops that
    one command sets off are executed in the order of their arrival, and what they set off after them.

    Reduce-only. The book counts each owner's position (see `set_position`). An order larger than the position
    that it may reduce is rejected. When a resting one is reached, it trades no more than it then reduces, and
    what cannot reduce any more is cancelled; a triggered stop is cut to what it then reduces.
    """

    def __init__(
        self,
        *,
        tick: int = 1,
        lot: int = 1,
        min_quantity: int = 1,
        max_quantity: int = MAX_QUANTITY,
        low: int = 1,
        high: int = 2**53,
    ) -> None:
        """
        Args:
            tick, lot: steps of prices and of quantities.
            min_quantity, max_quantity: of one order.
            low, high: the price band; see `set_band`.

        Raises:
            ValueError: a rule makes no sense; the message names it.
        """
        rules = Rules(tick, lot, min_quantity, max_quantity, low, high)
        rules.validate()
        self._core = Core(rules)

    @property
    def changes(self) -> int:
        """How many commands were accepted."""
        return self._core.changes

    @property
    def last_trade(self) -> int | None:
        return self._core.last_trade

    @property
    def now_ns(self) -> int:
        """The time of the last `expire`; the book does not know another."""
        return self._core.now_ns

    def limit(
        self,
        order_id: int,
        owner: int,
        side: int,
        quantity: int,
        price: int,
        time_in_force: int = TimeInForce.GTC,
        *,
        post_only: bool = False,
        reduce_only: bool = False,
        display: int = 0,
        expires_ns: int = 0,
        self_trade: int = SelfTrade.CANCEL_NEWEST,
    ) -> TwinReport:
        """A limit order; an iceberg when `display` (the part to show) is not 0."""
        flags = flags_of(post_only, reduce_only, self_trade)
        return self._core.execute(
            _command(
                Kind.LIMIT,
                order_id,
                owner=owner,
                side=side,
                quantity=quantity,
                price=price,
                time_in_force=time_in_force,
                flags=flags,
                display=display,
                expires_ns=expires_ns,
            )
        )

    def market(
        self,
        order_id: int,
        owner: int,
        side: int,
        quantity: int,
        time_in_force: int = TimeInForce.IOC,
        *,
        reduce_only: bool = False,
        self_trade: int = SelfTrade.CANCEL_NEWEST,
    ) -> TwinReport:
        flags = flags_of(False, reduce_only, self_trade)
        return self._core.execute(
            _command(
                Kind.MARKET,
                order_id,
                owner=owner,
                side=side,
                quantity=quantity,
                time_in_force=time_in_force,
                flags=flags,
            )
        )

    def stop(
        self,
        order_id: int,
        owner: int,
        side: int,
        quantity: int,
        stop_price: int,
        price: int | None = None,
        time_in_force: int = TimeInForce.GTC,
        *,
        reduce_only: bool = False,
        display: int = 0,
        expires_ns: int = 0,
        self_trade: int = SelfTrade.CANCEL_NEWEST,
    ) -> TwinReport:
        """A stop order, or a stop-limit order when it has a price. Buys wait below their stop price, sells above."""
        flags = flags_of(False, reduce_only, self_trade)
        return self._core.execute(
            _command(
                Kind.STOP if price is None else Kind.STOP_LIMIT,
                order_id,
                owner=owner,
                side=side,
                quantity=quantity,
                price=NO_PRICE if price is None else price,
                stop_price=stop_price,
                time_in_force=time_in_force,
                flags=flags,
                display=display,
                expires_ns=expires_ns,
            )
        )

    def amend(self, order_id: int, quantity: int, price: int | None = None) -> TwinReport:
        """Give a resting order another open quantity or price. Less quantity at the same price keeps its place
        in the queue (an iceberg gives hidden quantity first); anything else makes it a new arrival that may
        trade."""
        wanted = NO_PRICE if price is None else price
        return self._core.execute(_command(Kind.AMEND, order_id, quantity=quantity, price=wanted))

    def cancel(self, order_id: int) -> TwinReport:
        return self._core.execute(_command(Kind.CANCEL, order_id))

    def cancel_all(self, owner: int | None = None, side: int = BOTH_SIDES) -> TwinReport:
        """Cancel resting bids, asks (best first), then stops (oldest first): an owner's or all, of a side or both."""
        wanted = ANY_OWNER if owner is None else owner
        return self._core.execute(_command(Kind.MASS_CANCEL, owner=wanted, side=side))

    def expire(self, now_ns: int) -> TwinReport:
        """Set the book's time, and cancel the GTD orders whose expiry has come, earliest first."""
        return self._core.execute(_command(Kind.EXPIRE, expires_ns=now_ns))

    def set_band(self, low: int, high: int) -> TwinReport:
        """The prices allowed to new orders, both ends included. Resting orders stay."""
        return self._core.execute(_command(Kind.SET_BAND, price=low, stop_price=high))

    def set_position(self, owner: int, quantity: int) -> TwinReport:
        """State an owner's position, positive when long; fills move it from there (0 until stated)."""
        return self._core.execute(_command(Kind.SET_POSITION, owner=owner, quantity=quantity))

    def run(self, commands: NDArray[np.void]) -> BatchReport:
        """Execute commands (`COMMAND` records) in order.

        Raises:
            ValueError: the array is not one-dimensional and contiguous, or not of dtype `COMMAND`.
        """
        if commands.dtype != COMMAND:
            raise ValueError(
                f"commands have dtype {commands.dtype}; it should be COMMAND (see blank_commands)"
            )
        if commands.ndim != 1 or not commands.flags.c_contiguous:
            raise ValueError("commands should be a contiguous, one-dimensional array")
        reports = np.zeros(len(commands), REPORT)
        fills: list[tuple[int, ...]] = []
        cancels: list[tuple[int, ...]] = []
        triggers: list[tuple[int, ...]] = []
        for index, record in enumerate(commands.tolist()):
            report = self._core.execute(Command(*record))
            reports[index] = (report.filled, report.remaining, report.code, report.status, b"")
            fills += [(*fill, index) for fill in report.fills]
            cancels += [(*cancel, index) for cancel in report.cancels]
            triggers += [(order_id, index) for order_id in report.triggered]
        return BatchReport(
            reports, np.array(fills, FILL), np.array(cancels, CANCEL), np.array(triggers, TRIGGER)
        )

    def best(self, side: int) -> int | None:
        """
        Raises:
            ValueError: `side` is neither 1 nor -1 (so do the other questions about a side).
        """
        return self._ladder(side).best()

    def levels(self, side: int, limit: int) -> list[tuple[int, int]]:
        """(price, displayed quantity) of the best levels, best first."""
        ladder = self._ladder(side)
        return [(price, ladder.levels[price].visible) for price in ladder.prices(limit)]

    def queue(self, side: int, price: int) -> list[int]:
        """Ids of the orders that rest at a price, first in line first."""
        level = self._ladder(side).levels.get(price)
        return [] if level is None else list(level.orders)

    def remaining(self, order_id: int) -> int:
        """Quantity that an order still has, hidden included; 0 when it is not in the book."""
        order = self._core.orders.get(order_id)
        return 0 if order is None else order.quantity

    def position(self, owner: int) -> int:
        return self._core.positions.of(owner)

    def orders(self) -> NDArray[np.void]:
        """Every open order as an `ORDER` record: bids, asks (best first, then by time), stops (oldest first)."""
        return twin_snapshot.order_records(self._core)

    def __len__(self) -> int:
        """How many orders are open, stops included."""
        return len(self._core.orders)

    def __contains__(self, order_id: int) -> bool:
        return order_id in self._core.orders

    def snapshot(self) -> bytes:
        """The whole state, in a form that the native book and its twin share to the byte."""
        return twin_snapshot.encode(self._core)

    @classmethod
    def restore(cls, snapshot: bytes) -> "TwinOrderBook":
        """
        Raises:
            ValueError: these are not the bytes of a snapshot, or not of this version; the message says what is wrong.
        """
        book = cls()
        book._core = twin_snapshot.decode(snapshot)
        return book

    def state_hash(self) -> str:
        """SHA-256 of the state, in hexadecimal: equal states have equal hashes."""
        return twin_snapshot.state_hash(self.snapshot())

    def _ladder(self, side: int) -> Ladder:
        if side not in (BUY, SELL):
            raise ValueError(f"side is {side}; it should be {BUY} (buy) or {SELL} (sell)")
        return self._core.ladders[side]


def _command(
    kind: Kind,
    order_id: int = 0,
    *,
    owner: int = 0,
    side: int = BUY,
    quantity: int = 0,
    price: int = NO_PRICE,
    stop_price: int = NO_PRICE,
    time_in_force: int = TimeInForce.GTC,
    flags: int = 0,
    display: int = 0,
    expires_ns: int = 0,
) -> Command:
    """
    Raises:
        OverflowError: a number does not fit into 64 bits.
    """
    command = Command(
        order_id,
        price,
        quantity,
        stop_price,
        display,
        expires_ns,
        owner,
        kind,
        side,
        time_in_force,
        flags,
    )
    for name, value in zip(Command._fields, command, strict=True):
        if not -(2**63) <= value < 2**63:
            raise OverflowError(f"{name} is {value}, which does not fit into 64 bits")
    return command
