"""Shares on margin, contracts with a multiplier, and two currencies, beside coins and perpetuals."""

from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.domain.orders import Side
from hedgerow_exchange import params
from hedgerow_exchange.accounts import LEVERAGE, OPENING_BALANCE
from hedgerow_exchange.api import create_order, instruments_info, positions
from hedgerow_exchange.calls import Call
from hedgerow_exchange.engine import Engine
from hedgerow_exchange.listings import paper_listings
from hedgerow_exchange.maker import Maker
from hedgerow_exchange.refusals import Refused
from hedgerow_exchange.wallet import wallet_row

NVDA, FUTURE = "NVDA/USD", "SPX/USD:USD-301220"
AS_FUTURE = {"category": "linear", "symbol": "SPXUSD-20DEC30", "isLeverage": 0}
NOW = 1_790_000_000_000_000_000
SHARE_FEE, FUTURE_FEE = D("0.0001"), D("0.00002")


def engine() -> Engine:
    made = Engine(paper_listings(), ["one"], "0badcafe")
    Maker(made.listings[NVDA], made.books[NVDA]).mirror(
        [(100.0, 5_000_000.0)], [(100.5, 5_000_000.0)], (None, None)
    )
    Maker(made.listings[FUTURE], made.books[FUTURE]).mirror(
        [(5_000.0, 100.0)], [(5_000.25, 100.0)], (None, None)
    )
    return made


def send(made: Engine, **changes: Any) -> Any:
    order = {
        "category": "spot",
        "symbol": "NVDAUSD",
        "side": "Buy",
        "orderType": "Limit",
        "qty": "100",
        "price": "100.5",
        "timeInForce": "IOC",
        "isLeverage": 1,
    }
    call = Call(engine=made, params=order | changes, now_ns=NOW)
    answer = create_order(call, made.accounts["one"])
    assert answer.outcome is not None
    return answer.outcome.orders[0]


def coins(made: Engine) -> dict[str, D]:
    return made.accounts["one"].coins


def wallet(made: Engine) -> dict[str, dict[str, Any]]:
    return {row["coin"]: row for row in wallet_row(made, made.accounts["one"], "")["coin"]}


def test_an_account_begins_with_dollars_and_tethers() -> None:
    assert coins(engine()) == {"USDT": OPENING_BALANCE, "USD": OPENING_BALANCE}


def test_shares_change_hands_for_dollars_and_the_commission_is_in_dollars() -> None:
    made = engine()
    order = send(made)
    assert (order.status, order.fee_coin, order.cum_exec_fee) == ("Filled", "USD", 10_050 * SHARE_FEE)
    assert coins(made)["NVDA"] == 100
    assert coins(made)["USD"] == OPENING_BALANCE - 10_050 * (1 + SHARE_FEE)
    assert wallet(made)["NVDA"]["usdValue"] == "10025"


def test_a_short_sale_borrows_and_shows_as_a_negative_balance() -> None:
    made = engine()
    send(made, side="Sell", price="100", qty="300")
    row = wallet(made)["NVDA"]
    assert (row["walletBalance"], row["borrowAmount"], row["usdValue"]) == ("-300", "300", "-30075")
    # The proceeds are there, but buying back and its margin are kept from them.
    available = made.accounts["one"].available("USD", made.listings, made.mark)
    assert available == coins(made)["USD"] - D("30075") * (1 + 1 / LEVERAGE)


def test_a_sale_without_borrowing_needs_the_shares() -> None:
    made = engine()
    send(made, qty="50")
    with pytest.raises(Refused, match="ab not enough") as refused:
        send(made, side="Sell", price="100", qty="51", isLeverage=0)
    assert refused.value.code == 170131
    assert send(made, side="Sell", price="100", qty="50", isLeverage=0).status == "Filled"


