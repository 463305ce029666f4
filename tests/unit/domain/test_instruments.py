from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.domain.instruments import LISTINGS, find_instrument
from hedgerow.domain.orders import Side, signed

SPOT, PERPETUAL = LISTINGS["BTC/USDT"], LISTINGS["BTC/USDT:USDT"]
HUNDREDTHS = msgspec.structs.replace(PERPETUAL, contract_size=Decimal("0.01"), lot_size=Decimal(1))


def test_an_unknown_symbol_is_refused_with_what_is_listed() -> None:
    with pytest.raises(KeyError, match=r"unknown instrument 'BTCUSDT'; listed are BTC/USDT, BTC/USDT:USDT"):
        find_instrument("BTCUSDT")


@pytest.mark.parametrize("symbol", sorted(LISTINGS))
def test_a_listing_is_found_under_its_symbol_and_its_minimum_is_on_its_lot(symbol: str) -> None:
    instrument = find_instrument(symbol)
    assert instrument.symbol == symbol
    assert instrument.is_on_lot(instrument.min_quantity)


def test_delta_and_notional_count_contracts_by_their_size() -> None:
    assert HUNDREDTHS.delta(Decimal(-250)) == Decimal("-2.5")
    assert HUNDREDTHS.notional(Decimal(-250), Decimal(60_000)) == 150_000
    assert SPOT.delta(Decimal("0.7")) == Decimal("0.7")


@given(
    st.sampled_from([SPOT, PERPETUAL, HUNDREDTHS]),
    st.decimals(min_value=Decimal("0.1"), max_value=10**7, places=1),
)
def test_the_smallest_quantity_is_accepted_and_one_lot_less_is_not(instrument, price: Decimal) -> None:
    smallest = instrument.smallest_quantity(price)
    assert instrument.is_on_lot(smallest)
    assert smallest >= instrument.min_quantity
    assert instrument.notional(smallest, price) >= instrument.min_notional
    less = smallest - instrument.lot_size
    assert less < instrument.min_quantity or instrument.notional(less, price) < instrument.min_notional


@pytest.mark.parametrize(("price", "on"), [("60000.1", True), ("60000.15", False), ("60000", True)])
def test_a_price_between_two_ticks_is_seen(price: str, on: bool) -> None:
    assert PERPETUAL.is_on_tick(Decimal(price)) is on


@pytest.mark.parametrize(("quantity", "on"), [("0.001", True), ("0.0015", False), ("-0.002", True)])
def test_a_quantity_between_two_lots_is_seen(quantity: str, on: bool) -> None:
    assert PERPETUAL.is_on_lot(Decimal(quantity)) is on


def test_sides_have_signs_and_opposites() -> None:
    assert [side.sign for side in (Side.BUY, Side.SELL)] == [1, -1]
    assert [side.opposite for side in (Side.BUY, Side.SELL)] == [Side.SELL, Side.BUY]
    assert signed(Side.SELL, Decimal(3)) == -3


def test_an_index_is_not_tradable_and_coins_cannot_hedge() -> None:
    assert [symbol for symbol, item in LISTINGS.items() if not item.is_tradable] == ["SPX"]
    assert {symbol for symbol, item in LISTINGS.items() if item.can_hedge} == {
        "BTC/USDT:USDT",
        "ETH/USDT:USDT",
        "NVDA/USD",
        "SPX/USD:USD-301220",
    }
    assert all(item.is_tradable for item in LISTINGS.values() if item.can_hedge)


def test_every_underlying_has_one_cash_listing_and_something_to_hedge_with() -> None:
    for underlying in {item.underlying for item in LISTINGS.values()}:
        listed = [item for item in LISTINGS.values() if item.underlying == underlying]
        assert sum(item.is_cash for item in listed) == 1
        assert any(item.can_hedge for item in listed)
