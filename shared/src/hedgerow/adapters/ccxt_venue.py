"""A venue account through the released ccxt client: only its addresses, options and `nonce` are set.

ccxt counts in its market's contracts, which are not always ours: on Bybit a linear contract is one unit of the
underlying, whatever the listing's multiplier. Amounts are converted here, in both directions.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

import ccxt.async_support as ccxt
import structlog

from hedgerow.adapters.venue import (
    AlreadyThere,
    NoAnswer,
    NotSent,
    VenuePosition,
    VenueRejected,
    VenueUnavailable,
    VenueUnfit,
)
from hedgerow.domain.ids import MAX_CLIENT_ORDER_ID
from hedgerow.domain.instruments import Instrument, find_instrument
from hedgerow.domain.money import exact_decimal
from hedgerow.execution.call_budget import BUDGETS, CallKind, full_budget, spent, told, wait_ns
from hedgerow.execution.conclusion import Contradiction
from hedgerow.execution.intents import Intent, Ticker, VenueFill, VenueOrder
from hedgerow.execution.order_life import IntentState
from hedgerow.execution.venue_checks import AccountFacts, account_problems, host_problems, hosts_of
from hedgerow.execution.venue_rules import Failure, Meaning, meaning, name_conflict, rules_of

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

# ccxt raises these when the venue answered and named a reason. RequestTimeout, ExchangeNotAvailable and every other
# network error leave the order open; so does an exchange error that ccxt cannot name.
_NAMED = (
    ccxt.InvalidOrder,
    ccxt.InsufficientFunds,
    ccxt.AuthenticationError,
    ccxt.PermissionDenied,
    ccxt.BadRequest,
    ccxt.ArgumentsRequired,
    ccxt.InvalidNonce,
    ccxt.NotSupported,
)
_TOO_MANY = (ccxt.RateLimitExceeded, ccxt.DDoSProtection)
# The code of an answer is at its beginning; a list of instruments is long.
_HEAD = 200
_MARGIN_MODES = {
    "REGULAR_MARGIN": "Cross",
    "ISOLATED_MARGIN": "Isolated",
    "PORTFOLIO_MARGIN": "Portfolio",
}
# A POST to another path is none that we make.
_KINDS = {"/order/create": CallKind.ORDER, "/order/cancel": CallKind.CANCEL}

_log = structlog.get_logger()


class CcxtVenue:
    """One account on one ccxt exchange (Bybit's v5 dialect): linear contracts in one-way mode, shares on margin."""

    absence_final_after_ns = RECEIVE_WINDOW_MS * MS_NS + CLOCK_SLACK_NS + VISIBILITY_DELAY_NS

    def __init__(
        self, exchange_id: str, url: str | None, api_key: str, secret: str, environment: str = "Paper"
    ) -> None:
        """
        Args:
            url: where the exchange is, when it is not the public one.
            environment: of the Venue: Paper, Testnet or Mainnet.

        Raises:
            UnknownVenueRules: nothing is known of what this exchange answers to an order.
            VenueUnfit: its hosts are not those of the environment.
        """
        self._rules = rules_of(exchange_id)
        self._exchange_id, self._url, self._environment = exchange_id, url, environment
        self._address = url or exchange_id
        self._client = self._new_client(api_key, secret)
        self._offset_ms = 0
        self._venue_account: str | None = None
        self._budget = full_budget(BUDGETS[exchange_id], time.time_ns())

    def _new_client(self, api_key: str, secret: str) -> Any:
        client = getattr(ccxt, self._exchange_id)(
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
        own = {name: hosts_of(_resolved(client, client.urls.get(name, {}))) for name in ("api", "test")}
        if self._environment == "Testnet":
            client.set_sandbox_mode(True)
        if self._url is not None:
            client.urls["api"] = dict.fromkeys(client.urls["api"], self._url)
        used = hosts_of(_resolved(client, client.urls["api"]))
        problems = host_problems(self._environment, used, own["api"], own["test"])
        if problems:
            raise VenueUnfit(f"{self._address}: {'; '.join(problems)}")
        client.nonce = self._nonce
        client.on_rest_response = self._on_response
        return client

    async def start(self) -> None:
        await self._ask(lambda: self._client.load_markets())
        await self.measure_clock()
        await self._require_fit_account(self._client)

    async def _require_fit_account(self, client: Any) -> None:
        facts = await self._account_facts(client)
        problems = account_problems(facts, self._venue_account)
        if problems:
            raise VenueUnfit(f"{self._address}: {'; '.join(problems)}")
        self._venue_account = facts.account

    async def _account_facts(self, client: Any) -> AccountFacts:
        key = (await self._ask(lambda: client.private_get_v5_user_query_api()))["result"]
        account = (await self._ask(lambda: client.private_get_v5_account_info()))["result"]
        two_way = []
        for symbol, market in self._client.markets.items():
            if not market["linear"] or not _is_listed(symbol):
                continue
            wanted = {"category": "linear", "symbol": market["id"]}
            rows = (await self._ask(partial(client.private_get_v5_position_list, wanted)))["result"]["list"]
            if any(str(row["positionIdx"]) != "0" for row in rows):
                two_way.append(symbol)
        return AccountFacts(
            account=str(key["userID"]),
            can_trade=str(key["readOnly"]) == "0" and "Order" in key["permissions"].get("ContractTrade", []),
            margin_mode=_MARGIN_MODES.get(account["marginMode"], account["marginMode"]),
            hedge_mode=tuple(two_way),
        )

    async def use_keys(self, api_key: str, secret: str) -> None:
        if (api_key, secret) == (self._client.apiKey, self._client.secret):
            return
        # Tried by a client of their own: no order may go out under another account's key, not even for a moment.
        probe = self._new_client(api_key, secret)
        try:
            await self._require_fit_account(probe)
        finally:
            await probe.close()
        self._client.apiKey, self._client.secret = api_key, secret
        _log.warning("new keys in use", venue=self._address, account=self._venue_account)

    async def measure_clock(self) -> int:
        """The venue's answer is taken to be from the middle of the call."""
        before_ms = time.time_ns() // MS_NS
        venue_ms = await self._ask(lambda: self._client.fetch_time())
        after_ms = time.time_ns() // MS_NS
        self._offset_ms = int(venue_ms) - (before_ms + after_ms) // 2
        return self._offset_ms

    def order_wait_ns(self) -> int:
        return wait_ns(self._budget, CallKind.ORDER, time.time_ns())

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
        except ccxt.BaseError as error:
            raise self._failed_send(name, error) from error
        finally:
            _claimed_ns.reset(token)
        return str(order["id"])

    def _failed_send(self, name: str, error: ccxt.BaseError) -> Exception:
        what = f"{type(error).__name__}: {error}"
        match meaning(self._rules, _failure(error), str(error)):
            case Meaning.ALREADY_THERE:
                return AlreadyThere(f"the venue already has {name}: {error}")
            case Meaning.NOT_SENT:
                return NotSent(what)
            case Meaning.REJECTED:
                return VenueRejected(str(error))
            case Meaning.UNKNOWN:
                return NoAnswer(what)

    async def cancel(self, intent: Intent) -> None:
        by_name = {"orderLinkId": intent.client_order_id}
        try:
            await self._client.cancel_order(None, intent.instrument, by_name)
        except ccxt.InvalidOrder:
            return  # not there, filled or cancelled already: the order itself says which
        except ccxt.BaseError as error:
            raise self._unavailable(error) from error

    async def cancel_all(self, instruments: list[str]) -> int:
        cancelled, failed = 0, []
        for instrument in instruments:
            try:
                cancelled += len(await self._client.cancel_all_orders(instrument))
            except ccxt.BaseError as error:
                failed.append(f"{instrument}: {self._unavailable(error)}")
        if failed:
            raise VenueUnavailable("; ".join(failed))
        return cancelled

    async def find_order(self, intent: Intent) -> VenueOrder | None:
        by_name = {"orderLinkId": intent.client_order_id}
        found = await self._ask(lambda: self._client.fetch_open_orders(intent.instrument, params=by_name))
        if not found:
            found = await self._ask(
                lambda: self._client.fetch_canceled_and_closed_orders(intent.instrument, params=by_name)
            )
        ours = [order for order in found if order["clientOrderId"] == intent.client_order_id]
        conflict = name_conflict(self._rules, len({order["id"] for order in ours}))
        if conflict:
            raise Contradiction(f"intent {intent.id}, order {intent.client_order_id}: {conflict}")
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

    def _on_response(
        self, code: int, reason: str, url: str, method: str, headers: dict[str, str], body: str, *_: object
    ) -> str:
        """ccxt hands every answer through here before it reads it; what it returns is read."""
        kind = next((kind for path, kind in _KINDS.items() if path in url), CallKind.QUERY)
        too_many = (
            code in (403, 418, 429) or meaning(self._rules, Failure.LOST, body[:_HEAD]) is Meaning.NOT_SENT
        )
        lower = {name.lower(): value for name, value in headers.items()}
        now_ns = time.time_ns()
        self._budget = told(spent(self._budget, kind, now_ns), kind, too_many, lower, self._offset_ms, now_ns)
        return body.strip()

    async def _ask(self, question: Callable[[], Coroutine[Any, Any, _R]]) -> _R:
        await self._await_turn()
        try:
            return await question()
        except ccxt.BaseError as error:
            raise self._unavailable(error) from error

    async def _await_turn(self) -> None:
        """Wait until the budget lets a question through; orders and cancels never wait behind one."""
        pause_ns = wait_ns(self._budget, CallKind.QUERY, time.time_ns())
        if pause_ns > REQUEST_TIMEOUT_MS * MS_NS:
            raise VenueUnavailable(
                f"the venue at {self._address} takes no question for {pause_ns / 1e9:.1f} s: too many requests"
            )
        if pause_ns > 0:
            await asyncio.sleep(pause_ns / 1e9)

    def _unavailable(self, error: Exception) -> VenueUnavailable:
        return VenueUnavailable(
            f"the venue at {self._address} did not answer: {type(error).__name__}: {error}"
        )


def _resolved(client: Any, addresses: Any) -> Any:
    """ccxt's table of addresses with the host name filled in."""
    if isinstance(addresses, dict):
        return {name: _resolved(client, value) for name, value in addresses.items()}
    return client.implode_hostname(addresses)


def _failure(error: Exception) -> Failure:
    if isinstance(error, _TOO_MANY):
        return Failure.TOO_MANY
    return Failure.NAMED if isinstance(error, _NAMED) else Failure.LOST


def _is_listed(symbol: str) -> bool:
    try:
        return find_instrument(symbol).is_tradable
    except KeyError:
        return False


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
