"""What each path of the v5 API does with the engine. Pure: signatures, journal and faults are the shell's."""

import zlib
from collections.abc import Iterable
from decimal import Decimal
from itertools import islice

from hedgerow.domain.orders import Side
from hedgerow_exchange import dialect, params
from hedgerow_exchange.accounts import Account
from hedgerow_exchange.calls import Answer, Call, Private, Public
from hedgerow_exchange.loan_api import (
    adjust_ltv,
    borrow_flexible,
    flexible_loans,
    loan_position,
    repay_flexible,
)
from hedgerow_exchange.orders import Execution, Order, OrderStatus, Outcome
from hedgerow_exchange.wallet import wallet_row

RECENT_CLOSED_ORDERS = 500


def server_time(call: Call) -> Answer:
    return Answer(
        result={"timeSecond": str(call.now_ns // 1_000_000_000), "timeNano": str(call.now_ns)},
    )


def instruments_info(call: Call) -> Answer:
    listings = params.listings_of(call.engine.listings, call.params)
    # Everything listed here trades; there is nothing in any other state.
    wanted = params.text(call.params, "status")
    rows = [dialect.instrument_row(listing) for listing in listings] if wanted in ("", "Trading") else []
    return _rows(call, rows)


def tickers(call: Call) -> Answer:
    listings = params.listings_of(call.engine.listings, call.params)
    return _rows(call, [dialect.ticker_row(call.engine, listing) for listing in listings])


def orderbook(call: Call) -> Answer:
    listing = params.one_listing(call.engine.listings, call.params)
    default, largest = (1, 200) if listing.is_spot else (25, 500)
    levels = params.limit(call.params, default, largest)
    changes = call.engine.books[listing.instrument.symbol].changes
    return Answer(
        result={
            "s": params.venue_symbol(listing),
            "b": dialect.book_levels(call.engine, listing, Side.BUY, levels),
            "a": dialect.book_levels(call.engine, listing, Side.SELL, levels),
            "ts": call.now_ns // dialect.MS_NS,
            "u": changes,
            "seq": changes,
            "cts": call.now_ns // dialect.MS_NS,
        }
    )


def coin_info(call: Call, account: Account) -> Answer:
    wanted = params.text(call.params, "coin")
    instruments = [listing.instrument for listing in call.engine.listings.values()]
    coins = sorted({coin for item in instruments for coin in (item.base, item.quote)})
    rows = [
        {"name": coin, "coin": coin, "remainAmount": "0", "chains": []}
        for coin in coins
        if wanted in ("", coin)
    ]
    return Answer(result={"rows": rows})


def key_info(call: Call, account: Account) -> Answer:
    return Answer(
        result={
            "note": account.name,
            "userID": zlib.crc32(account.name.encode()),
            "readOnly": int(call.read_only),
            "permissions": {"ContractTrade": ["Order", "Position"], "Spot": ["SpotTrade"], "Wallet": []},
            "ips": ["*"],
            "type": 1,
            "unified": 0,
            "uta": 1,
            "isMaster": True,
        }
    )


def account_info(call: Call, account: Account) -> Answer:
    # 5 is Bybit's number for a unified account 2.0.
    return Answer(
        result={
            "marginMode": "REGULAR_MARGIN",
            "unifiedMarginStatus": 5,
            "isMasterTrader": False,
            "spotHedgingStatus": "OFF",
            "dcpStatus": "ON" if account.dead_man_s else "OFF",
            "timeWindow": account.dead_man_s.get("DERIVATIVES", 0),
            "smpGroup": 0,
        }
    )


def create_order(call: Call, account: Account) -> Answer:
    command = params.order_command(call.engine.listings, call.params)
    outcome = call.engine.place(account.name, command, call.now_ns, call.fraction)
    return Answer(result=_ids(outcome.orders[0]), outcome=outcome)


def cancel_order(call: Call, account: Account) -> Answer:
    listing = params.one_listing(call.engine.listings, call.params)
    order_id, name = params.text(call.params, "orderId"), params.text(call.params, "orderLinkId")
    if not order_id and not name:
        raise params.bad("orderId or orderLinkId is missing")
    outcome = call.engine.cancel(account.name, listing.instrument.symbol, order_id, name, call.now_ns)
    return Answer(result=_ids(outcome.orders[0]), outcome=outcome)


def cancel_all_orders(call: Call, account: Account) -> Answer:
    listings = params.listings_of(call.engine.listings, call.params)
    symbols = [listing.instrument.symbol for listing in listings]
    outcome = call.engine.cancel_all(account.name, symbols, call.now_ns)
    return Answer(result={"list": [_ids(order) for order in outcome.orders], "success": "1"}, outcome=outcome)


def cancel_when_silent(call: Call, account: Account) -> Answer:
    """The dead-man switch; it counts from when the account's last private stream with the topic `dcp` is gone."""
    seconds = params.whole(call.params, "timeWindow")
    if seconds is None or not 3 <= seconds <= 300:
        raise params.bad(f"timeWindow {seconds} should be from 3 to 300 seconds")
    product = params.text(call.params, "product") or "DERIVATIVES"
    if product not in ("DERIVATIVES", "SPOT"):
        raise params.bad(f"product {product!r} should be DERIVATIVES or SPOT")
    account.dead_man_s[product] = seconds
    return Answer(result={})


def fill_what_is_cancelled(call: Call, account: Account, fraction: Decimal) -> Outcome:
    """A fault: what a request is about to cancel is filled by this fraction first."""
    symbols = _symbols(call)
    named = _names_an_order(call.params)
    orders = list(_named_order(call, account) if named else account.open_orders.values())
    return call.engine.fill_part(
        [order for order in orders if order.symbol in symbols], fraction, call.now_ns
    )


def open_orders(call: Call, account: Account) -> Answer:
    """Open orders, or with `openOnly` the recent closed ones; with an id, that order in either state."""
    if _names_an_order(call.params):
        found = _named_order(call, account)
    elif params.whole(call.params, "openOnly", 0):
        found = islice(_closed(call, account), RECENT_CLOSED_ORDERS)
    else:
        found = _asked_for(call, reversed(account.open_orders.values()))
    return _order_page(call, found)


def order_history(call: Call, account: Account) -> Answer:
    """Orders that are final."""
    within = params.period_ms(call.params)
    status = params.text(call.params, "orderStatus")
    if status and status not in list(OrderStatus):
        raise params.bad(f"orderStatus {status!r} should be one of {', '.join(OrderStatus)}")
    found = (
        order
        for order in _closed(call, account)
        if status in ("", order.status) and within(order.created_ns // dialect.MS_NS)
    )
    return _order_page(call, found)


def executions(call: Call, account: Account) -> Answer:
    symbols = _symbols(call)
    within = params.period_ms(call.params)
    found: Iterable[Execution] = reversed(account.executions)
    if _names_an_order(call.params):
        found = (fill for order in _named_order(call, account) for fill in reversed(account.fills_of(order)))
    # Trades are the only executions here: there is no funding, liquidation or settlement.
    if params.text(call.params, "execType") not in ("", "Trade"):
        found = []
    shown = (
        execution
        for execution in found
        if execution.symbol in symbols
        and within(execution.time_ns // dialect.MS_NS)
        and call.visible(execution.order_id)
    )
    rows, cursor = params.page(shown, call.params, params.limit(call.params, 50, 100))
    listings = call.engine.listings
    return _rows(
        call,
        [dialect.execution_row(row, account.orders[row.order_id], listings[row.symbol]) for row in rows],
        cursor,
    )


def positions(call: Call, account: Account) -> Answer:
    """With a symbol, its position even when flat; else every position that is not."""
    if params.category(call.params) == "spot":
        raise params.bad("category 'spot' has no positions: see /v5/account/wallet-balance")
    by_symbol = bool(params.text(call.params, "symbol"))
    listings = [
        listing
        for listing in params.listings_of(call.engine.listings, call.params)
        if by_symbol or account.position(listing.instrument.symbol).quantity
    ]
    return _rows(call, [dialect.position_row(call.engine, account, listing) for listing in listings])


def wallet_balance(call: Call, account: Account) -> Answer:
    kind = params.text(call.params, "accountType")
    if kind != "UNIFIED":
        raise params.bad(f"accountType {kind!r} should be UNIFIED")
    return Answer(result={"list": [wallet_row(call.engine, account, params.text(call.params, "coin"))]})


def _rows(call: Call, rows: list[dialect.Row], cursor: str = "") -> Answer:
    return Answer(result={"category": params.category(call.params), "list": rows, "nextPageCursor": cursor})


def _ids(order: Order) -> dialect.Row:
    return {"orderId": order.order_id, "orderLinkId": order.order_link_id}


def _names_an_order(given: params.Params) -> bool:
    return bool(params.text(given, "orderId") or params.text(given, "orderLinkId"))


def _symbols(call: Call) -> set[str]:
    return {item.instrument.symbol for item in params.listings_of(call.engine.listings, call.params)}


def _named_order(call: Call, account: Account) -> Iterable[Order]:
    order_id, name = params.text(call.params, "orderId"), params.text(call.params, "orderLinkId")
    named = account.find(order_id, name)
    return _asked_for(call, [] if named is None else [named])


def _closed(call: Call, account: Account) -> Iterable[Order]:
    named = _names_an_order(call.params)
    orders = _named_order(call, account) if named else _asked_for(call, reversed(account.orders.values()))
    return (order for order in orders if not order.status.is_open)


def _asked_for(call: Call, orders: Iterable[Order]) -> Iterable[Order]:
    """Those of the instruments that a query asks for, without those that it may not see yet."""
    symbols = _symbols(call)
    # A filter for conditional orders finds none: there are none.
    if params.text(call.params, "orderFilter") not in ("", "Order"):
        return []
    return (order for order in orders if order.symbol in symbols and call.visible(order.order_id))


def _order_page(call: Call, found: Iterable[Order]) -> Answer:
    rows, cursor = params.page(found, call.params, params.limit(call.params, 20, 50))
    listings = call.engine.listings
    return _rows(call, [dialect.order_row(order, listings[order.symbol]) for order in rows], cursor)


PUBLIC: dict[tuple[str, str], Public] = {
    ("GET", "/v5/market/time"): server_time,
    ("GET", "/v5/market/instruments-info"): instruments_info,
    ("GET", "/v5/market/tickers"): tickers,
    ("GET", "/v5/market/orderbook"): orderbook,
}

CANCELS = frozenset({"/v5/order/cancel", "/v5/order/cancel-all"})

PRIVATE: dict[tuple[str, str], Private] = {
    ("GET", "/v5/asset/coin/query-info"): coin_info,
    ("GET", "/v5/user/query-api"): key_info,
    ("GET", "/v5/account/info"): account_info,
    ("GET", "/v5/account/wallet-balance"): wallet_balance,
    ("GET", "/v5/order/realtime"): open_orders,
    ("GET", "/v5/order/history"): order_history,
    ("GET", "/v5/execution/list"): executions,
    ("GET", "/v5/position/list"): positions,
    ("GET", "/v5/crypto-loan-common/position"): loan_position,
    ("GET", "/v5/crypto-loan-flexible/ongoing-coin"): flexible_loans,
    ("POST", "/v5/crypto-loan-flexible/borrow"): borrow_flexible,
    ("POST", "/v5/crypto-loan-flexible/repay"): repay_flexible,
    ("POST", "/v5/crypto-loan-common/adjust-ltv"): adjust_ltv,
    ("POST", "/v5/order/create"): create_order,
    ("POST", "/v5/order/cancel"): cancel_order,
    ("POST", "/v5/order/cancel-all"): cancel_all_orders,
    ("POST", "/v5/order/disconnected-cancel-all"): cancel_when_silent,
}
