"""What the engine does with commands, and with which of Bybit's codes it refuses.

E1 a position is the sum of its executions      E2 an order's fills are its executions' sum
E3 no client order id twice                     E4 restoring the outcomes gives the same state
E5 what is open rests in the book, nothing else E6 contracts are a zero-sum game, fees apart
"""

from decimal import Decimal as D

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.domain.money import ZERO
from hedgerow.domain.orders import Side, signed
from hedgerow_exchange.accounts import OPENING_BALANCE
from hedgerow_exchange.book import TimeInForce
from hedgerow_exchange.engine import Engine
from hedgerow_exchange.listings import paper_listings
from hedgerow_exchange.maker import Maker
from hedgerow_exchange.orders import Order, OrderStatus, OrderType, Outcome, PlaceOrder
from hedgerow_exchange.refusals import Refused

PERP = "BTC/USDT:USDT"
SPOT = "BTC/USDT"
NOW = 1_790_000_000_000_000_000
BIDS = [(60_000.0, 1.0), (59_999.5, 2.0)]
ASKS = [(60_000.5, 1.0), (60_001.0, 2.0)]


def make_engine(quoted: bool = True) -> Engine:
    engine = Engine(paper_listings(), ["one", "two"], "0badcafe")
    if quoted:
        for symbol in (PERP, SPOT):
            maker = Maker(engine.listings[symbol], engine.books[symbol])
            maker.mirror(BIDS, ASKS, (None, None))
    return engine


def order(
    side: Side = Side.BUY,
    quantity: str = "0.5",
    price: str | None = "60000.5",
    tif: TimeInForce = TimeInForce.IOC,
    symbol: str = PERP,
    name: str = "",
    reduce_only: bool = False,
) -> PlaceOrder:
    return PlaceOrder(
        symbol=symbol,
        side=side,
        order_type=OrderType.MARKET if price is None else OrderType.LIMIT,
        quantity=D(quantity),
        price=None if price is None else D(price),
        time_in_force=tif,
        client_order_id=name,
        reduce_only=reduce_only,
    )


def place(engine: Engine, command: PlaceOrder, account: str = "one") -> tuple[Order, Outcome]:
    outcome = engine.place(account, command, NOW)
    return outcome.orders[0], outcome


def test_an_order_takes_the_makers_quotes_level_by_level() -> None:
    engine = make_engine()
    placed, outcome = place(engine, order(quantity="1.5", price="60001"))
    assert [(e.exec_qty, e.exec_price) for e in outcome.executions] == [
        (D("1"), D("60000.5")),
        (D("0.5"), D("60001")),
    ]
    assert placed.status is OrderStatus.FILLED
    assert placed.cum_exec_value == D("60000.5") + D("0.5") * 60001
    assert engine.accounts["one"].position(PERP).quantity == D("1.5")


def test_what_an_ioc_cannot_take_is_cancelled_visibly() -> None:
    placed, _ = place(make_engine(), order(quantity="1.5"))
    assert (placed.status, placed.cum_exec_qty) == (OrderStatus.CANCELLED, D("1"))
    assert placed.reject_reason == "EC_NoImmediateQtyToFill"
    assert placed.leaves_qty == 0


def test_spot_has_a_status_of_its_own_for_that() -> None:
    placed, _ = place(make_engine(), order(quantity="1.5", symbol=SPOT))
    assert placed.status is OrderStatus.PARTIALLY_FILLED_CANCELED


def test_a_market_order_on_an_empty_side_is_cancelled_visibly() -> None:
    placed, outcome = place(make_engine(quoted=False), order(price=None))
    assert (placed.status, outcome.executions) == (OrderStatus.CANCELLED, ())
    assert placed.reject_reason == "EC_NoImmediateQtyToFill"


@pytest.mark.parametrize(
    ("tif", "price", "reason"),
    [
        (TimeInForce.FOK, "60000.5", "EC_NoEnoughQtyToFill"),
        (TimeInForce.POST_ONLY, "60000.5", "EC_PostOnlyWillTakeLiquidity"),
    ],
)
def test_an_order_that_may_not_trade_is_cancelled_with_its_reason(
    tif: TimeInForce, price: str, reason: str
) -> None:
    placed, outcome = place(make_engine(), order(quantity="1.5", price=price, tif=tif))
    assert (placed.status, placed.reject_reason) == (OrderStatus.CANCELLED, reason)
    assert outcome.executions == ()


def test_two_accounts_trade_and_both_are_accounted() -> None:
    engine = make_engine(quoted=False)
    resting, _ = place(engine, order(tif=TimeInForce.GTC), "two")
    taker, outcome = place(engine, order(Side.SELL, quantity="0.2"))
    assert [(e.account, e.is_maker) for e in outcome.executions] == [("one", False), ("two", True)]
    assert {changed.order_id for changed in outcome.orders} == {taker.order_id, resting.order_id}
    assert resting.status is OrderStatus.PARTIALLY_FILLED
    assert engine.accounts["two"].position(PERP).quantity == D("0.2")
    assert engine.accounts["one"].position(PERP).quantity == D("-0.2")
    assert engine.open_interest(PERP) == D("0.2")


