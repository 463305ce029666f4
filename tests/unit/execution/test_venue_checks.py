"""What must be true of a venue connection before an order may go through it."""

from typing import Any

import msgspec
import pytest

from hedgerow.adapters.ccxt_venue import CcxtVenue
from hedgerow.adapters.venue import VenueUnfit
from hedgerow.execution.venue_checks import AccountFacts, account_problems, host_problems, hosts_of

FIT = AccountFacts(account="1001", can_trade=True, margin_mode="Cross")
MAINNET = frozenset({"api.bybit.com", "stream.bybit.com"})
TESTNET = frozenset({"api-testnet.bybit.com", "stream-testnet.bybit.com"})


def test_a_fit_account_has_no_problems() -> None:
    assert account_problems(FIT, None) == account_problems(FIT, "1001") == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"account": "2002"}, "the key is of account 2002, and account 1001 is traded on"),
        ({"can_trade": False}, "may not place orders"),
        ({"margin_mode": "Isolated"}, "margin mode is Isolated: set it to Cross"),
        ({"hedge_mode": ("BTC/USDT:USDT",)}, "position mode of BTC/USDT:USDT is Hedge"),
    ],
)
def test_what_is_wrong_with_an_account_is_said_with_what_to_do(change: dict[str, Any], problem: str) -> None:
    (found,) = account_problems(msgspec.structs.replace(FIT, **change), "1001")
    assert problem in found


def test_hosts_are_found_however_deep_they_are() -> None:
    table = {
        "rest": "https://api.bybit.com",
        "ws": {"private": {"linear": "wss://stream.bybit.com/v5"}},
        "x": None,
    }
    assert hosts_of(table) == MAINNET


@pytest.mark.parametrize(
    ("environment", "used", "problem"),
    [
        ("Mainnet", MAINNET, ""),
        ("Testnet", TESTNET, ""),
        ("Paper", frozenset({"127.0.0.1"}), ""),
        ("Testnet", MAINNET, "environment Testnet would talk to the mainnet's api.bybit.com"),
        ("Testnet", TESTNET | {"stream.bybit.com"}, "the mainnet's stream.bybit.com"),
        ("Mainnet", TESTNET, "environment Mainnet would talk to the testnet's"),
        ("Mainnet", frozenset({"127.0.0.1"}), "127.0.0.1 is no host of the venue's Mainnet"),
        ("Mainnet", MAINNET | {"api.bybit.com.example"}, "api.bybit.com.example is no host"),
        ("Paper", MAINNET, "environment Paper would talk to the mainnet's"),
        ("Paper", TESTNET, "environment Paper would talk to the testnet's"),
        ("Paper", frozenset(), "no address"),
    ],
)
def test_an_environment_talks_to_its_own_hosts_only(
    environment: str, used: frozenset[str], problem: str
) -> None:
    found = host_problems(environment, used, MAINNET, TESTNET)
    assert problem in "; ".join(found)
    assert bool(found) is bool(problem)


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ("Paper", None),
        ("Paper", "https://api.bybit.com"),
        ("Paper", "https://api-testnet.bybit.com"),
        ("Testnet", "https://api.bybit.com"),
        ("Mainnet", "http://127.0.0.1:8080"),
    ],
)
def test_the_client_itself_is_refused_before_it_asks_anything(environment: str, url: str | None) -> None:
    with pytest.raises(VenueUnfit, match=f"environment {environment}|venue's {environment}"):
        CcxtVenue("bybit", url, "key", "secret", environment)


@pytest.mark.parametrize("environment", ["Testnet", "Mainnet"])
def test_a_venue_with_one_host_for_both_is_refused(environment: str) -> None:
    with pytest.raises(VenueUnfit, match="one host for real and for play money"):
        CcxtVenue("okx", None, "key", "secret", environment)


@pytest.mark.parametrize("exchange", ["bybit", "binance", "deribit"])
@pytest.mark.parametrize("environment", ["Testnet", "Mainnet"])
async def test_a_venues_own_hosts_are_let_through(exchange: str, environment: str) -> None:
    await CcxtVenue(exchange, None, "key", "secret", environment).close()
