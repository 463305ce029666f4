"""The exchange itself: commands in, outcomes out. No clock and no I/O; a command's time comes with it."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from hedgerow.domain.money import ZERO, plain
from hedgerow.domain.orders import Side
from hedgerow_exchange.accounts import Account, fee_coin, fee_of
from hedgerow_exchange.book import Ending, ExchangeBook, Match, TimeInForce, Trade
from hedgerow_exchange.listings import Listing
from hedgerow_exchange.loans import Loans
from hedgerow_exchange.orders import Execution, Order, OrderStatus, OrderType, Outcome, PlaceOrder
from hedgerow_exchange.refusals import Reason, Refused

MAX_CLIENT_ORDER_ID = 36

_REJECT_REASONS = {
    Ending.NOTHING_LEFT_TO_TAKE: "EC_NoImmediateQtyToFill",
    Ending.CANNOT_FILL_WHOLE: "EC_NoEnoughQtyToFill",
    Ending.WOULD_TAKE: "EC_PostOnlyWillTakeLiquidity",
    Ending.SELF_TRADE: "EC_BySelfMatch",
}


class Engine:
    """Every account and every book.

    Orders in a book that the engine does not know are the liquidity maker's: they trade, but are not accounted.
    """

    def __init__(
        self,
        listings: Mapping[str, Listing],
        accounts: Iterable[str],
        id_prefix: str,
    ) -> None:
        """
        Args:
            id_prefix: eight hexadecimal digits that tell this exchange's ids from those of another journal.
        """
        self.listings = listings
        self.books = {symbol: ExchangeBook() for symbol in listings}
        self.accounts = {name: Account(name) for name in accounts}
        self.last_price: dict[str, Decimal] = {}
        self._id_prefix = id_prefix
        self._open_orders: dict[int, Order] = {}
        self._orders_made = 0
        self._executions_made = 0

    def open_account(self, name: str) -> None:
        """An account of this name exists from now on, if it did not."""
        self.accounts.setdefault(name, Account(name))

    def mark(self, symbol: str) -> Decimal | None:
        """The mid of the touch, else the last trade's price, else nothing."""
        bid, ask = self.books[symbol].best(Side.BUY), self.books[symbol].best(Side.SELL)
        if bid is None or ask is None:
            return self.last_price.get(symbol)
        return self.listings[symbol].price(bid + ask) / 2

    def open_interest(self, symbol: str) -> Decimal:
        """Contracts held long by anybody, the maker included, who holds what the accounts' net leaves over."""
        sizes = [account.position(symbol).quantity for account in self.accounts.values()]
        longs = sum((size for size in sizes if size > 0), ZERO)
        shorts = -sum((size for size in sizes if size < 0), ZERO)
        return max(longs, shorts)

    def touch_of_orders(self, symbol: str) -> tuple[int | None, int | None]:
        """Best bid and ask in ticks among the accounts' own orders, the maker's quotes left out."""
        prices: dict[Side, list[int]] = {Side.BUY: [], Side.SELL: []}
        for order in self._open_orders.values():
            if order.symbol == symbol and order.price is not None:
                prices[order.side].append(self.listings[symbol].ticks(order.price))
        return max(prices[Side.BUY], default=None), min(prices[Side.SELL], default=None)

    def place(
        self, account_name: str, command: PlaceOrder, now_ns: int, fraction: Decimal | None = None
    ) -> Outcome:
        """Check an order, match it, and let it wait or end.

        Args:
            fraction: a fault: an IOC order finds only that much of its quantity in the book, and one that rests is
                filled by that much at once. At least one lot; a FOK order is left alone.

        Raises:
            Refused: the order breaks a rule; nothing was changed.
        """
        account = self.accounts[account_name]
        listing = self.listings[command.symbol]
        lots = listing.lots(command.quantity)
        ticks = None if command.price is None else listing.ticks(command.price)
        self._check(account, listing, command)
        order = self._make_order(account, listing, command, now_ns)
        seen = lots
        if fraction is not None and command.time_in_force is TimeInForce.IOC:
            seen = max(1, int(lots * fraction))
        match = self.books[command.symbol].submit(
            order.number, account.name, command.side, seen, ticks, command.time_in_force
        )
        if seen < lots:
            match = Match(
                match.trades, match.remaining + lots - seen, match.ending or Ending.NOTHING_LEFT_TO_TAKE
            )
        touched: dict[int, Order] = {order.number: order}
        executions: list[Execution] = []
        for trade in match.trades:
            executions += self._execute(order, listing, trade, touched, now_ns)
        _conclude(order, match, listing.is_spot)
        if fraction is not None and order.status.is_open:
            executions.append(self._fill_resting(order, fraction, now_ns))
        for changed in touched.values():
            self._keep(changed)
        return Outcome(time_ns=now_ns, orders=tuple(touched.values()), executions=tuple(executions))

    def cancel(
        self, account_name: str, symbol: str, order_id: str, client_order_id: str, now_ns: int
    ) -> Outcome:
        """Cancel one open order, by either id.

        Raises:
            Refused: this account has no such open order.
        """
        order = self.accounts[account_name].find(order_id, client_order_id)
        if order is None or order.symbol != symbol or not order.status.is_open:
            name = order_id or client_order_id
            raise Refused(
                Reason.ORDER_NOT_FOUND,
                f"order not exists or too late to cancel: no open order {name!r} of {symbol}",
                self.listings[symbol].is_spot,
            )
        return self._cancel([order], now_ns)

    def fill_part(self, orders: Iterable[Order], fraction: Decimal, now_ns: int) -> Outcome:
        """A fault: fill each open order by a fraction of what it has left (at least one lot) at its own price."""
        filled = [order for order in orders if order.status.is_open]
        executions = [self._fill_resting(order, fraction, now_ns) for order in filled]
        for order in filled:
            self._keep(order)
        return Outcome(time_ns=now_ns, orders=tuple(filled), executions=tuple(executions))

    def cancel_all(self, account_name: str, symbols: Iterable[str], now_ns: int) -> Outcome:
        """Cancel every open order of an account in these instruments."""
        wanted = set(symbols)
        open_orders = self.accounts[account_name].open_orders.values()
        return self._cancel([order for order in open_orders if order.symbol in wanted], now_ns)

    def set_loans(self, loans: Loans) -> None:
        """Let an account's loans be so."""
        # Accounts whose keys are gone keep what they owe.
        self.accounts.setdefault(loans.account, Account(loans.account)).set_loans(loans)

    def restore(self, outcome: Outcome) -> None:
        """Take in one journaled outcome; call `reopen` after the last.

        Raises:
            ValueError: it does not follow from what was taken in before; the message says how.
        """
        if outcome.loans is not None:
            self.set_loans(outcome.loans)
        for execution in outcome.executions:
            self._account_of(execution).apply(execution, self._listing_of(execution).instrument)
            self.last_price[execution.symbol] = execution.exec_price
            self._executions_made = max(self._executions_made, execution.number)
        for order in outcome.orders:
            self._listing_of(order)
            account = self._account_of(order)
            filled = sum((e.exec_qty for e in outcome.executions if e.order_id == order.order_id), ZERO)
            before = account.orders.get(order.order_id)
            filled += before.cum_exec_qty if before else ZERO
            if filled != order.cum_exec_qty:
                raise ValueError(
                    f"order {order.order_id} says {plain(order.cum_exec_qty)} filled, its executions {plain(filled)}"
                )
            self._keep(order)
            self._orders_made = max(self._orders_made, order.number)

    def reopen(self) -> None:
        """Put the restored open orders back into their books, oldest first, as they stood in the queue."""
        for _, order in sorted(self._open_orders.items()):
            listing = self.listings[order.symbol]
            if order.price is None:
                raise ValueError(f"order {order.order_id} is open, but has no price")
            self.books[order.symbol].rest(
                order.number,
                order.account,
                order.side,
                int(order.leaves_qty / listing.instrument.lot_size),
                listing.ticks(order.price),
            )

    def _check(self, account: Account, listing: Listing, command: PlaceOrder) -> None:
        name = command.client_order_id
        if len(name) > MAX_CLIENT_ORDER_ID:
            raise Refused(Reason.BAD_PARAMETER, f"orderLinkId {name!r} is longer than {MAX_CLIENT_ORDER_ID}")
        if name and name in account.by_client_id:
            raise Refused(
                Reason.DUPLICATE_CLIENT_ORDER_ID, f"OrderLinkedID is duplicate: {name!r}", listing.is_spot
            )
        waits = command.time_in_force in (TimeInForce.GTC, TimeInForce.POST_ONLY)
        if command.order_type is OrderType.MARKET and (waits or command.price is not None):
            raise Refused(Reason.BAD_PARAMETER, "a Market order is IOC or FOK and has no price")
        if command.order_type is OrderType.LIMIT and command.price is None:
            raise Refused(Reason.BAD_PARAMETER, "a Limit order needs a price")
        if command.reduce_only and (waits or listing.is_spot):
            raise Refused(
                Reason.BAD_PARAMETER,
                "reduceOnly is for contracts, with timeInForce IOC or FOK",
                listing.is_spot,
            )
        if command.borrows and not listing.is_lendable:
            raise Refused(
                Reason.BAD_PARAMETER,
                f"isLeverage=1: {command.symbol} is not lent here; sell what the account holds",
                listing.is_spot,
            )
        account.check_reduces(command)
        best = self.books[command.symbol].best(command.side.opposite)
        touch = None if best is None else listing.price(best)
        price = command.price or touch
        if price is None:
            return  # a market order against an empty side trades nothing, so there is nothing to value
        if not command.reduce_only:
            listing.check_notional(command.quantity, price)
        if command.side is Side.SELL and touch is not None:
            price = max(price, touch)  # a sale below the touch is done at the touch
        account.check_affords(command, listing, price, self.listings, self.mark)

    def _make_order(self, account: Account, listing: Listing, command: PlaceOrder, now_ns: int) -> Order:
        self._orders_made += 1
        return Order(
            number=self._orders_made,
            order_id=self._id(1, self._orders_made),
            order_link_id=command.client_order_id,
            account=account.name,
            symbol=command.symbol,
            side=command.side,
            order_type=command.order_type,
            qty=command.quantity,
            price=command.price,
            time_in_force=command.time_in_force,
            reduce_only=command.reduce_only,
            fee_coin=fee_coin(listing.instrument, command.side),
            created_ns=now_ns,
            updated_ns=now_ns,
        )

    def _execute(
        self, taker: Order, listing: Listing, trade: Trade, touched: dict[int, Order], now_ns: int
    ) -> list[Execution]:
        quantity, price = listing.quantity(trade.quantity), listing.price(trade.price)
        self.last_price[taker.symbol] = price
        executions = [self._fill(taker, listing, quantity, price, False, now_ns)]
        resting = self._open_orders.get(trade.resting_id)
        if resting is not None:
            executions.append(self._fill(resting, listing, quantity, price, True, now_ns))
            resting.status = OrderStatus.PARTIALLY_FILLED if resting.leaves_qty else OrderStatus.FILLED
            touched[resting.number] = resting
        return executions

    def _fill_resting(self, order: Order, fraction: Decimal, now_ns: int) -> Execution:
        listing, book = self.listings[order.symbol], self.books[order.symbol]
        assert order.price is not None  # it rests
        lots = book.remaining(order.number)
        taken = max(1, int(lots * fraction))
        if taken < lots:
            book.reduce(order.number, lots - taken)
        else:
            book.cancel(order.number)
        self.last_price[order.symbol] = order.price
        execution = self._fill(order, listing, listing.quantity(taken), order.price, True, now_ns)
        order.status = OrderStatus.PARTIALLY_FILLED if taken < lots else OrderStatus.FILLED
        return execution

    def _fill(
        self, order: Order, listing: Listing, quantity: Decimal, price: Decimal, is_maker: bool, now_ns: int
    ) -> Execution:
        instrument = listing.instrument
        rate = listing.maker_fee if is_maker else listing.taker_fee
        fee = fee_of(instrument, order.side, quantity, price, rate)
        order.cum_exec_qty += quantity
        order.cum_exec_value += instrument.notional(quantity, price)
        order.cum_exec_fee += fee
        order.updated_ns = now_ns
        self._executions_made += 1
        execution = Execution(
            number=self._executions_made,
            exec_id=self._id(2, self._executions_made),
            order_id=order.order_id,
            order_link_id=order.order_link_id,
            account=order.account,
            symbol=order.symbol,
            side=order.side,
            exec_qty=quantity,
            exec_price=price,
            fee=fee,
            fee_rate=rate,
            fee_coin=order.fee_coin,
            is_maker=is_maker,
            leaves_qty=order.qty - order.cum_exec_qty,
            time_ns=now_ns,
        )
        self.accounts[order.account].apply(execution, instrument)
        return execution

    def _cancel(self, orders: list[Order], now_ns: int) -> Outcome:
        for order in orders:
            self.books[order.symbol].cancel(order.number)
            _end(order, "EC_PerCancelRequest", "CancelByUser", self.listings[order.symbol].is_spot)
            order.updated_ns = now_ns
            self._keep(order)
        return Outcome(time_ns=now_ns, orders=tuple(orders))

    def _keep(self, order: Order) -> None:
        self.accounts[order.account].keep(order)
        if order.status.is_open:
            self._open_orders[order.number] = order
        else:
            self._open_orders.pop(order.number, None)

    def _account_of(self, record: Order | Execution) -> Account:
        # Accounts whose keys are gone keep their orders and positions.
        return self.accounts.setdefault(record.account, Account(record.account))

    def _listing_of(self, record: Order | Execution) -> Listing:
        try:
            return self.listings[record.symbol]
        except KeyError:
            raise ValueError(
                f"order {record.order_id} is of {record.symbol}, which is not listed; listed are "
                f"{', '.join(sorted(self.listings))}"
            ) from None

    def _id(self, kind: int, number: int) -> str:
        return f"{self._id_prefix}-{kind:04x}-4000-8000-{number:012x}"


def _conclude(order: Order, match: Match, spot: bool) -> None:
    """Give an incoming order the status that its match leaves it in."""
    if match.remaining == 0:
        order.status = OrderStatus.FILLED
    elif match.ending is None:
        order.status = OrderStatus.PARTIALLY_FILLED if match.trades else OrderStatus.NEW
    else:
        cancel_type = "CancelBySmp" if match.ending is Ending.SELF_TRADE else "UNKNOWN"
        _end(order, _REJECT_REASONS[match.ending], cancel_type, spot)


def _end(order: Order, reject_reason: str, cancel_type: str, spot: bool) -> None:
    spot_in_part = spot and order.cum_exec_qty > 0
    order.status = OrderStatus.PARTIALLY_FILLED_CANCELED if spot_in_part else OrderStatus.CANCELLED
    order.reject_reason = reject_reason
    order.cancel_type = cancel_type
