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
