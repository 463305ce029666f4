"""Places, fills and cancels client orders. The ledger decides; what is kept here only tells where to look."""

import asyncio
import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec
import structlog

from hedgerow.desk import client_orders as life
from hedgerow.desk.client_orders import ClientOrder, OrderNotOpen
from hedgerow.desk.filling import NoPrice, Touch, entry_price, read_touch
from hedgerow.domain.instruments import find_instrument
from hedgerow.domain.money import plain
from hedgerow.ledger.books import FillRefused
from hedgerow.ledger.client_orders import (
    DuplicateOrder,
    Placed,
    cancel_client_order,
    fill_client_order,
    find_repeated,
    place_client_order,
    resting_client_orders,
)
from hedgerow.streams.waiting import stopped_within
from hedgerow_gateway.ledger_pool import LedgerPool
from hedgerow_gateway.market import Market
from hedgerow_gateway.metrics import GatewayMetrics
from hedgerow_gateway.problems import FieldError, Problem, invalid, not_found
from hedgerow_gateway.publishing import BookPublisher
from hedgerow_gateway.resting import RestingOrders

_log = structlog.get_logger(__name__)

RELOAD_S = 1.0


class OrderDesk:
    """Client orders of one gateway.

    Args:
        max_notional: the largest order, in quote currency.
        clock: UTC ns.
    """

    def __init__(
        self,
        ledger: LedgerPool,
        market: Market,
        publisher: BookPublisher,
        metrics: GatewayMetrics,
        max_notional: Decimal,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._ledger = ledger
        self._market = market
        self._publisher = publisher
        self._metrics = metrics
        self._max_notional = max_notional
        self._clock = clock
        self._resting = RestingOrders()

    def touch(self, symbol: str) -> Touch | NoPrice:
        """What the instrument can be traded at now."""
        return read_touch(self._market.quote(symbol), self._clock())

    async def place(self, order: ClientOrder) -> Placed:
        """Record an order, filled when it can trade at once.

        Raises:
            Problem: 409 no usable quote for a market order, the client order id was used for another order, or the
                books refuse the fill; 422 too large; 503 the ledger is away.
        """
        try:
            placed = await self._ledger.run(partial(self._place, order))
        except DuplicateOrder as error:
            raise Problem(409, "client-order-id-used", str(error)) from None
        except FillRefused as error:
            raise Problem(409, "fill-refused", str(error)) from None
        if not placed.repeated:
            self._placed(placed)
        return placed

    async def cancel(self, order_id: str) -> ClientOrder:
        """Cancel an order that waits.

        Raises:
            Problem: 404 there is none; 409 it was filled; 503 the ledger is away.
        """
        try:
            order = await self._ledger.run(
                partial(cancel_client_order, order_id=order_id, now_ns=self._clock())
            )
        except LookupError as error:
            raise not_found(str(error)) from None
        except OrderNotOpen as error:
            raise Problem(409, "order-not-open", str(error)) from None
        self._forget(order_id)
        return order

    async def keep_filling(self, stopping: asyncio.Event) -> None:
        """Fill resting orders as quotes reach them, until asked to stop."""
        while not stopping.is_set():
            await self._market.changed.wait()
            for symbol in sorted(self._market.take_moved()):
                await self._fill_reached(symbol)

    async def keep_reloading(self, stopping: asyncio.Event) -> None:
        """Read what rests: at the start, after outages, and because another gateway may have taken orders too."""
        while not stopping.is_set():
            known = self._resting.ids()
            try:
                accepted = await self._ledger.run(resting_client_orders)
            except Problem:
                pass  # said by the pool; tried again
            else:
                self._resting.merge(known, accepted)
                for symbol in {order.instrument for order in accepted}:
                    self._market.nudge(symbol)
                self._metrics.resting.set(len(self._resting))
            await stopped_within(stopping, RELOAD_S)

    async def _place(self, order: ClientOrder, connection: Any) -> Placed:
        if order.client_order_id is not None:
            # Before the market is asked: an order that was taken is answered whatever the market does now.
            before = await find_repeated(connection, order)
            if before is not None:
                return Placed(order=before, repeated=True, book=None)
        return await place_client_order(connection, self._priced(order), self._clock())

    def _priced(self, order: ClientOrder) -> ClientOrder:
        """The order as it comes in: filled at the touch, or accepted to rest."""
        touch = self.touch(order.instrument)
        price = None if isinstance(touch, NoPrice) else entry_price(order, touch)
        if price is None and order.limit_price is None:
            assert isinstance(touch, NoPrice)  # a market order always has a price at a touch
            raise Problem(
                409, touch.fault, f"{order.instrument} cannot be traded at market now: {touch.detail}"
            )
        self._require_small(order, price or order.limit_price)
        if price is None:
            return order
        now_ns = self._clock()
        return msgspec.structs.replace(life.fill(order, price, now_ns), rested=False)

    def _require_small(self, order: ClientOrder, price: Decimal | None) -> None:
        assert price is not None  # a touch, or a limit
        notional = find_instrument(order.instrument).notional(order.quantity, price)
        if notional > self._max_notional:
            raise invalid(
                FieldError(
                    field="quantity",
                    reason=f"is worth {plain(round(notional, 2))} at {plain(price)}, at most "
                    f"{plain(self._max_notional)} is taken in one order",
                )
            )

    def _placed(self, placed: Placed) -> None:
        order = placed.order
        self._metrics.received.labels(order.instrument, order.side.upper(), order.order_type.upper()).inc()
        if placed.book is not None:
            self._metrics.filled.labels(order.instrument, order.side.upper()).inc()
            self._publisher.publish(placed.book, f"order:{order.id}", order.created_ns)
        else:
            self._resting.add(order)
            self._metrics.resting.set(len(self._resting))
            # A quote may have come while the order was being recorded.
            self._market.nudge(order.instrument)

    async def _fill_reached(self, symbol: str) -> None:
        touch = self.touch(symbol)
        if isinstance(touch, NoPrice):
            return
        for order, price in self._resting.reachable(symbol, touch):
            now_ns = self._clock()
            try:
                book = await self._ledger.run(
                    partial(fill_client_order, order_id=order.id, price=price, now_ns=now_ns)
                )
            except (OrderNotOpen, LookupError):
                self._forget(order.id)
            except FillRefused as error:
                # Its listing has changed since it was taken. Reloading brings it back here, so this is said until
                # somebody cancels it.
                _log.error("resting order cannot be filled", order=order.id, error=str(error))
                self._forget(order.id)
            except Problem:
                return  # the ledger is away; reloading brings the instrument back here
            else:
                self._forget(order.id)
                self._metrics.filled.labels(order.instrument, order.side.upper()).inc()
                self._publisher.publish(book, f"order:{order.id}", now_ns)

    def _forget(self, order_id: str) -> None:
        self._resting.remove(order_id)
        self._metrics.resting.set(len(self._resting))
