"""The released ccxt client on a Venue's own hosts: only addresses, options and credentials are set."""

from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import msgspec

from hedgerow.adapters.venue import VenueUnfit
from hedgerow.execution.venue_checks import host_problems, hosts_of
from hedgerow.strategy.compiled import CompiledVenue

RECEIVE_WINDOW_MS = 5_000
REQUEST_TIMEOUT_MS = 5_000


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a venue account is.

    Attributes:
        exchange: ccxt's id.
        url: where the exchange is, when it is not the public one.
        environment: of the Venue: Paper, Testnet or Mainnet.
    """

    exchange: str
    url: str | None = None
    environment: str = "Paper"

    @property
    def name(self) -> str:
        return self.url or self.exchange


def url_of(venue: CompiledVenue, exchange_url: str) -> str | None:
    """Where a Venue is asked: the built-in exchange at its address; a real venue at its own hosts, which ccxt knows.

    Args:
        exchange_url: of the built-in exchange; empty where there is none.

    Raises:
        VenueUnfit: the Venue is the built-in exchange, and nobody says where that is.
    """
    if not venue.is_builtin:
        return None
    if not exchange_url:
        raise VenueUnfit(f"HEDGEROW_EXCHANGE_URL does not say where the built-in exchange of {venue.key} is")
    return exchange_url


def open_client(library: ModuleType, place: Place, api_key: str, secret: str) -> Any:
    """
    Args:
        library: `ccxt.async_support`, or `ccxt.pro` for streams.

    Raises:
        VenueUnfit: the hosts are not those of the environment.
    """
    client = getattr(library, place.exchange)(
        {
            "apiKey": api_key,
            "secret": secret,
            "timeout": REQUEST_TIMEOUT_MS,
            # Pacing is the executor's own control: a request that waits in a queue would be signed in the past.
            "enableRateLimit": False,
            "maxRetriesOnFailure": 0,
            "options": {
                "recvWindow": RECEIVE_WINDOW_MS,
                "fetchMarkets": {"types": ["spot", "linear"]},
                "enableUnifiedMargin": False,
                "enableUnifiedAccount": True,
                "unifiedMarginStatus": 5,
            },
        }
    )
    mainnet, testnet = (hosts_of(_resolved(client, client.urls.get(name, {}))) for name in ("api", "test"))
    if place.environment == "Testnet":
        client.set_sandbox_mode(True)
    if place.url is not None:
        client.urls["api"] = _moved(client.urls["api"], place.url)
    used = hosts_of(_resolved(client, client.urls["api"]))
    problems = host_problems(place.environment, used, mainnet, testnet)
    if problems:
        raise VenueUnfit(f"{place.name}: {'; '.join(problems)}")
    return client


def _resolved(client: Any, addresses: Any) -> Any:
    """ccxt's table of addresses with the host name filled in."""
    if isinstance(addresses, dict):
        return {name: _resolved(client, value) for name, value in addresses.items()}
    return client.implode_hostname(addresses)


def _moved(addresses: Any, url: str) -> Any:
    """The table with every address at `url`; those of streams keep their paths."""
    if isinstance(addresses, dict):
        return {name: _moved(value, url) for name, value in addresses.items()}
    parts = urlsplit(addresses)
    if parts.scheme not in ("ws", "wss"):
        return url
    return url.replace("http", "ws", 1).rstrip("/") + parts.path
