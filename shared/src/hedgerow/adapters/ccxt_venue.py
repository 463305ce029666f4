"""A venue account through the released ccxt client: only its addresses, options and `nonce` are set.

ccxt counts in its market's contracts, which are not always ours: on Bybit a linear contract is one unit of the
underlying, whatever the listing's multiplier. Amounts are converted here, in both directions.
"""

import re
import time
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

import ccxt.async_support as ccxt

from hedgerow.adapters.venue import NoAnswer, VenuePosition, VenueRejected, VenueUnavailable
from hedgerow.domain.ids import MAX_CLIENT_ORDER_ID
from hedgerow.domain.instruments import Instrument, find_instrument
from hedgerow.domain.money import exact_decimal
from hedgerow.execution.intents import Intent, Ticker, VenueFill, VenueOrder
from hedgerow.execution.order_life import IntentState
from hedgerow.execution.venue_clock import ClockUncertain, clock_offset_ns

RECEIVE_WINDOW_MS = 5_000
# What Bybit writes where there is no reason to give.
_NO_REASON = frozenset({"None", "", "EC_NoError"})
REQUEST_TIMEOUT_MS = 5_000
CLOCK_SLACK_NS = 1_000_000_000
VISIBILITY_DELAY_NS = 4_000_000_000
MS_NS = 1_000_000

_R = TypeVar("_R")

# The claim whose request is being signed in this task; None signs with the clock.
_claimed_ns: ContextVar[int | None] = ContextVar("claimed_ns", default=None)

# ccxt raises these when the venue answered and did not take the order. RequestTimeout, ExchangeNotAvailable and
# every other network error leave it open; so does an exchange error that ccxt cannot name.
_SAID_NO = (
    ccxt.InvalidOrder,
    ccxt.InsufficientFunds,
    ccxt.AuthenticationError,
    ccxt.PermissionDenied,
    ccxt.BadRequest,
    ccxt.ArgumentsRequired,
    ccxt.InvalidNonce,
    ccxt.RateLimitExceeded,
    ccxt.NotSupported,
)
# Bybit's "OrderLinkedID is duplicate", on contracts and on spot: the order of this name is there. ccxt calls both a
# plain InvalidOrder, as if the venue had said no.
_ALREADY_THERE = re.compile(r'"retCode":\s*(110072|170141)\b')


