from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.desk.asset_classes import AssetClass, asset_class_of
from hedgerow.desk.net_positions import NetPosition, net_positions
from hedgerow.domain.instruments import LISTINGS

quantities = st.decimals(min_value=-100, max_value=100, places=5)


@given(st.lists(st.tuples(st.sampled_from(["BTC/USDT", "BTC/USDT:USDT"]), quantities), min_size=1))
def test_cash_and_derivatives_are_summed_apart_and_valued_together(held: list[tuple[str, Decimal]]) -> None:
    (row,) = net_positions(held, lambda symbol: Decimal(60_000) if symbol == "BTC/USDT" else "another")
    spot = sum((quantity for symbol, quantity in held if symbol == "BTC/USDT"), start=Decimal(0))
    perp = sum((quantity for symbol, quantity in held if symbol != "BTC/USDT"), start=Decimal(0))
    assert (row.symbol, row.spot_qty, row.perp_qty) == ("BTC/USDT", spot, perp)
    assert row.usd_delta == (spot + perp) * 60_000


def test_without_a_mark_the_value_is_unknown_and_never_zero() -> None:
    assert net_positions([("BTC/USDT", Decimal(1))], lambda _: "4.000 s old") == [
        NetPosition(
            symbol="BTC/USDT",
            spot_qty=Decimal(1),
            perp_qty=Decimal(0),
            usd_delta=None,
            problem="4.000 s old",
        )
    ]


def test_an_unlisted_symbol_is_not_left_out_silently() -> None:
    with pytest.raises(KeyError):
        net_positions([("DOGE/USDT", Decimal(1))], lambda _: "")


def test_every_listing_has_an_asset_class() -> None:
    assert all(isinstance(asset_class_of(item), AssetClass) for item in LISTINGS.values())


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("BTC/USDT:USDT", AssetClass.CRYPTO),
        ("NVDA/USD", AssetClass.EQUITY),
        ("SPX", AssetClass.INDEX),
        ("SPX/USD:USD-301220", AssetClass.INDEX),
    ],
)
def test_a_contract_has_the_class_of_what_it_is_on(symbol: str, expected: AssetClass) -> None:
    assert asset_class_of(LISTINGS[symbol]) is expected


@given(st.integers(min_value=-1_000, max_value=1_000), st.integers(min_value=-50, max_value=50))
def test_an_index_future_counts_five_times_and_is_valued_at_the_index(index: int, contracts: int) -> None:
    marks = {"SPX": Decimal("5320.5")}
    (row,) = net_positions(
        [("SPX", Decimal(index)), ("SPX/USD:USD-301220", Decimal(contracts))], lambda symbol: marks[symbol]
    )
    assert (row.symbol, row.spot_qty, row.perp_qty) == ("SPX", index, 5 * contracts)
    assert row.usd_delta == (index + 5 * contracts) * Decimal("5320.5")
