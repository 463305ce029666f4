"""The life of a client's order: one end, reached once."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.desk.client_orders import (
    EDGES,
    ClientOrder,
    ClientOrderState,
    OrderNotOpen,
    OrderType,
    asks_the_same,
    cancel,
    fill,
    first_answer,
)
from hedgerow.domain.orders import Side

ORDER = ClientOrder(
    id="0",
    owner="alice",
    client_order_id="a-1",
    client_id="acme",
    instrument="BTC/USDT",
    side=Side.BUY,
    quantity=Decimal("0.5"),
    order_type=OrderType.LIMIT,
    limit_price=Decimal(60000),
    state=ClientOrderState.ACCEPTED,
    rested=True,
    created_ns=1,
)


@given(st.lists(st.sampled_from(["fill", "cancel"])))
def test_whatever_is_tried_an_order_ends_once_and_stays_so(attempts: list[str]) -> None:
    order, ends = ORDER, 0
    for number, attempt in enumerate(attempts):
        before = order
        try:
            order = fill(order, Decimal(number + 1), number) if attempt == "fill" else cancel(order, number)
        except OrderNotOpen:
            assert before.state is not ClientOrderState.ACCEPTED
        if order != before:
            assert (before.state, order.state) in EDGES
            assert order.concluded_ns == number
            ends += 1
    assert ends == min(1, len(attempts))
    assert first_answer(order) == ORDER


def test_an_order_filled_as_it_came_in_was_first_told_as_filled() -> None:
    filled = msgspec.structs.replace(fill(ORDER, Decimal(1), 2), rested=False)
    assert first_answer(filled) == filled


def test_numbers_count_by_value_and_names_by_letter() -> None:
    same = msgspec.structs.replace(
        ORDER, quantity=Decimal("0.500"), limit_price=Decimal("6E4"), id="1", created_ns=9
    )
    assert asks_the_same(ORDER, same)


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "other"},
        {"instrument": "BTC/USDT:USDT"},
        {"side": Side.SELL},
        {"quantity": Decimal("0.6")},
        {"order_type": OrderType.MARKET, "limit_price": None},
        {"limit_price": Decimal(1)},
    ],
)
def test_any_other_content_is_another_order(change: dict[str, object]) -> None:
    assert not asks_the_same(ORDER, msgspec.structs.replace(ORDER, **change))
