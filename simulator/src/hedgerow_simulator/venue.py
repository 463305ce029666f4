"""The exchange's own engine behind an unreliable network, and the client through which an executor meets it."""

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

from hedgerow.adapters.ccxt_client import REQUEST_TIMEOUT_MS
from hedgerow.adapters.ccxt_venue import CcxtVenue
from hedgerow.adapters.venue import (
    AlreadyThere,
    NoAnswer,
    NotSent,
    VenuePosition,
    VenueRejected,
    VenueUnavailable,
)
from hedgerow.domain.instruments import find_instrument
from hedgerow.domain.money import floor_to_step
from hedgerow.domain.orders import Side
from hedgerow.execution.claim_facts import Funds
from hedgerow.execution.intents import Intent, Ticker, VenueExecution, VenueFill, VenueOrder
from hedgerow.execution.order_life import IntentState
from hedgerow.execution.venue_clock import ClockUncertain, clock_offset_ns
from hedgerow_exchange.accounts import LEVERAGE
from hedgerow_exchange.book import TimeInForce
from hedgerow_exchange.engine import Engine
from hedgerow_exchange.keys import DEFAULT_RECEIVE_WINDOW_MS, Key, authenticate, sign
from hedgerow_exchange.listings import list_instrument
from hedgerow_exchange.orders import Execution, Order, OrderStatus, OrderType, PlaceOrder
from hedgerow_exchange.refusals import Reason, Refused
from hedgerow_simulator.plan import ACCOUNT, SYMBOL
from hedgerow_simulator.world import SECOND_NS, Life, World

R = TypeVar("R")
MS_NS = 1_000_000
API_KEY = "simulated"
KEYS = {API_KEY: Key(account=ACCOUNT, secret=b"simulated")}
LEVELS = 3
# Numbers of the maker's orders in the book, far from those that the engine gives.
MAKER_NUMBERS = 1 << 40
# Everybody else who trades there.
PUBLIC = "public"


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """One time that an executor sent an order, whatever became of it. `claimed`: the ledger had the claim by then."""

    intent: int
    client_order_id: str
    claimed: bool


