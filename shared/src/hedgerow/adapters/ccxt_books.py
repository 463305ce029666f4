"""Public order books of a venue through the released ccxt client: asked over REST, followed over its socket.

ccxt chains the messages of a socket by each venue's own rule and raises when one is missing. Three things are added
here: every REST request, the snapshots of sockets included, goes through one client, so that one rate limiter and one
pause see them all; the range of prices within which the book is complete is known; addresses can be others.
"""

import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlsplit

import ccxt.pro as ccxt
import msgspec

from hedgerow.adapters.ccxt_funding import DAY_NS, MS_NS, funding_of
from hedgerow.analytics.orderbook import Level
from hedgerow.domain.price_sources import venue_prices
from hedgerow.schemas.records import Funding

REQUEST_TIMEOUT_MS = 5_000
# Every venue takes this many levels in one request, and most give them for the lowest price of a request.
REST_LEVELS = 100
# A book whose known range has shrunk below this part of what its snapshot had is taken anew.
_LEAST_RANGE = 0.5

# Of the kinds of markets that ccxt distinguishes, those that Hedgerow can hold: listing the others takes long.
_KINDS = ("spot", "linear", "swap", "contract")

_R = TypeVar("_R")


class VenueBook(msgspec.Struct, frozen=True, kw_only=True):
    """One order book as the venue told it.

    Attributes:
        bids, asks: (price, quantity), best first, every level that is known.
        nonce: the venue's update id, which rises; None where it tells none.
        time_ns: the venue's own stamp; None where it gives none.
        known_low, known_high: between these prices no level is missing.
    """

    bids: list[Level]
    asks: list[Level]
    nonce: int | None
    time_ns: int | None
    known_low: float
    known_high: float


class Trouble(StrEnum):
    """Why there is no book, or none any more."""

    GAP = "gap"
    MALFORMED = "malformed"
    UNUSABLE = "unusable"
    BEHIND = "behind"
    NARROWED = "narrowed"
    DISCONNECTED = "disconnected"
    RATE_LIMITED = "rate limited"


class BooksLost(ConnectionError):
    """A question or a socket gave no further book. `retry_after_s` is what the venue asked for, else 0."""

    def __init__(self, trouble: Trouble, detail: str, retry_after_s: float = 0.0) -> None:
        super().__init__(f"{trouble}: {detail}")
        self.trouble = trouble
        self.detail = detail
        self.retry_after_s = retry_after_s


class NotListed(ValueError):
    """The venue is unknown to ccxt, cannot be followed, or does not list an instrument; the message says which."""


