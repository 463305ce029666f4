"""The waiting orders of a gateway: every one that is reached is found, in price-time priority."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from hedgerow.desk.client_orders import ClientOrder, ClientOrderState, OrderType
from hedgerow.desk.filling import Touch
from hedgerow.domain.orders import Side
from hedgerow_gateway.resting import RestingOrders


def make_order(number: int, side: Side, price: int, instrument: str = "BTC/USDT") -> ClientOrder:
    return ClientOrder(
        id=str(number),
        owner="alice",
        client_order_id=None,
        client_id="acme",
        instrument=instrument,
        side=side,
        quantity=Decimal(1),
        order_type=OrderType.LIMIT,
        limit_price=Decimal(price),
        state=ClientOrderState.ACCEPTED,
        rested=True,
        created_ns=number,
    )


orders = st.lists(
    st.tuples(st.sampled_from(Side), st.integers(90, 110), st.sampled_from(["BTC/USDT", "BTC/USDT:USDT"])),
    max_size=30,
).map(
    lambda drawn: [make_order(number, side, price, name) for number, (side, price, name) in enumerate(drawn)]
)


@given(orders=orders, gone=st.sets(st.integers(0, 29)), bid=st.integers(90, 110))
def test_exactly_the_reached_orders_come_best_price_first_then_oldest(
    orders: list[ClientOrder], gone: set[int], bid: int
) -> None:
    resting = RestingOrders()
    for order in orders:
        resting.add(order)
        resting.add(order)
    for number in gone:
        resting.remove(str(number))
    touch = Touch(bid=Decimal(bid), ask=Decimal(bid + 1))
    found = [order for order, _ in resting.reachable("BTC/USDT", touch)]

    def price(order: ClientOrder) -> Decimal:
        assert order.limit_price is not None
        return order.limit_price

    left = [order for order in orders if int(order.id) not in gone and order.instrument == "BTC/USDT"]
    buys = [order for order in left if order.side is Side.BUY and price(order) >= touch.ask]
    sells = [order for order in left if order.side is Side.SELL and price(order) <= touch.bid]
    assert found == [
        *sorted(buys, key=lambda order: (-price(order), order.created_ns)),
        *sorted(sells, key=lambda order: (price(order), order.created_ns)),
    ]


def test_reading_the_ledger_takes_away_only_what_was_known_before_it() -> None:
    resting = RestingOrders()
    old, gone, new, read = (make_order(number, Side.BUY, 100) for number in range(4))
    resting.add(old)
    resting.add(gone)
    before = resting.ids()
    resting.add(new)
    resting.merge(before, [old, read])
    assert resting.ids() == {old.id, new.id, read.id}


def test_orders_may_be_filled_while_they_are_gone_through() -> None:
    resting = RestingOrders()
    for number in range(5):
        resting.add(make_order(number, Side.SELL, 100))
    for order, _ in resting.reachable("BTC/USDT", Touch(bid=Decimal(100), ask=Decimal(101))):
        resting.remove(order.id)
    assert len(resting) == 0


def test_an_order_that_is_cancelled_while_others_are_filled_is_left_out() -> None:
    resting = RestingOrders()
    for number in range(4):
        resting.add(make_order(number, Side.SELL, 100))
    found = []
    for order, _ in resting.reachable("BTC/USDT", Touch(bid=Decimal(100), ask=Decimal(101))):
        found.append(order.id)
        resting.remove(order.id)
        resting.remove("2")
    assert found == ["0", "1", "3"]
