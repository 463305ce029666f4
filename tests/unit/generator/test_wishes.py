import pytest

from hedgerow.streams.settings import SettingsError
from hedgerow_generator.plan import Style
from hedgerow_generator.wishes import client_listings, read_mix, read_sizes


def test_one_number_is_the_size_of_every_listing_that_clients_trade() -> None:
    assert read_sizes("20000") == dict.fromkeys(client_listings(), 20_000.0)
    assert "BTC/USDT" in client_listings()
    assert "BTC/USDT:USDT" not in client_listings()


def test_sizes_by_symbol_leave_the_others_out() -> None:
    assert read_sizes(" BTC/USDT = 5000 ") == {"BTC/USDT": 5_000.0}


def test_the_mix_gives_weights_by_style() -> None:
    assert read_mix("market=3,resting=1") == {Style.MARKET: 3.0, Style.RESTING: 1.0}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "positive number"),
        ("0", "positive number"),
        ("nan", "positive number"),
        ("DOGE/USDT=5", "DOGE/USDT=5"),
        ("BTC/USDT:USDT=5", "should be one of"),
        ("BTC/USDT=5,BTC/USDT=6", "each once"),
        ("BTC/USDT=-1", "positive number"),
    ],
)
def test_a_size_that_cannot_be_meant_is_named(text: str, words: str) -> None:
    with pytest.raises(SettingsError, match="HEDGEROW_ORDERS_SIZES") as refused:
        read_sizes(text)
    assert words in str(refused.value)


@pytest.mark.parametrize("text", ["", "market", "market=-1", "market=0", "iceberg=1", "market=1,market=2"])
def test_a_mix_that_cannot_be_meant_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match="HEDGEROW_ORDERS_MIX"):
        read_mix(text)
