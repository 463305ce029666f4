"""A venue account through the released ccxt client: only its addresses, options and `nonce` are set.

ccxt counts in its market's contracts, which are not always ours: on Bybit a linear contract is one unit of the
underlying, whatever the listing's multiplier. Amounts are converted here, in both directions.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from contextvars import ContextVar
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

import ccxt.async_support as ccxt
import structlog

from hedgerow.adapters.ccxt_client import RECEIVE_WINDOW_MS, REQUEST_TIMEOUT_MS, Place, open_client
from hedgerow.adapters.ccxt_markets import problems_by_instrument
from hedgerow.adapters.ccxt_orders import venue_fill, venue_order
from hedgerow.adapters.ccxt_stream import CcxtStream
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
from hedgerow.domain.instruments import LISTINGS, Instrument, find_instrument
from hedgerow.domain.money import exact_decimal, parse_decimal
from hedgerow.domain.orders import Side
from hedgerow.execution.call_budget import BUDGETS, BUILTIN, CallKind, full_budget, spent, told, wait_ns
from hedgerow.execution.claim_facts import Funds
from hedgerow.execution.conclusion import Contradiction
from hedgerow.execution.intents import Intent, Ticker, VenueExecution, VenueFill, VenueOrder
from hedgerow.execution.venue_checks import AccountFacts, account_problems
from hedgerow.execution.venue_clock import ClockUncertain, clock_offset_ns
from hedgerow.execution.venue_rules import Failure, Meaning, meaning, name_conflict, rules_of

CLOCK_SLACK_NS = 1_000_000_000
VISIBILITY_DELAY_NS = 4_000_000_000
# The most that Bybit gives.
TRADES_PER_PAGE = 100
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
        self._place = Place(exchange=exchange_id, url=url, environment=environment)
        self._address = self._place.name
        self._client = self._new_client(api_key, secret)
        self.market_problems: Mapping[str, str] = {}
        self._offset_ms = 0
        self._venue_account: str | None = None
        allowance = BUDGETS[BUILTIN if environment == "Paper" else exchange_id]
        self._budget = full_budget(allowance, time.time_ns())

    def _new_client(self, api_key: str, secret: str) -> Any:
        client = open_client(ccxt, self._place, api_key, secret)
        client.nonce = self._nonce
        client.on_rest_response = self._on_response
        return client

    async def start(self) -> None:
        # First of all: ccxt signs what it loads besides the listings, and a clock that is off was refused there.
        await self.measure_clock()
        await self._ask(lambda: self._client.load_markets())
        self.market_problems = problems_by_instrument(LISTINGS.values(), self._client.markets)
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
        asked_ns = time.time_ns()
        venue_ms = await self._ask(lambda: self._client.fetch_time())
        try:
            self._offset_ms = clock_offset_ns(asked_ns, int(venue_ms) * MS_NS, time.time_ns()) // MS_NS
        except ClockUncertain as error:
            raise VenueUnavailable(f"{self._address}: {error}") from error
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
        # All at once: a venue that is slow on one must not hold the others up.
        answers = await asyncio.gather(*(self._cancel_all_of(instrument) for instrument in instruments))
        failed = [answer for answer in answers if isinstance(answer, str)]
        if failed:
            raise VenueUnavailable("; ".join(failed))
        return sum(answer for answer in answers if isinstance(answer, int))

    async def _cancel_all_of(self, instrument: str) -> int | str:
        """How many orders there were, or why it is not known. What the venue does not list has none."""
        if self._client.markets and instrument not in self._client.markets:
            return 0
        try:
            return len(await self._client.cancel_all_orders(instrument))
        except ccxt.BaseError as error:
            return f"{instrument}: {self._unavailable(error)}"

    async def cancel_all_when_silent(self, seconds: int) -> None:
        for market_type in ("swap", "spot"):
            wanted = {"type": market_type}
            await self._ask(partial(self._client.cancel_all_orders_after, seconds * 1_000, wanted))

    def open_stream(self) -> CcxtStream:
        return CcxtStream(self._place, self._client.apiKey, self._client.secret)

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
        return venue_order(ours[0], self._ccxt_contracts(intent.instrument)) if ours else None

    async def fills(self, intent: Intent) -> list[VenueFill]:
        size = self._ccxt_contracts(intent.instrument)
        trades = await self._all_trades(intent.instrument, None, {"orderLinkId": intent.client_order_id})
        return [
            venue_fill(trade, size)
            for trade in trades
            if trade["info"].get("orderLinkId") == intent.client_order_id
        ]

    async def executions(self, instrument: str, since_ns: int) -> list[VenueExecution]:
        size = self._ccxt_contracts(instrument)
        return [
            VenueExecution(
                client_order_id=str(trade["info"].get("orderLinkId") or ""),
                side=Side.BUY if trade["side"] == "buy" else Side.SELL,
                fill=venue_fill(trade, size),
            )
            for trade in await self._all_trades(instrument, since_ns // MS_NS, {})
        ]

    async def _all_trades(
        self, instrument: str, since_ms: int | None, asked: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Page by page: an order that swept the book has more executions than a page."""
        trades: list[dict[str, Any]] = []
        params = dict(asked)
        while True:
            page = await self._ask(
                partial(self._client.fetch_my_trades, instrument, since_ms, TRADES_PER_PAGE, dict(params))
            )
            trades += page
            cursors = [
                trade["info"]["nextPageCursor"] for trade in page if trade["info"].get("nextPageCursor")
            ]
            if len(page) < TRADES_PER_PAGE or not cursors:
                return trades
            params["cursor"] = cursors[-1]

    async def ticker(self, instrument: str) -> Ticker:
        asked_ns = time.time_ns()
        ticker = await self._ask(lambda: self._client.fetch_ticker(instrument))
        if ticker["bid"] is None or ticker["ask"] is None:
            raise VenueUnavailable(f"{self._address} shows no two-sided touch of {instrument}")
        return Ticker(bid=exact_decimal(ticker["bid"]), ask=exact_decimal(ticker["ask"]), time_ns=asked_ns)

    async def funds(self, instruments: list[str]) -> Funds:
        asked_ns = time.time_ns()
        wanted = {"accountType": "UNIFIED"}
        wallet = await self._ask(lambda: self._client.private_get_v5_account_wallet_balance(wanted))
        contracts = [symbol for symbol in instruments if not find_instrument(symbol).is_cash]
        told = {symbol: await self._leverage(symbol) for symbol in contracts}
        try:
            (account,) = wallet["result"]["list"]
            return Funds(
                available=parse_decimal(account["totalAvailableBalance"]),
                leverage={symbol: parse_decimal(text) for symbol, text in told.items() if text},
                time_ns=asked_ns,
            )
        except (KeyError, ValueError) as error:
            raise VenueUnavailable(
                f"the venue at {self._address} does not tell its funds: {error}"
            ) from error

    async def _leverage(self, symbol: str) -> str:
        """Empty where the venue tells none, as under portfolio margin."""

        def asked() -> Coroutine[Any, Any, Any]:
            wanted = {"category": "linear", "symbol": self._client.market(symbol)["id"]}
            return self._client.private_get_v5_position_list(wanted)  # type: ignore[no-any-return]

        rows = (await self._ask(asked))["result"]["list"]
        return str(rows[0].get("leverage") or "") if rows else ""

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
        while (pause_ns := wait_ns(self._budget, CallKind.QUERY, time.time_ns())) > 0:
            if pause_ns > REQUEST_TIMEOUT_MS * MS_NS:
                raise VenueUnavailable(
                    f"the venue at {self._address} takes no question for {pause_ns / 1e9:.1f} s: too many requests"
                )
            await asyncio.sleep(pause_ns / 1e9)

    def _unavailable(self, error: Exception) -> VenueUnavailable:
        return VenueUnavailable(
            f"the venue at {self._address} did not answer: {type(error).__name__}: {error}"
        )


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