class SimulatedVenue:
    """The venue's side.

    Attributes:
        sent: every order that left an executor.
        is_claimed: whether the ledger has claimed an order of this name, for `sent`.
    """

    def __init__(self, world: World, is_claimed: Callable[[str], bool]) -> None:
        self.world = world
        self.is_claimed = is_claimed
        self.engine = Engine(
            {SYMBOL: list_instrument(find_instrument(SYMBOL))}, [ACCOUNT, PUBLIC], "51a1a7ed"
        )
        self.up = True
        self.sent: list[Sent] = []
        skew_ms = world.random("clock venue").uniform(-1, 1) * world.plan.clock_skew_ms
        self.clock_offset_ns = round(skew_ms * MS_NS)
        self._shown_from_ns: dict[str, int] = {}
        self._makers: list[int] = []
        self._maker_number = MAKER_NUMBERS

    def now_ns(self) -> int:
        return self.world.now_ns + self.clock_offset_ns

    def quote(self, bid: Decimal, ask: Decimal) -> None:
        """Let the maker stand at this touch with a few levels of whatever size, in place of what it had."""
        listing = self.engine.listings[SYMBOL]
        book, lot, tick = self.engine.books[SYMBOL], listing.instrument.lot_size, listing.instrument.tick_size
        for number in self._makers:
            book.cancel(number)
        self._makers.clear()
        sizes = self.world.random("depth")
        own_bid, own_ask = self.engine.touch_of_orders(SYMBOL)
        for side, touch in ((Side.BUY, bid), (Side.SELL, ask)):
            for level in range(LEVELS):
                price = touch - side.sign * 10 * level * tick
                ticks = listing.ticks(price)
                crosses = (
                    own_ask is not None and ticks >= own_ask
                    if side is Side.BUY
                    else own_bid is not None and ticks <= own_bid
                )
                size = floor_to_step(Decimal(repr(sizes.uniform(0.1, 1.0) * self.world.plan.depth)), lot)
                if size > 0 and crosses:
                    self._trade(side, size, price)
                elif size > 0:
                    self._maker_number += 1
                    book.rest(self._maker_number, "maker", side, listing.lots(size), ticks)
                    self._makers.append(self._maker_number)

    def _trade(self, side: Side, quantity: Decimal, price: Decimal) -> None:
        """Somebody takes what stands in the way of a new price: an order of ours that rests is filled."""
        command = PlaceOrder(
            symbol=SYMBOL,
            side=side,
            order_type=OrderType.LIMIT,
            quantity=quantity,
            price=price,
            time_in_force=TimeInForce.IOC,
        )
        try:
            outcome = self.engine.place(PUBLIC, command, self.now_ns())
        except Refused:  # worth too little
            return
        for execution in outcome.executions:
            if execution.account == ACCOUNT:
                self.world.tell("venue", f"fills {execution.order_link_id} with {execution.exec_qty:f}")

    def place(self, headers: dict[str, str], command: PlaceOrder) -> str:
        """
        Raises:
            Refused: the window is over, the name is taken, or a rule is broken.
        """
        key = authenticate(KEYS, headers, command.client_order_id, self.now_ns() // MS_NS)
        outcome = self.engine.place(key.account, command, self.now_ns())
        order = outcome.orders[0]
        if self.world.happens("order visible late", self.world.plan.hide):
            # As late as the executor is promised, and no later.
            self._shown_from_ns[order.order_id] = self.now_ns() + round(
                self.world.random("visibility").uniform(0.1, 3.9) * SECOND_NS
            )
        self.world.tell(
            "venue",
            f"takes {command.client_order_id} {command.side} {command.quantity:f}: {order.status}, "
            f"filled {order.cum_exec_qty:f}",
        )
        return order.order_id

    def cancel(self, name: str) -> None:
        """An order that is not open any more is no error."""
        order = self.engine.accounts[ACCOUNT].find("", name)
        if order is not None and order.status.is_open:
            self.engine.cancel(ACCOUNT, order.symbol, "", name, self.now_ns())
            self.world.tell("venue", f"cancels {name}")

    def cancel_all(self, instruments: list[str]) -> int:
        cancelled = self.engine.cancel_all(ACCOUNT, instruments, self.now_ns()).orders
        self.world.tell("venue", f"cancels all {len(cancelled)} open orders")
        return len(cancelled)

    def find(self, name: str, open_ones: bool) -> VenueOrder | None:
        order = self.engine.accounts[ACCOUNT].find("", name)
        if order is None or order.status.is_open is not open_ones or not self._shows(order):
            return None
        return VenueOrder(
            client_order_id=order.order_link_id,
            venue_order_id=order.order_id,
            state=_state(order),
            filled_quantity=order.cum_exec_qty,
        )

    def fills(self, name: str) -> list[VenueFill]:
        account = self.engine.accounts[ACCOUNT]
        order = account.find("", name)
        if order is None or not self._shows(order):
            return []
        shown = account.fills_of(order)
        if shown and self.world.happens("executions visible late", self.world.plan.hide / 4):
            shown = shown[:-1]
        return [_fill(execution) for execution in shown]

    def executions(self, instrument: str) -> list[VenueExecution]:
        account = self.engine.accounts[ACCOUNT]
        orders = [order for order in account.orders.values() if order.symbol == instrument]
        return [
            VenueExecution(client_order_id=order.order_link_id, side=order.side, fill=_fill(execution))
            for order in orders
            if self._shows(order)
            for execution in account.fills_of(order)
        ]

    def _shows(self, order: Order) -> bool:
        return self.now_ns() >= self._shown_from_ns.get(order.order_id, 0)

    def crash(self, down_s: float) -> None:
        """Its journal is on disk before each reply, so that it loses nothing but what was under way."""
        if self.up:
            self.world.tell("venue", f"DOWN for {down_s:.3f} s")
            self.up = False
            self.world.later(down_s, self._start)

    def _start(self) -> None:
        self.up = True
        self.world.tell("venue", "is up again")


class SimulatedVenueClient:
    """A `VenueClient`. Requests and replies are late, lost, doubled or refused as the plan has it."""

    absence_final_after_ns = CcxtVenue.absence_final_after_ns
    market_problems: Mapping[str, str] = MappingProxyType({})

    def __init__(self, venue: SimulatedVenue, life: Life) -> None:
        self._venue = venue
        self._life = life
        self._world = venue.world
        self._offset_ns = 0

    async def start(self) -> None:
        await self.measure_clock()

    async def use_keys(self, api_key: str, secret: str) -> None:
        """There is one pair of keys."""

    def order_wait_ns(self) -> int:
        """Requests are not counted here."""
        return 0

    async def measure_clock(self) -> int:
        asked_ns = self._life.now_ns()
        venue_ns = await self._question("time", self._venue.now_ns)
        try:
            self._offset_ns = clock_offset_ns(asked_ns, venue_ns, self._life.now_ns())
        except ClockUncertain as error:
            raise VenueUnavailable(str(error)) from error
        return self._offset_ns // MS_NS

    async def send(self, intent: Intent) -> str:
        name = intent.client_order_id
        if name is None or intent.claimed_ns is None:
            raise ValueError(f"intent {intent.id} was not claimed")
        await self._life.passes("send")
        self._venue.sent.append(
            Sent(
                intent=intent.id,
                client_order_id=name,
                claimed=self._venue.is_claimed(name),
            )
        )
        self._world.tell(self._life.name, f"sends {name} {intent.side} {intent.quantity:f}")
        timestamp = str((intent.claimed_ns + self._offset_ns) // MS_NS)
        window = str(DEFAULT_RECEIVE_WINDOW_MS)
        headers = {
            "X-BAPI-API-KEY": API_KEY,
            "X-BAPI-TIMESTAMP": timestamp,
            "X-BAPI-RECV-WINDOW": window,
            "X-BAPI-SIGN": sign(KEYS[API_KEY].secret, timestamp, API_KEY, window, name),
        }
        command = PlaceOrder(
            symbol=intent.instrument,
            side=intent.side,
            order_type=OrderType.LIMIT,
            quantity=intent.quantity,
            price=intent.limit_price,
            time_in_force=TimeInForce(intent.time_in_force.value),
            client_order_id=name,
        )
        try:
            return await self._request("order", partial(self._venue.place, headers, command))
        except Refused as refused:
            if refused.reason is Reason.DUPLICATE_CLIENT_ORDER_ID:
                raise AlreadyThere(f"the venue already has {name}: {refused}") from refused
            if refused.reason is Reason.TOO_MANY_REQUESTS:
                raise NotSent(str(refused)) from refused
            raise VenueRejected(str(refused)) from refused
        except OSError as error:
            raise NoAnswer(str(error)) from error

    async def cancel(self, intent: Intent) -> None:
        await self._question("cancel", partial(self._venue.cancel, str(intent.client_order_id)))

    async def cancel_all(self, instruments: list[str]) -> int:
        return await self._question("cancel all", partial(self._venue.cancel_all, instruments))

    def open_stream(self) -> None:
        """No private stream: it is a hint, and the poll must do without."""

    async def cancel_all_when_silent(self, seconds: int) -> None:
        """No dead-man switch without a stream."""

    async def find_order(self, intent: Intent) -> VenueOrder | None:
        name = str(intent.client_order_id)
        found = await self._question("open orders", lambda: self._venue.find(name, True))
        if found is None:
            found = await self._question("order history", lambda: self._venue.find(name, False))
        return found

    async def fills(self, intent: Intent) -> list[VenueFill]:
        return await self._question("executions", lambda: self._venue.fills(str(intent.client_order_id)))

    async def executions(self, instrument: str, since_ns: int) -> list[VenueExecution]:
        return await self._question("executions", lambda: self._venue.executions(instrument))

    async def ticker(self, instrument: str) -> Ticker:
        asked_ns = self._life.now_ns()
        listing, book = self._venue.engine.listings[instrument], self._venue.engine.books[instrument]
        bid, ask = await self._question("ticker", lambda: (book.best(Side.BUY), book.best(Side.SELL)))
        if bid is None or ask is None:
            raise VenueUnavailable(f"the venue shows no two-sided touch of {instrument}")
        return Ticker(bid=listing.price(bid), ask=listing.price(ask), time_ns=asked_ns)

    async def funds(self, instruments: list[str]) -> Funds:
        asked_ns, engine = self._life.now_ns(), self._venue.engine
        available = await self._question(
            "wallet", lambda: engine.accounts[ACCOUNT].available("USDT", engine.listings, engine.mark)
        )
        return Funds(available=available, leverage=dict.fromkeys(instruments, LEVERAGE), time_ns=asked_ns)

    async def positions(self, instruments: list[str]) -> list[VenuePosition]:
        account = self._venue.engine.accounts[ACCOUNT]
        held = await self._question(
            "positions", lambda: {symbol: account.position(symbol).quantity for symbol in instruments}
        )
        return [
            VenuePosition(instrument=symbol, quantity=held[symbol]) for symbol in instruments if held[symbol]
        ]

    async def open_client_order_ids(self, instruments: list[str]) -> list[str]:
        account = self._venue.engine.accounts[ACCOUNT]
        return await self._question(
            "open orders",
            lambda: [
                order.order_link_id for order in account.open_orders.values() if order.symbol in instruments
            ],
        )

    async def close(self) -> None:
        """Nothing is held."""

    async def _question(self, what: str, ask: Callable[[], R]) -> R:
        try:
            return await self._request(what, ask)
        except (Refused, OSError) as error:
            raise VenueUnavailable(f"the venue did not answer: {error}") from error

    async def _request(self, what: str, execute: Callable[[], R]) -> R:
        """
        Raises:
            Refused: the venue said no; OSError: it cannot be known what it did.
        """
        await self._life.passes(f"venue {what}")
        reply: asyncio.Future[R] = self._world.loop.create_future()
        plan, delays = self._world.plan, self._world.random("venue delay")
        delay = delays.uniform(0.002, 0.03)
        if self._world.happens("request to the venue late", plan.late_request):
            delay += delays.uniform(0.1, 7.0)
        if self._world.happens("request to the venue lost", plan.drop_request):
            self._tell(what, "request lost")
        else:
            again_s = 0.0
            if self._world.happens("request to the venue doubled", plan.repeat):
                again_s = delays.uniform(0.001, 1.0)
            self._world.later(delay, self._arrive, what, execute, reply, again_s)
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_MS / 1_000):
                result = await reply
        except TimeoutError:
            await self._life.passes(f"venue {what} not answered")
            raise OSError("no reply in time") from None
        except (Refused, OSError):
            await self._life.passes(f"venue {what} not answered")
            raise
        await self._life.passes(f"venue {what} answered")
        return result

    def _arrive(
        self, what: str, execute: Callable[[], R], reply: "asyncio.Future[R]", again_s: float
    ) -> None:
        """
        Args:
            again_s: after which the same request comes once more, when it was let in; 0 never. That one copy is refused
                and the other taken is not modelled: an executor must be able to trust a venue that says no.
        """
        plan, delays = self._world.plan, self._world.random("venue delay")
        result: Any = None
        error: Exception | None = None
        if not self._venue.up:
            error = ConnectionRefusedError("the venue is down")
        elif self._world.happens("refused by the venue's door", plan.refuse):
            busy = self._world.random("door").random() < 0.5
            error = Refused(Reason.TOO_MANY_REQUESTS, "Too many visits!") if busy else OSError("HTTP 503")
            self._tell(what, f"{error}")
        else:
            try:
                result = execute()
                if again_s:
                    self._world.later(again_s, self._arrive_again, what, execute)
            except Refused as refused:
                error = refused
                self._tell(what, f"refused: {refused}")
        if self._world.happens("reply of the venue lost", plan.drop_reply):
            self._tell(what, "reply lost")
            error = ConnectionResetError("the connection was closed without a reply")
        delay = delays.uniform(0.002, 0.03)
        if self._world.happens("reply of the venue late", plan.late_reply):
            delay += delays.uniform(0.1, 7.0)
        self._world.later(delay, self._answer, reply, result, error)

    def _arrive_again(self, what: str, execute: Callable[[], R]) -> None:
        try:
            execute()
        except Refused as refused:
            self._tell(what, f"again, refused: {refused}")

    @staticmethod
    def _answer(reply: "asyncio.Future[R]", result: R, error: Exception | None) -> None:
        if reply.done():
            return
        if error is not None:
            reply.set_exception(error)
        else:
            reply.set_result(result)

    def _tell(self, what: str, happened: str) -> None:
        if what == "order":
            self._world.tell("venue", f"{what} of {self._life.name}: {happened}")


def _state(order: Order) -> IntentState:
    if order.status is OrderStatus.NEW:
        return IntentState.ACCEPTED
    if order.status is OrderStatus.PARTIALLY_FILLED:
        return IntentState.PARTIALLY_FILLED
    return IntentState.FILLED if order.status is OrderStatus.FILLED else IntentState.CANCELLED


def _fill(execution: Execution) -> VenueFill:
    return VenueFill(
        execution_id=execution.exec_id,
        quantity=execution.exec_qty,
        price=execution.exec_price,
        fee=execution.fee,
        time_ns=execution.time_ns,
    )