def test_nobody_lends_coins() -> None:
    made = engine()
    Maker(made.listings["BTC/USDT"], made.books["BTC/USDT"]).mirror(
        [(60_000.0, 1.0)], [(60_001.0, 1.0)], (None, None)
    )
    with pytest.raises(Refused, match="not lent"):
        send(made, symbol="BTCUSDT", side="Sell", qty="0.5", price="60000")


def test_a_short_sale_beyond_its_margin_is_refused() -> None:
    made = engine()
    for _ in range(9):
        send(made, side="Sell", price="100", qty="100000")
    with pytest.raises(Refused, match="ab not enough"):
        send(made, side="Sell", price="100", qty="100000")


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(Side), st.integers(min_value=1, max_value=500)), max_size=12))
def test_shares_held_are_the_sum_of_executions_and_worth_what_was_paid(
    trades: list[tuple[Side, int]],
) -> None:
    made = engine()
    for side, quantity in trades:
        send(made, side=side.value, qty=str(quantity), price="100.5" if side is Side.BUY else "100")
    executions = made.accounts["one"].executions
    assert coins(made).get("NVDA", D(0)) == sum(fill.side.sign * fill.exec_qty for fill in executions)
    paid = sum(fill.side.sign * fill.exec_qty * fill.exec_price + fill.fee for fill in executions)
    assert coins(made)["USD"] == OPENING_BALANCE - paid


@given(st.integers(min_value=1, max_value=50), st.sampled_from(Side))
def test_at_the_door_a_contract_counts_its_multiplier_inside_it_counts_one(
    contracts: int, side: Side
) -> None:
    made = engine()
    price = "5000.25" if side is Side.BUY else "5000"
    units = str(5 * contracts)
    order = send(made, **AS_FUTURE, side=side.value, qty=units, price=price)
    assert (order.status, order.cum_exec_qty) == ("Filled", contracts)
    assert order.cum_exec_value == 5 * contracts * D(price)
    assert order.cum_exec_fee == 5 * contracts * D(price) * FUTURE_FEE
    call = Call(engine=made, params={"category": "linear", "settleCoin": "USD"}, now_ns=NOW)
    (row,) = positions(call, made.accounts["one"]).result["list"]
    assert (row["symbol"], row["size"]) == ("SPXUSD-20DEC30", str(5 * contracts))
    assert D(row["positionValue"]) == 5 * contracts * D(price)
    mark = D("5000.125")
    assert D(row["unrealisedPnl"]) == side.sign * 5 * contracts * (mark - D(price))


@pytest.mark.parametrize(
    ("qty", "why"), [("3", "multiple of the lot 1"), ("0", "multiple"), ("5005", "at most 1000")]
)
def test_what_is_no_whole_contract_is_refused(qty: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        send(engine(), **AS_FUTURE, qty=qty, price="5000.25")


@pytest.mark.parametrize("symbol", ["SPXUSD", "SPX"])
@pytest.mark.parametrize("category", ["spot", "linear"])
def test_the_index_is_not_listed_so_orders_on_it_are_refused(category: str, symbol: str) -> None:
    with pytest.raises(Refused, match="is not listed"):
        send(engine(), category=category, symbol=symbol)


def test_the_future_is_told_with_its_delivery_and_the_share_as_lendable() -> None:
    made = engine()
    rows = {}
    for category in ("spot", "linear"):
        call = Call(engine=made, params={"category": category}, now_ns=NOW)
        rows |= {(category, row["symbol"]): row for row in instruments_info(call).result["list"]}
    future = rows["linear", "SPXUSD-20DEC30"]
    assert (future["contractType"], future["settleCoin"], future["deliveryTime"]) == (
        "LinearFutures",
        "USD",
        "1923984000000",
    )
    assert future["lotSizeFilter"]["qtyStep"] == "5"
    assert rows["linear", "BTCUSDT"]["deliveryTime"] == "0"
    assert rows["spot", "NVDAUSD"]["marginTrading"] == "both"
    assert rows["spot", "BTCUSDT"]["marginTrading"] == "none"
    assert params.venue_symbol(made.listings[NVDA]) == "NVDAUSD"
