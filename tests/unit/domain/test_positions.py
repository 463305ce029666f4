from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.domain.orders import Side, signed
from hedgerow.domain.positions import Position, apply_fill

LOT = Decimal("0.001")
NEAR_ZERO = Decimal("1e-9")
FILLS = st.lists(
    st.tuples(
        st.sampled_from(list(Side)),
        st.integers(min_value=1, max_value=5_000).map(lambda lots: lots * LOT),
        st.decimals(min_value=Decimal("0.1"), max_value=200_000, places=1),
        st.decimals(min_value=-5, max_value=50, places=4),
    ),
    max_size=40,
)
CONTRACT_SIZES = st.sampled_from([Decimal(1), Decimal("0.001"), Decimal(100)])


def _hold(fills: list[tuple[Side, Decimal, Decimal, Decimal]], size: Decimal) -> Position:
    position = Position()
    for side, quantity, price, fee in fills:
        position = apply_fill(position, side, quantity, price, fee, size)
    return position


@given(FILLS, CONTRACT_SIZES)
def test_quantity_and_fees_are_the_sums_of_the_fills(fills: list, size: Decimal) -> None:
    position = _hold(fills, size)
    assert position.quantity == sum(signed(side, quantity) for side, quantity, _, _ in fills)
    assert position.fees == sum(fee for _, _, _, fee in fills)


@given(FILLS, CONTRACT_SIZES, st.decimals(min_value=1, max_value=200_000, places=1))
def test_profit_is_what_was_paid_and_what_is_held(fills: list, size: Decimal, mark: Decimal) -> None:
    """At any mark, realised plus open profit equals the cash that the fills moved plus the worth of what is held."""
    position = _hold(fills, size)
    cash = -sum(signed(side, quantity) * size * price for side, quantity, price, _ in fills)
    open_profit = position.quantity * size * (mark - position.entry_price)
    assert abs(position.realised_pnl + open_profit - (cash + position.quantity * size * mark)) < NEAR_ZERO


@given(FILLS, CONTRACT_SIZES)
def test_the_entry_price_is_zero_exactly_when_flat_and_else_one_that_was_traded_between(
    fills: list, size: Decimal
) -> None:
    position = _hold(fills, size)
    if position.quantity == 0:
        assert position.entry_price == 0
    else:
        prices = [price for _, _, price, _ in fills]
        assert min(prices) - NEAR_ZERO <= position.entry_price <= max(prices) + NEAR_ZERO


@pytest.mark.parametrize("side", list(Side))
def test_a_fill_larger_than_the_position_closes_it_and_opens_the_rest_at_its_price(side: Side) -> None:
    opened = apply_fill(Position(), side, Decimal(2), Decimal(100), Decimal(1), Decimal(1))
    turned = apply_fill(opened, side.opposite, Decimal(5), Decimal(110), Decimal(1), Decimal(1))
    assert turned == Position(
        quantity=signed(side.opposite, Decimal(3)),
        entry_price=Decimal(110),
        realised_pnl=signed(side, Decimal(20)),
        fees=Decimal(2),
    )


@pytest.mark.parametrize("side", list(Side))
def test_closing_a_part_realises_its_share_and_keeps_the_entry(side: Side) -> None:
    opened = apply_fill(Position(), side, Decimal(2), Decimal(100), Decimal(0), Decimal(10))
    closed = apply_fill(opened, side.opposite, Decimal("0.5"), Decimal(90), Decimal(0), Decimal(10))
    assert closed.quantity == signed(side, Decimal("1.5"))
    assert closed.entry_price == 100
    assert closed.realised_pnl == signed(side, Decimal(-50))