class VenueBooks:
    """The public books of one venue. Nothing is asked before `load`."""

    def __init__(self, venue: str, url: str | None = None, environment: str = "Mainnet") -> None:
        """
        Args:
            venue: ccxt's id, e.g. `binance`.
            url: base address instead of the venue's own hosts; see `redirected`.
            environment: Mainnet, or the venue's Testnet, whose prices are others.

        Raises:
            NotListed: ccxt has no such venue, or no testnet of it, or neither asks nor follows its books.
        """
        if venue not in ccxt.exchanges:
            raise NotListed(
                f"{venue!r} is no venue with a socket in ccxt; there are {', '.join(ccxt.exchanges)}"
            )
        self.venue = venue
        self._url, self._environment = url, environment
        self._client = self._new_client()
        for what in ("fetchOrderBook", "watchOrderBook"):
            if not self._client.has.get(what):
                raise NotListed(f"ccxt's {venue} has no {what}")

    @property
    def source(self) -> str:
        """Where the books come from. Whoever answers at another address may tell anything: that is not the venue."""
        source = venue_prices(self.venue, self._environment)
        return source if self._url is None else f"{source} by way of {self._url}"

    async def load(self, symbols: list[str]) -> None:
        """Learn what the venue lists.

        Raises:
            NotListed: it does not list all of the symbols.
            BooksLost: it did not answer.
        """
        await self._ask(lambda: self._client.load_markets())
        listed: dict[str, Any] = self._client.markets
        absent = [symbol for symbol in symbols if symbol not in listed]
        if absent:
            raise NotListed(
                f"{self.venue} does not list {', '.join(absent)}; {_listed_instead(listed, absent)}"
            )
        self._markets = [listed[symbol] for symbol in symbols]

    async def fetch(self, symbol: str) -> VenueBook:
        """Ask for the book as it is now.

        Raises:
            BooksLost: the venue did not answer, or said something that is no book.
        """
        return _venue_book(await self._ask(lambda: self._client.fetch_order_book(symbol, REST_LEVELS)))

    @property
    def tells_funding(self) -> bool:
        return all(self._client.has.get(what) for what in ("fetchFundingRate", "fetchFundingRateHistory"))

    async def fetch_funding(self, symbol: str) -> Funding:
        """Ask for a perpetual's funding rate, and for those of the last two days.

        Raises:
            BooksLost: the venue did not answer, or said something that is no funding rate.
        """
        asked_ns = time.time_ns()
        since_ms = (asked_ns - 2 * DAY_NS) // MS_NS
        now = await self._ask(lambda: self._client.fetch_funding_rate(symbol))
        history = await self._ask(lambda: self._client.fetch_funding_rate_history(symbol, since_ms))
        try:
            return funding_of(now, history, asked_ns)
        except (ValueError, TypeError, KeyError) as error:
            raise BooksLost(Trouble.MALFORMED, f"{type(error).__name__}: {error}") from error

    async def follow(self, symbol: str) -> AsyncGenerator[VenueBook, None]:
        """The book after each change, over a socket of its own that is closed when the iteration ends.

        A gap is raised and mended by iterating `follow` anew.

        Raises:
            BooksLost: what `trouble` says; the next call opens a new socket.
        """
        client = self._new_client()
        client.set_markets(self._markets)
        known = _KnownRange()

        async def snapshot(_symbol: str, limit: int | None = None, params: Any = None) -> Any:
            taken = await self._client.fetch_order_book(symbol, limit, params or {})
            known.begin(taken)
            return taken

        client.fetch_rest_order_book_safe = snapshot
        try:
            told = None
            while True:
                # ccxt only wakes who waits: what came while nobody did is in its book already.
                book = client.orderbooks.get(symbol)
                if book is None or _mark(book) == told:
                    book = await self._ask(lambda: client.watch_order_book(symbol))
                told = _mark(book)
                yield _venue_book(book, known)
                if known.narrowed(book):
                    raise BooksLost(Trouble.NARROWED, "the price has left the snapshot's range")
        finally:
            await client.close()

    async def close(self) -> None:
        await self._client.close()

    def _new_client(self) -> Any:
        client = getattr(ccxt, self.venue)({"timeout": REQUEST_TIMEOUT_MS, "enableRateLimit": True})
        client.timeout_on_exit = 0
        markets = client.options.get("fetchMarkets")
        if isinstance(markets, dict) and "types" in markets:
            markets["types"] = [kind for kind in markets["types"] if kind in _KINDS]
        if self._environment == "Testnet":
            try:
                client.set_sandbox_mode(True)
            except ccxt.NotSupported as error:
                raise NotListed(f"{self.venue} has no testnet in ccxt") from error
        if self._url is not None:
            client.urls["api"] = redirected(client.urls["api"], self._url)
        return client

    async def _ask(self, question: Callable[[], Coroutine[Any, Any, _R]]) -> _R:
        try:
            return await question()
        except (ccxt.RateLimitExceeded, ccxt.DDoSProtection) as error:
            raise BooksLost(Trouble.RATE_LIMITED, str(error), self._retry_after_s()) from error
        except ccxt.ChecksumError as error:
            raise BooksLost(Trouble.GAP, str(error)) from error
        except ccxt.NetworkError as error:
            raise BooksLost(Trouble.DISCONNECTED, f"{type(error).__name__}: {error}") from error
        except (ccxt.BaseError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            # ccxt stumbles over what it did not expect in many ways; a book that it half applied is none.
            raise BooksLost(Trouble.MALFORMED, f"{type(error).__name__}: {error}") from error

    def _retry_after_s(self) -> float:
        headers = self._client.last_response_headers or {}
        try:
            return float(headers.get("Retry-After", 0))
        except ValueError:
            return 0.0


class _KnownRange:
    """Between which prices a socket's book is complete.

    Venues that send every change to a snapshot of limited depth leave what lies beyond it unknown; ccxt also cuts
    the book to the snapshot's depth again and again. Others keep a book of fixed depth themselves and send no
    snapshot over REST: theirs is complete as it stands.
    """

    def __init__(self) -> None:
        self._levels: tuple[int, int] | None = None
        self._low = self._high = 0.0
        self._first_reach = 0.0

    def begin(self, snapshot: Any) -> None:
        bids, asks = snapshot["bids"], snapshot["asks"]
        if bids and asks:
            self._levels = len(bids), len(asks)
            self._low, self._high = bids[-1][0], asks[-1][0]
            self._first_reach = self._reach(snapshot)

    def of(self, book: Any) -> tuple[float, float]:
        bids, asks = book["bids"], book["asks"]
        low, high = (bids[-1][0] if bids else 0.0), (asks[-1][0] if asks else 0.0)
        if self._levels is None:
            return low, high
        if len(bids) >= self._levels[0]:
            self._low = max(self._low, low)
        if len(asks) >= self._levels[1]:
            self._high = min(self._high, high)
        return self._low, self._high

    def narrowed(self, book: Any) -> bool:
        if self._levels is None or not book["bids"] or not book["asks"]:
            return False
        return self._reach(book) < _LEAST_RANGE * self._first_reach

    def _reach(self, book: Any) -> float:
        return float(min(book["bids"][0][0] - self._low, self._high - book["asks"][0][0]))


def redirected(addresses: Any, url: str) -> Any:
    """ccxt's addresses with `url` before them, each host kept as the first part of the path, sockets included.

    `wss://stream.binance.com:9443/ws` becomes `ws://127.0.0.1:8080/stream.binance.com:9443/ws`: whoever answers at
    `url` can still tell them apart.
    """
    if isinstance(addresses, dict):
        return {name: redirected(address, url) for name, address in addresses.items()}
    if not isinstance(addresses, str):
        return addresses
    scheme, _, place = addresses.partition("://")
    if scheme not in ("ws", "wss"):
        return f"{url.rstrip('/')}/{place}"
    target = urlsplit(url)
    socket_scheme = "wss" if target.scheme == "https" else "ws"
    return f"{socket_scheme}://{target.netloc}{target.path.rstrip('/')}/{place}"


def _mark(book: Any) -> tuple[Any, Any]:
    """What changes with every change of a book."""
    return book["nonce"], book["timestamp"]


def _venue_book(book: Any, known: _KnownRange | None = None) -> VenueBook:
    """
    Raises:
        BooksLost: it has no two sides of (price, quantity).
    """
    try:
        stamp = book["timestamp"]
        low, high = (known or _KnownRange()).of(book)
        return VenueBook(
            bids=[(float(level[0]), float(level[1])) for level in book["bids"]],
            asks=[(float(level[0]), float(level[1])) for level in book["asks"]],
            nonce=book["nonce"],
            time_ns=None if stamp is None else int(stamp) * MS_NS,
            known_low=float(low),
            known_high=float(high),
        )
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise BooksLost(Trouble.MALFORMED, f"{type(error).__name__}: {error}") from error


def _listed_instead(listed: dict[str, Any], absent: list[str]) -> str:
    """What the venue lists of the same coins, else some of what it lists at all."""
    bases = {symbol.partition("/")[0] for symbol in absent}
    near = sorted(symbol for symbol, market in listed.items() if market["base"] in bases)
    some = near or sorted(listed)
    shown = ", ".join(some[:20]) + (", …" if len(some) > 20 else "")
    what = "of the same underlying it lists" if near else f"its {len(listed)} instruments are"
    return f"{what} {shown}; HEDGEROW_FEED_SYMBOLS says which to follow"