class CcxtVenue:
    """One account on one ccxt exchange (Bybit's v5 dialect): linear contracts in one-way mode, shares on margin."""

    absence_final_after_ns = RECEIVE_WINDOW_MS * MS_NS + CLOCK_SLACK_NS + VISIBILITY_DELAY_NS

    def __init__(self, exchange_id: str, url: str | None, api_key: str, secret: str) -> None:
        """
        Args:
            url: where the exchange is, when it is not the public one.
        """
        self._address = url or exchange_id
        self._client = getattr(ccxt, exchange_id)(
            {
                "apiKey": api_key,
                "secret": secret,
                "timeout": REQUEST_TIMEOUT_MS,
                # Pacing is the executor's own control: a request that waits in a queue would be signed in the past.
                "enableRateLimit": False,
                "maxRetriesOnFailure": 0,
                "options": {
                    "recvWindow": RECEIVE_WINDOW_MS,
                    "fetchMarkets": {"types": ["spot", "linear"]},
                    "enableUnifiedMargin": False,
                    "enableUnifiedAccount": True,
                    "unifiedMarginStatus": 5,
                },
            }
        )
        if url is not None:
            self._client.urls["api"] = dict.fromkeys(self._client.urls["api"], url)
        self._client.nonce = self._nonce
        self._offset_ms = 0

    async def start(self) -> None:
        await self._ask(lambda: self._client.load_markets())
        await self.measure_clock()

    async def measure_clock(self) -> None:
        asked_ns = time.time_ns()
        venue_ms = await self._ask(lambda: self._client.fetch_time())
        try:
            self._offset_ms = clock_offset_ns(asked_ns, int(venue_ms) * MS_NS, time.time_ns()) // MS_NS
        except ClockUncertain as error:
            raise VenueUnavailable(f"{self._address}: {error}") from error

    async def send(self, intent: Intent) -> str:
        name = intent.client_order_id
        if name is None or intent.claimed_ns is None or len(name) > MAX_CLIENT_ORDER_ID:
            raise ValueError(
                f"intent {intent.id} was not claimed: it has no client order id to be sent under"
            )
        # Shares are sold short by borrowing them; contracts need no leave to.
        mode = {"isLeverage": 1} if find_instrument(intent.instrument).is_cash else {"positionIdx": 0}
        token = _claimed_ns.set(intent.claimed_ns)
        try:
            amount = intent.quantity * self._ccxt_contracts(intent.instrument)
            order = await self._client.create_order(
                intent.instrument,
                "limit",
                intent.side.value.lower(),
                format(amount, "f"),
                format(intent.limit_price, "f"),
                {"clientOrderId": name, "timeInForce": intent.time_in_force.value, **mode},
            )
        except _SAID_NO as error:
            if isinstance(error, ccxt.DuplicateOrderId) or _ALREADY_THERE.search(str(error)):
                raise NoAnswer(f"the venue already has {name}: {error}") from error
            raise VenueRejected(str(error)) from error
        except ccxt.BaseError as error:
            raise NoAnswer(f"{type(error).__name__}: {error}") from error
        finally:
            _claimed_ns.reset(token)
        return str(order["id"])

    async def find_order(self, intent: Intent) -> VenueOrder | None:
        by_name = {"orderLinkId": intent.client_order_id}
        found = await self._ask(lambda: self._client.fetch_open_orders(intent.instrument, params=by_name))
        if not found:
            found = await self._ask(
                lambda: self._client.fetch_canceled_and_closed_orders(intent.instrument, params=by_name)
            )
        ours = [order for order in found if order["clientOrderId"] == intent.client_order_id]
        return _venue_order(ours[0], self._ccxt_contracts(intent.instrument)) if ours else None

    async def fills(self, intent: Intent) -> list[VenueFill]:
        size = self._ccxt_contracts(intent.instrument)
        trades = await self._ask(
            lambda: self._client.fetch_my_trades(
                intent.instrument, params={"orderLinkId": intent.client_order_id}
            )
        )
        return [
            VenueFill(
                execution_id=str(trade["id"]),
                quantity=exact_decimal(trade["amount"]) / size,
                price=exact_decimal(trade["price"]),
                fee=exact_decimal(trade["fee"]["cost"]),
                time_ns=int(trade["timestamp"]) * MS_NS,
            )
            for trade in trades
            if trade["info"].get("orderLinkId") == intent.client_order_id
        ]

    async def ticker(self, instrument: str) -> Ticker:
        asked_ns = time.time_ns()
        ticker = await self._ask(lambda: self._client.fetch_ticker(instrument))
        if ticker["bid"] is None or ticker["ask"] is None:
            raise VenueUnavailable(f"{self._address} shows no two-sided touch of {instrument}")
        return Ticker(bid=exact_decimal(ticker["bid"]), ask=exact_decimal(ticker["ask"]), time_ns=asked_ns)

    async def positions(self, instruments: list[str]) -> list[VenuePosition]:
        wanted = [find_instrument(symbol) for symbol in instruments]
        found: list[VenuePosition] = []
        # ccxt asks for one symbol, or for all positions that settle in one currency.
        for currency in sorted({item.settle for item in wanted if item.settle is not None}):
            found += await self._contracts(currency, instruments)
        if any(item.is_cash for item in wanted):
            found += await self._holdings([item for item in wanted if item.is_cash])
        return found

    async def _contracts(self, currency: str, instruments: list[str]) -> list[VenuePosition]:
        positions = await self._ask(
            lambda: self._client.fetch_positions(params={"category": "linear", "settleCoin": currency})
        )
        return [
            VenuePosition(
                instrument=position["symbol"],
                quantity=exact_decimal(position["contracts"])
                / self._ccxt_contracts(position["symbol"])
                * (1 if position["side"] == "long" else -1),
                liquidation_price=_price_if_any(position.get("liquidationPrice")),
            )
            for position in positions
            if position["contracts"] and position["symbol"] in instruments
        ]

    async def _holdings(self, instruments: list[Instrument]) -> list[VenuePosition]:
        """Shares are in the wallet; what is borrowed of them is a negative balance."""
        totals = (await self._ask(lambda: self._client.fetch_balance()))["total"]
        return [
            VenuePosition(instrument=item.symbol, quantity=exact_decimal(totals[item.base]))
            for item in instruments
            if totals.get(item.base)
        ]

    def _ccxt_contracts(self, symbol: str) -> Decimal:
        """How many of ccxt's contracts (units, in spot) one of ours is."""
        theirs = self._client.market(symbol)["contractSize"] or 1
        return find_instrument(symbol).contract_size / exact_decimal(float(theirs))

    async def open_client_order_ids(self, instruments: list[str]) -> list[str]:
        names = []
        for instrument in instruments:
            orders = await self._ask(partial(self._client.fetch_open_orders, instrument))
            names += [str(order["clientOrderId"] or order["id"]) for order in orders]
        return names

    async def close(self) -> None:
        await self._client.close()

    def _nonce(self) -> int:
        signed_ns = _claimed_ns.get()
        return (time.time_ns() if signed_ns is None else signed_ns) // MS_NS + self._offset_ms

    async def _ask(self, question: Callable[[], Coroutine[Any, Any, _R]]) -> _R:
        try:
            return await question()
        except ccxt.BaseError as error:
            raise VenueUnavailable(
                f"the venue at {self._address} did not answer: {type(error).__name__}: {error}"
            ) from error


def _price_if_any(value: float | None) -> Decimal | None:
    return exact_decimal(value) if value else None


def _venue_order(order: dict[str, Any], size: Decimal) -> VenueOrder:
    """
    Args:
        size: how many of ccxt's contracts one of ours is.
    """
    filled = exact_decimal(order["filled"] or 0.0) / size
    reason = str(order["info"].get("rejectReason"))
    return VenueOrder(
        client_order_id=str(order["clientOrderId"]),
        venue_order_id=str(order["id"]),
        state=_state(str(order["status"]), filled, exact_decimal(order["amount"]) / size),
        filled_quantity=filled,
        reason="" if reason in _NO_REASON else reason,
    )


def _state(status: str, filled: Decimal, amount: Decimal) -> IntentState:
    """ccxt's unified status as ours. ccxt calls an IOC order that was filled in part `closed`.

    Raises:
        VenueUnavailable: a status that ccxt does not document.
    """
    if status == "open":
        return IntentState.PARTIALLY_FILLED if filled else IntentState.ACCEPTED
    if status in ("closed", "canceled"):
        return IntentState.FILLED if filled == amount else IntentState.CANCELLED
    if status == "expired":
        return IntentState.EXPIRED
    if status == "rejected":
        return IntentState.REJECTED
    raise VenueUnavailable(f"the venue calls an order {status!r}, which is no known status")
