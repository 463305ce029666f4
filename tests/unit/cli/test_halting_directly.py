"""A direct halt on an account that the built-in exchange cannot be: one that is unfit to trade on."""

import hedge_examples as example
import pytest

from hedgerow.adapters.venue import VenueUnfit
from hedgerow.cli import direct


class _UnfitVenue:
    """Its position mode is wrong, and it takes orders back."""

    def __init__(self, *_: str) -> None:
        self.closed = False

    async def start(self) -> None:
        raise VenueUnfit("the position mode of BTC/USDT:USDT is Hedge")

    async def cancel_all(self, instruments: list[str]) -> int:
        assert "BTC/USDT:USDT" in instruments
        return 3

    async def close(self) -> None:
        self.closed = True


async def test_what_is_open_on_an_account_unfit_to_trade_on_is_cancelled_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(direct, "CcxtVenue", _UnfitVenue)
    monkeypatch.setenv(direct.EXCHANGE, "http://exchange.test")
    assert await direct._cancel(example.venue(), "key", "secret")
    told = capsys.readouterr()
    assert "Venue desk/paper account hedge-01: 3 orders cancelled" in told.out
    assert "is Hedge; cancelling all the same" in told.err


async def test_a_real_venues_orders_are_cancelled_at_its_own_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str | None, ...]] = []

    class Recording(_UnfitVenue):
        def __init__(self, *place: str | None) -> None:
            asked.append(place)

    monkeypatch.setattr(direct, "CcxtVenue", Recording)
    monkeypatch.setenv(direct.EXCHANGE, "http://exchange.test")
    for venue in (example.venue(), example.venue(type="Ccxt", environment="Testnet")):
        assert await direct._cancel(venue, "key", "secret")
    assert asked == [
        ("bybit", "http://exchange.test", "key", "secret", "Paper"),
        ("bybit", None, "key", "secret", "Testnet"),
    ]