def test_an_account_does_not_trade_with_itself() -> None:
    engine = make_engine(quoted=False)
    place(engine, order(tif=TimeInForce.GTC))
    placed, outcome = place(engine, order(Side.SELL))
    assert (placed.status, placed.reject_reason, placed.cancel_type) == (
        OrderStatus.CANCELLED,
        "EC_BySelfMatch",
        "CancelBySmp",
    )
    assert outcome.executions == ()


def test_fees_and_realised_profit_reach_the_wallet_exactly() -> None:
    engine = make_engine()
    place(engine, order(quantity="1"))
    place(engine, order(Side.SELL, quantity="1", price="60000"))
    fees = (D("60000.5") + D("60000")) * D("0.00055")
    assert engine.accounts["one"].coins["USDT"] == OPENING_BALANCE - D("0.5") - fees
    assert engine.accounts["one"].position(PERP).quantity == 0


def test_spot_moves_coins_and_charges_what_is_received() -> None:
    engine = make_engine()
    place(engine, order(quantity="1", symbol=SPOT))
    coins = engine.accounts["one"].coins
    assert coins["BTC"] == D("0.999")
    assert coins["USDT"] == OPENING_BALANCE - D("60000.5")
    place(engine, order(Side.SELL, quantity="0.999", price="60000", symbol=SPOT))
    assert coins["BTC"] == 0
    assert coins["USDT"] == OPENING_BALANCE - D("60000.5") + D("0.999") * 60000 * D("0.999")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (order(price="60000.55"), 10001),
        (order(price="60000.555", symbol=SPOT), 170134),
        (order(Side.SELL, price="1e17"), 10001),
        (order(quantity="0.0015"), 10001),
        (order(quantity="0.000001", symbol=SPOT), 170137),
        (order(quantity="0"), 10001),
        (order(quantity="1000.001"), 10001),
        (order(quantity="100.00001", symbol=SPOT), 170135),
        (order(quantity="0.001", price="1000"), 110094),
        (order(quantity="0.00001", symbol=SPOT), 170140),
        (order(quantity="1000", price="250000"), 110007),
        (order(quantity="100", price="110000", symbol=SPOT), 170131),
        (order(Side.SELL, symbol=SPOT, price="60000"), 170131),
        (order(reduce_only=True), 110017),
        (order(reduce_only=True, tif=TimeInForce.GTC), 10001),
        (order(name="x" * 37), 10001),
        (order(price=None, tif=TimeInForce.GTC), 10001),
        (order(name="taken"), 110072),
        (order(name="taken", symbol=SPOT), 170141),
    ],
)
def test_a_broken_rule_has_bybits_code_and_changes_nothing(command: PlaceOrder, code: int) -> None:
    engine = make_engine()
    place(engine, order(name="taken", quantity="0.001"))
    before = msgspec.json.encode([state_of(engine), book_of(engine)])
    with pytest.raises(Refused) as refused:
        place(engine, command)
    assert refused.value.code == code
    assert msgspec.json.encode([state_of(engine), book_of(engine)]) == before


def test_another_account_may_use_the_same_client_order_id() -> None:
    engine = make_engine()
    place(engine, order(name="same", quantity="0.1"))
    assert place(engine, order(name="same", quantity="0.1"), "two")[0].status is OrderStatus.FILLED


def test_a_sale_below_the_touch_needs_the_margin_of_the_touch() -> None:
    """At its limit of 10 it would need next to nothing; it is done at 60,000."""
    engine = make_engine(quoted=False)
    maker = Maker(engine.listings[PERP], engine.books[PERP])
    maker.mirror([(200_000.0, 1_000.0)], [], (None, None))
    with pytest.raises(Refused) as refused:
        place(engine, order(Side.SELL, quantity="1000", price="10"))
    assert refused.value.code == 110007


def test_margin_is_free_again_when_the_position_shrinks() -> None:
    engine = make_engine()
    account = engine.accounts["one"]
    place(engine, order(quantity="1"))
    with_position = account.available("USDT", engine.listings, engine.mark)
    place(engine, order(Side.SELL, quantity="1", price="60000"))
    assert account.available("USDT", engine.listings, engine.mark) > with_position
    assert account.available("USDT", engine.listings, engine.mark) == account.coins["USDT"]


def test_resting_orders_keep_back_what_they_may_need() -> None:
    engine = make_engine()
    account = engine.accounts["one"]
    place(engine, order(quantity="1", price="50000", tif=TimeInForce.GTC))
    assert account.available("USDT", engine.listings, engine.mark) == OPENING_BALANCE - 5_000
    engine.cancel_all("one", [PERP], NOW)
    assert account.available("USDT", engine.listings, engine.mark) == OPENING_BALANCE


def test_reduce_only_closes_but_never_turns_a_position() -> None:
    engine = make_engine()
    place(engine, order(quantity="0.5"))
    with pytest.raises(Refused):
        place(engine, order(Side.SELL, quantity="0.501", price="60000", reduce_only=True))
    place(engine, order(Side.SELL, quantity="0.5", price="60000", reduce_only=True))
    assert engine.accounts["one"].position(PERP).quantity == 0


