"""How this exchange's state looks in Bybit's v5 replies: numbers as text, times in milliseconds.

Bybit counts linear contracts in units of the underlying, so a quantity in contracts is shown times the contract's size.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from hedgerow.domain.instruments import InstrumentKind
from hedgerow.domain.money import ZERO, plain
from hedgerow.domain.orders import Side
from hedgerow_exchange.accounts import LEVERAGE, Account
from hedgerow_exchange.engine import Engine
from hedgerow_exchange.listings import Listing
from hedgerow_exchange.orders import Execution, Order, OrderType
from hedgerow_exchange.params import delivery, venue_symbol

_EIGHT_DECIMALS = Decimal("1e-8")
MS_NS = 1_000_000

Row = dict[str, Any]


def shown(value: Decimal) -> str:
    """A computed amount, to eight decimals (half to even). Prices and quantities of orders are exact instead."""
    return plain(value.quantize(_EIGHT_DECIMALS, rounding=ROUND_HALF_EVEN))


def _units(listing: Listing, quantity: Decimal) -> str:
    return plain(quantity * listing.instrument.contract_size)


def _delivery_ms(listing: Listing) -> int:
    """When a future is delivered; 0 for what never is."""
    if listing.instrument.kind is not InstrumentKind.LINEAR_FUTURE:
        return 0
    return int(delivery(listing.instrument).timestamp()) * 1000


def ms(time_ns: int) -> str:
    return str(time_ns // MS_NS)


def instrument_row(listing: Listing) -> Row:
    instrument = listing.instrument
    row: Row = {
        "symbol": venue_symbol(listing),
        "baseCoin": instrument.base,
        "quoteCoin": instrument.quote,
        "status": "Trading",
    }
    smallest, largest = _units(listing, instrument.min_quantity), _units(listing, listing.max_quantity)
    tick, lot = plain(instrument.tick_size), _units(listing, instrument.lot_size)
    if listing.is_spot:
        return row | {
            "innovation": "0",
            "marginTrading": "both" if listing.is_lendable else "none",
            "lotSizeFilter": {
                "basePrecision": lot,
                "quotePrecision": plain(instrument.lot_size * instrument.tick_size),
                "minOrderQty": smallest,
                "maxOrderQty": largest,
                "minOrderAmt": plain(instrument.min_notional),
            },
            "priceFilter": {"tickSize": tick},
        }
    delivery_ms = _delivery_ms(listing)
    return row | {
        "contractType": "LinearPerpetual" if delivery_ms == 0 else "LinearFutures",
        "settleCoin": instrument.settle,
        "deliveryTime": str(delivery_ms),
        "deliveryFeeRate": "",
        "leverageFilter": {
            "minLeverage": plain(LEVERAGE),
            "maxLeverage": plain(LEVERAGE),
            "leverageStep": "0",
        },
        "priceFilter": {"minPrice": tick, "tickSize": tick},
        "lotSizeFilter": {
            "minOrderQty": smallest,
            "maxOrderQty": largest,
            "maxMktOrderQty": largest,
            "postOnlyMaxOrderQty": largest,
            "qtyStep": lot,
            "minNotionalValue": plain(instrument.min_notional),
        },
        "unifiedMarginTrade": True,
    }


def ticker_row(engine: Engine, listing: Listing) -> Row:
    """The touch and the mark. What this exchange does not keep (a day's statistics, funding) is empty."""
    symbol = listing.instrument.symbol
    last = engine.last_price.get(symbol)
    row: Row = {
        "symbol": venue_symbol(listing),
        "lastPrice": "" if last is None else plain(last),
        "prevPrice24h": "",
        "price24hPcnt": "",
        "highPrice24h": "",
        "lowPrice24h": "",
        "turnover24h": "",
        "volume24h": "",
    }
    for name, side in (("bid1", Side.BUY), ("ask1", Side.SELL)):
        top = engine.books[symbol].levels(side, 1)
        row[f"{name}Price"] = plain(listing.price(top[0][0])) if top else ""
        row[f"{name}Size"] = _units(listing, listing.quantity(top[0][1])) if top else ""
    if listing.is_spot:
        return row
    mark = engine.mark(symbol)
    interest = engine.open_interest(symbol)
    return row | {
        "markPrice": "" if mark is None else plain(mark),
        "indexPrice": "",
        "openInterest": _units(listing, interest),
        "openInterestValue": shown(listing.instrument.notional(interest, mark or ZERO)),
        "fundingRate": "",
        "nextFundingTime": "",
        "deliveryTime": str(_delivery_ms(listing)),
    }


def book_levels(engine: Engine, listing: Listing, side: Side, limit: int) -> list[list[str]]:
    levels = engine.books[listing.instrument.symbol].levels(side, limit)
    return [[plain(listing.price(price)), _units(listing, listing.quantity(lots))] for price, lots in levels]


def order_row(order: Order, listing: Listing) -> Row:
    size = listing.instrument.contract_size
    average = order.cum_exec_value / (order.cum_exec_qty * size) if order.cum_exec_qty else None
    is_market = order.order_type is OrderType.MARKET
    return {
        "symbol": venue_symbol(listing),
        "orderId": order.order_id,
        "orderLinkId": order.order_link_id,
        "side": order.side,
        "orderType": order.order_type,
        "orderStatus": order.status,
        "timeInForce": order.time_in_force,
        "price": "0" if order.price is None else plain(order.price),
        "qty": _units(listing, order.qty),
        "marketUnit": "baseCoin" if is_market and listing.is_spot else "",
        "avgPrice": "" if average is None else shown(average),
        "leavesQty": _units(listing, order.leaves_qty),
        "leavesValue": shown(listing.instrument.notional(order.leaves_qty, order.price or ZERO)),
        "cumExecQty": _units(listing, order.cum_exec_qty),
        "cumExecValue": plain(order.cum_exec_value),
        "cumExecFee": plain(order.cum_exec_fee),
        "cumFeeDetail": {order.fee_coin: plain(order.cum_exec_fee)} if order.cum_exec_qty else {},
        "rejectReason": order.reject_reason,
        "cancelType": order.cancel_type or "UNKNOWN",
        "reduceOnly": order.reduce_only,
        "closeOnTrigger": False,
        "positionIdx": 0,
        "createType": "CreateByUser",
        "stopOrderType": "",
        "tpslMode": "",
        "triggerPrice": "",
        "triggerDirection": 0,
        "takeProfit": "",
        "stopLoss": "",
        "createdTime": ms(order.created_ns),
        "updatedTime": ms(order.updated_ns),
    }


def execution_row(execution: Execution, order: Order, listing: Listing) -> Row:
    return {
        "symbol": venue_symbol(listing),
        "orderId": execution.order_id,
        "orderLinkId": execution.order_link_id,
        "side": execution.side,
        "orderPrice": "0" if order.price is None else plain(order.price),
        "orderQty": _units(listing, order.qty),
        "leavesQty": _units(listing, execution.leaves_qty),
        "orderType": order.order_type,
        "stopOrderType": "",
        "createType": "CreateByUser",
        "execFee": plain(execution.fee),
        "feeCurrency": execution.fee_coin,
        "feeCoin": execution.fee_coin,
        "feeRate": plain(execution.fee_rate),
        "execId": execution.exec_id,
        "execPrice": plain(execution.exec_price),
        "execQty": _units(listing, execution.exec_qty),
        "execType": "Trade",
        "execValue": plain(listing.instrument.notional(execution.exec_qty, execution.exec_price)),
        "execTime": ms(execution.time_ns),
        "isMaker": execution.is_maker,
        "markPrice": "",
        "indexPrice": "",
        "blockTradeId": "",
        "closedSize": "",
        "seq": execution.number,
    }


def position_row(engine: Engine, account: Account, listing: Listing) -> Row:
    symbol = listing.instrument.symbol
    position = account.position(symbol)
    size = position.quantity
    mark = engine.mark(symbol)
    liquidation = account.liquidation_price(listing, engine.listings, engine.mark)
    changed = ms(account.position_changed_ns.get(symbol, 0))
    return {
        "positionIdx": 0,
        "symbol": venue_symbol(listing),
        "side": "" if size == 0 else Side.BUY if size > 0 else Side.SELL,
        "size": _units(listing, abs(size)),
        "avgPrice": shown(position.entry_price),
        "positionValue": shown(listing.instrument.notional(size, position.entry_price)),
        "positionIM": shown(account.initial_margin(listing, engine.mark)),
        "positionMM": shown(account.maintenance_margin(listing, engine.mark)),
        "markPrice": "" if mark is None else plain(mark),
        "unrealisedPnl": shown(account.unrealised(listing, engine.mark)),
        "cumRealisedPnl": shown(position.realised_pnl - position.fees),
        "leverage": plain(LEVERAGE),
        "tradeMode": 0,
        "autoAddMargin": 0,
        "positionStatus": "Normal",
        "liqPrice": "" if liquidation is None else shown(liquidation),
        "bustPrice": "",
        "takeProfit": "",
        "stopLoss": "",
        "trailingStop": "0",
        "tpslMode": "Full",
        "createdTime": changed,
        "updatedTime": changed,
    }
