"""One account: its coins, its one-way positions, its orders and fills, and what it can still afford.

Margin is cross within a currency, at one fixed leverage, and never liquidates: unrealised profit and loss counts at
the mark. Shares that were sold without being held are a negative holding: borrowed, and owed at the mark.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal

from hedgerow.domain.instruments import Instrument, InstrumentKind
from hedgerow.domain.money import ZERO, plain
from hedgerow.domain.orders import Side, signed
from hedgerow.domain.positions import Position, apply_fill
from hedgerow_exchange.listings import Listing
from hedgerow_exchange.loans import Loans
from hedgerow_exchange.orders import Execution, Order, PlaceOrder
from hedgerow_exchange.refusals import Reason, Refused

LEVERAGE = Decimal(10)
# Of a position's value; Bybit's lowest tier for BTC.
MAINTENANCE_RATE = Decimal("0.005")
OPENING_BALANCE = Decimal(10_000_000)
# What an account begins with, and what contracts and shares are paid and margined in.
MONEY = ("USDT", "USD")

Mark = Callable[[str], Decimal | None]


class Account:
    """Mutable; changed only by the engine."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.coins: dict[str, Decimal] = dict.fromkeys(MONEY, OPENING_BALANCE)
        self.positions: dict[str, Position] = {}
        self.position_changed_ns: dict[str, int] = {}
        self.orders: dict[str, Order] = {}
        self.by_client_id: dict[str, Order] = {}
        self.open_orders: dict[int, Order] = {}
        self.executions: list[Execution] = []
        # By product (DERIVATIVES, SPOT): after how many seconds of silence open orders are cancelled.
        self.dead_man_s: dict[str, int] = {}
        self.loans = Loans(account=name)
        self._fills: dict[str, list[Execution]] = {}

    def keep(self, order: Order) -> None:
        """Remember an order as it now stands."""
        self.orders[order.order_id] = order
        if order.order_link_id:
            self.by_client_id[order.order_link_id] = order
        if order.status.is_open:
            self.open_orders[order.number] = order
        else:
            self.open_orders.pop(order.number, None)

    def find(self, order_id: str, client_order_id: str) -> Order | None:
        """By the exchange's id or, when that is empty, by the client's."""
        return self.orders.get(order_id) if order_id else self.by_client_id.get(client_order_id)

    def fills_of(self, order: Order) -> list[Execution]:
        """An order's executions, oldest first."""
        return self._fills.get(order.order_id, [])

    def position(self, symbol: str) -> Position:
        return self.positions.get(symbol, Position())

    def apply(self, execution: Execution, instrument: Instrument) -> None:
        """Let a fill change coins and position."""
        self.executions.append(execution)
        self._fills.setdefault(execution.order_id, []).append(execution)
        quantity, price = execution.exec_qty, execution.exec_price
        if instrument.is_cash:
            self._add(instrument.base, signed(execution.side, quantity))
            self._add(instrument.quote, -signed(execution.side, quantity * price))
        else:
            before = self.position(instrument.symbol)
            after = apply_fill(
                before, execution.side, quantity, price, execution.fee, instrument.contract_size
            )
            self.positions[instrument.symbol] = after
            self.position_changed_ns[instrument.symbol] = execution.time_ns
            self._add(_settles_in(instrument), after.realised_pnl - before.realised_pnl)
        self._add(execution.fee_coin, -execution.fee)

    def set_loans(self, loans: Loans) -> None:
        """Let the loans be so, and what that moved be in the wallet."""
        self.loans = loans
        for coin, amount in loans.moved.items():
            self._add(coin, amount)

    def unrealised(self, listing: Listing, mark: Mark) -> Decimal:
        """Profit and loss of what is open, at the mark; 0 while the instrument has no mark."""
        position = self.position(listing.instrument.symbol)
        price = mark(listing.instrument.symbol)
        if price is None:
            return ZERO
        return listing.instrument.delta(position.quantity) * (price - position.entry_price)

    def initial_margin(self, listing: Listing, mark: Mark) -> Decimal:
        """Margin of an open position, at the mark (at entry while there is none)."""
        position = self.position(listing.instrument.symbol)
        price = mark(listing.instrument.symbol) or position.entry_price
        return listing.instrument.notional(position.quantity, price) / LEVERAGE

    def maintenance_margin(self, listing: Listing, mark: Mark) -> Decimal:
        """What an open position must keep back, at the mark (at entry while there is none)."""
        return self.initial_margin(listing, mark) * LEVERAGE * MAINTENANCE_RATE

    def liquidation_price(
        self, listing: Listing, listings: Mapping[str, Listing], mark: Mark
    ) -> Decimal | None:
        """The mark at which the currency's equity is the maintenance margin of its positions, all other marks as they
        are; None when no price does that. Nothing happens there on this exchange."""
        price = mark(listing.instrument.symbol)
        units = listing.instrument.delta(self.position(listing.instrument.symbol).quantity)
        if not units or price is None:
            return None
        coin = _settles_in(listing.instrument)
        spare = self.coins.get(coin, ZERO)
        for symbol in self.positions:
            if _settles_in(listings[symbol].instrument) == coin:
                spare += self.unrealised(listings[symbol], mark)
                spare -= self.maintenance_margin(listings[symbol], mark)
        # Each unit that the price moves by takes this much of what is to spare.
        found = price - spare / (units - abs(units) * MAINTENANCE_RATE)
        return found if found > 0 else None

    def held(self, coin: str, spot: bool, listings: Mapping[str, Listing]) -> Decimal:
        """What open orders in spot, or in contracts, keep back of a coin."""
        orders = (order for order in self.open_orders.values() if listings[order.symbol].is_spot is spot)
        holds = (_hold(order, listings[order.symbol]) for order in orders)
        return sum((amount for held, amount in holds if held == coin), ZERO)

    def available(self, coin: str, listings: Mapping[str, Listing], mark: Mark) -> Decimal:
        """What new orders may use of a coin."""
        free = self.coins.get(coin, ZERO)
        if self.open_orders:
            free -= self.held(coin, True, listings) + self.held(coin, False, listings)
        for symbol in self.positions:
            listing = listings[symbol]
            if _settles_in(listing.instrument) == coin:
                free += self.unrealised(listing, mark) - self.initial_margin(listing, mark)
        for listing in listings.values():
            if listing.is_lendable and listing.instrument.quote == coin:
                # What buying them back costs now, and the margin on it.
                free -= self.borrowed_value(listing, mark) * (1 + 1 / LEVERAGE)
        return free

    def borrowed_value(self, listing: Listing, mark: Mark) -> Decimal:
        """What the borrowed shares are worth at the mark, in quote currency; 0 while there is none."""
        borrowed = max(ZERO, -self.coins.get(listing.instrument.base, ZERO))
        if not borrowed:
            return ZERO
        return listing.instrument.notional(borrowed, mark(listing.instrument.symbol) or ZERO)

    def closable(self, symbol: str, side: Side) -> Decimal:
        """How much an order of this side can close of the position."""
        return max(ZERO, -signed(side, self.position(symbol).quantity))

    def check_reduces(self, command: PlaceOrder) -> None:
        """
        Raises:
            Refused: a reduce-only order would open or turn the position.
        """
        closable = self.closable(command.symbol, command.side)
        if command.reduce_only and command.quantity > closable:
            raise Refused(
                Reason.REDUCE_ONLY,
                f"reduceOnly {command.side} of {plain(command.quantity)} {command.symbol} exceeds the "
                f"{plain(closable)} that it could close",
            )

    def check_affords(
        self,
        command: PlaceOrder,
        listing: Listing,
        price: Decimal,
        listings: Mapping[str, Listing],
        mark: Mark,
    ) -> None:
        """
        Args:
            price: that the order may pay, in quote currency.

        Raises:
            Refused: margin and fee, or the coins of a spot order, are not there.
        """
        coin, need = self._needs(command, listing, price)
        if need <= 0:
            return
        available = self.available(coin, listings, mark)
        if need > available:
            raise Refused(
                Reason.INSUFFICIENT_BALANCE,
                f"ab not enough for new order: {plain(need)} {coin} needed, {plain(available)} available",
                listing.is_spot,
            )

    def _needs(self, command: PlaceOrder, listing: Listing, price: Decimal) -> tuple[str, Decimal]:
        instrument = listing.instrument
        if listing.is_spot and command.side is Side.BUY:
            return instrument.quote, instrument.notional(command.quantity, price)
        if listing.is_spot and not command.borrows:
            return instrument.base, command.quantity
        if listing.is_spot:
            held = max(ZERO, self.coins.get(instrument.base, ZERO))
            short = instrument.notional(max(ZERO, command.quantity - held), price)
            return instrument.quote, short / LEVERAGE
        opens = max(ZERO, command.quantity - self.closable(command.symbol, command.side))
        margin = instrument.notional(opens, price) / LEVERAGE
        fee = instrument.notional(opens, price) * listing.taker_fee
        return _settles_in(instrument), margin + fee

    def _add(self, coin: str, amount: Decimal) -> None:
        self.coins[coin] = self.coins.get(coin, ZERO) + amount


def fee_coin(instrument: Instrument, side: Side) -> str:
    """Contracts charge the settlement coin, shares the currency; coins charge what the order receives."""
    if instrument.kind is InstrumentKind.SPOT:
        return instrument.base if side is Side.BUY else instrument.quote
    return _settles_in(instrument)


def fee_of(instrument: Instrument, side: Side, quantity: Decimal, price: Decimal, rate: Decimal) -> Decimal:
    """The fee of a fill, in `fee_coin`."""
    if instrument.kind is InstrumentKind.SPOT and side is Side.BUY:
        return quantity * rate
    return instrument.notional(quantity, price) * rate


def _settles_in(instrument: Instrument) -> str:
    return instrument.settle or instrument.quote


def _hold(order: Order, listing: Listing) -> tuple[str, Decimal]:
    """(coin, amount) that a resting order keeps back."""
    instrument = listing.instrument
    value = instrument.notional(order.leaves_qty, order.price or ZERO)
    if listing.is_lendable and order.side is Side.SELL:
        return instrument.quote, value / LEVERAGE
    if listing.is_spot and order.side is Side.SELL:
        return instrument.base, order.leaves_qty
    if listing.is_spot:
        return instrument.quote, value
    return _settles_in(instrument), value / LEVERAGE