def test_cancel_finds_an_order_by_either_id_once() -> None:
    engine = make_engine()
    waiting = order(price="50000", tif=TimeInForce.GTC, name="mine")
    first, _ = place(engine, waiting)
    assert engine.cancel("one", PERP, "", "mine", NOW).orders[0].status is OrderStatus.CANCELLED
    for order_id, name in ((first.order_id, ""), ("", "mine"), ("unknown", "")):
        with pytest.raises(Refused) as refused:
            engine.cancel("one", PERP, order_id, name, NOW)
        assert refused.value.code == 110001


def test_nobody_cancels_the_orders_of_another_account() -> None:
    engine = make_engine()
    theirs, _ = place(engine, order(price="50000", tif=TimeInForce.GTC, name="mine"), "two")
    with pytest.raises(Refused):
        engine.cancel("one", PERP, theirs.order_id, "", NOW)
    assert engine.cancel_all("one", [PERP, SPOT], NOW).orders == ()
    assert theirs.status is OrderStatus.NEW


commands = st.builds(
    order,
    side=st.sampled_from(list(Side)),
    quantity=st.sampled_from(["0.001", "0.3", "1", "2.5"]),
    price=st.sampled_from(["59999.5", "60000", "60000.5", "60001"]),
    tif=st.sampled_from(list(TimeInForce)),
    name=st.sampled_from(["", "", "a", "b", "c"]),
)
actions = st.lists(
    st.tuples(st.sampled_from(["one", "two"]), st.one_of(commands, commands, st.just("cancel all"))),
    max_size=40,
)


@settings(max_examples=200)
@given(actions)
def test_e1_to_e6_hold_after_any_commands(script: list[tuple[str, PlaceOrder | str]]) -> None:
    engine = make_engine()
    journal: list[bytes] = []
    for step, (account, action) in enumerate(script):
        try:
            if isinstance(action, PlaceOrder):
                outcome = engine.place(account, action, NOW + step)
            else:
                outcome = engine.cancel_all(account, [PERP], NOW + step)
        except Refused:
            continue
        journal.append(msgspec.json.encode(outcome))

    for account in engine.accounts.values():
        recounted = sum((signed(e.side, e.exec_qty) for e in account.executions), ZERO)
        assert account.position(PERP).quantity == recounted
        for known in account.orders.values():
            filled = sum((e.exec_qty for e in account.executions if e.order_id == known.order_id), ZERO)
            assert known.cum_exec_qty == filled <= known.qty
            in_book = engine.books[PERP].remaining(known.number)
            assert engine.listings[PERP].quantity(in_book) == known.leaves_qty
        names = [known.order_link_id for known in account.orders.values() if known.order_link_id]
        assert len(names) == len(set(names))
        position = account.position(PERP)
        assert account.coins["USDT"] == OPENING_BALANCE + position.realised_pnl - position.fees
    ids = [e.exec_id for account in engine.accounts.values() for e in account.executions]
    assert len(ids) == len(set(ids))

    restored = make_engine(quoted=False)
    for line in journal:
        restored.restore(msgspec.json.decode(line, type=Outcome))
    restored.reopen()
    assert msgspec.json.encode(state_of(restored)) == msgspec.json.encode(state_of(engine))


def state_of(engine: Engine) -> list[object]:
    """Everything about the accounts."""
    return [
        (a.name, a.coins, a.positions, a.orders, sorted(a.open_orders), a.executions)
        for a in engine.accounts.values()
    ]


def book_of(engine: Engine) -> list[object]:
    return [book.levels(side, 100) for book in engine.books.values() for side in Side]


def test_restored_orders_stand_in_the_queue_as_before() -> None:
    engine = make_engine(quoted=False)
    outcomes = [
        engine.place(account, order(tif=TimeInForce.GTC, quantity="1"), NOW) for account in ("one", "two")
    ]
    outcomes.append(engine.place("two", order(tif=TimeInForce.GTC, quantity="1"), NOW))
    lines = [msgspec.json.encode(outcome) for outcome in outcomes]
    restored = make_engine(quoted=False)
    for line in lines:
        restored.restore(msgspec.json.decode(line, type=Outcome))
    restored.reopen()
    restored.accounts["three"] = type(restored.accounts["one"])("three")
    outcome = restored.place("three", order(Side.SELL, quantity="1.5"), NOW)
    assert [e.account for e in outcome.executions if e.is_maker] == ["one", "two"]
    assert outcome.orders[0].number == 4


def test_a_fill_without_its_execution_is_not_restored() -> None:
    placed, _ = place(make_engine(), order())
    forged = Outcome(time_ns=NOW, orders=(placed,), executions=())
    with pytest.raises(ValueError, match=r"says 0\.5 filled, its executions 0"):
        make_engine().restore(forged)


def test_an_instrument_that_is_not_listed_is_not_restored() -> None:
    placed, _ = place(make_engine(quoted=False), order(price=None))
    placed.symbol = "DOGE/USDT:USDT"
    with pytest.raises(ValueError, match="not listed"):
        make_engine().restore(Outcome(time_ns=NOW, orders=(placed,)))
