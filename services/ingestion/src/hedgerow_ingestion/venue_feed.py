"""The feeds of real venues: REST asked at an interval, and beside it, where wanted, a socket per instrument."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from typing import Any

import msgspec
import structlog

from hedgerow.adapters.ccxt_books import BooksLost, NotListed, Trouble, VenueBook, VenueBooks
from hedgerow.domain.instruments import InstrumentKind, find_instrument
from hedgerow.schemas.records import Funding
from hedgerow.streams.context import Context
from hedgerow.streams.settings import SettingsError
from hedgerow.streams.waiting import set_within
from hedgerow_ingestion.backoff import Backoff
from hedgerow_ingestion.feed import Feed, Send
from hedgerow_ingestion.feed_metrics import FeedMetrics
from hedgerow_ingestion.live_book import LiveBook, Patience
from hedgerow_ingestion.states import StateBuilder

_log = structlog.get_logger(__name__)

_LONGEST_WAIT_S = 0.5
_CHECK_S = 0.25
# A rate moves slowly, and is paid every few hours.
_FUNDING_POLL_S = 60.0
# What a socket ends with although the venue did nothing wrong: it is opened anew at once.
_AT_ONCE = frozenset({Trouble.GAP, Trouble.NARROWED})
_DISTRUSTED = frozenset({Trouble.GAP, Trouble.MALFORMED})


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """How patient a feed is.

    Attributes:
        first_wait_s, longest_wait_s: before the next attempt, doubling from the one to the other.
        opening_s: for a new socket's first book.
        ready_s: a book that nobody vouched for in this time makes the feed not ready.
    """

    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    opening_s: float = 20.0
    ready_s: float = 5.0
    patience: Patience = msgspec.field(default_factory=Patience)

    def backoff(self) -> Backoff:
        return Backoff(self.first_wait_s, self.longest_wait_s)


def venue_feed(with_sockets: bool, timing: Timing | None = None) -> Feed:
    """The feed `WebSocket`, or without sockets `Rest`."""

    async def follow_venue(context: Context, send: Send) -> None:
        """Send the venue's books until asked to stop.

        Raises:
            SettingsError: the venue, or an instrument on it, does not exist.
        """
        settings = context.settings
        try:
            books = VenueBooks(settings.feed_venue, settings.feed_url, settings.feed_environment)
        except NotListed as error:
            raise SettingsError(f"HEDGEROW_FEED_VENUE: {error}") from error
        feed = _VenueFeed(context, send, books, with_sockets, timing or Timing())
        try:
            await feed.run()
        finally:
            await books.close()

    return follow_venue


class _Instrument:
    """One instrument's live book and the last trouble with it."""

    def __init__(self, symbol: str, live: LiveBook) -> None:
        self.symbol = symbol
        self.live = live
        self.trouble = "no book yet"
        self.funding: Funding | None = None

    @property
    def is_perpetual(self) -> bool:
        return find_instrument(self.symbol).kind is InstrumentKind.LINEAR_PERPETUAL


class _VenueFeed:
    def __init__(
        self, context: Context, send: Send, books: VenueBooks, with_sockets: bool, timing: Timing
    ) -> None:
        settings = context.settings
        self._stopping = context.stopping
        self._readiness = context.readiness
        self._poll_s = settings.feed_poll_ms / 1_000
        self._send = send
        self._books = books
        self._with_sockets = with_sockets
        self._timing = timing
        self._metrics = FeedMetrics(context.metrics)
        self._news = asyncio.Event()
        # Nothing is asked before this moment: the venue has said that it is too much.
        self._paused_until_s = 0.0
        started_ns = time.time_ns()
        self._instruments = [
            _Instrument(
                symbol,
                LiveBook(_states(symbol, settings.max_jump_bps, books.source), started_ns, timing.patience),
            )
            for symbol in settings.feed_symbols
        ]

    async def run(self) -> None:
        self._readiness.set("feed", False, f"asking {self._books.venue} what it lists", outage=True)
        tasks = [asyncio.create_task(self._stopping.wait()), asyncio.create_task(self._follow_all())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow_all(self) -> None:
        await self._load()
        sources = ("socket", "rest") if self._with_sockets else ("rest",)
        async with asyncio.TaskGroup() as group:
            for one in self._instruments:
                self._metrics.follow(one.symbol, one.live, sources)
                group.create_task(self._poll(one))
                if one.is_perpetual and self._books.tells_funding:
                    group.create_task(self._poll_funding(one))
                if self._with_sockets:
                    group.create_task(self._keep_socket(one))
            group.create_task(self._send_what_is_due())
            group.create_task(self._tell_readiness())

    async def _load(self) -> None:
        """
        Raises:
            SettingsError: the venue does not list an instrument.
        """
        backoff = self._timing.backoff()
        while True:
            try:
                await self._books.load([one.symbol for one in self._instruments])
            except NotListed as error:
                raise SettingsError(f"HEDGEROW_FEED_SYMBOLS: {error}") from error
            except BooksLost as lost:
                wait_s = max(backoff.next_s(random.random()), lost.retry_after_s)
                detail = (
                    f"{self._books.venue} does not tell what it lists: {lost}; next attempt in {wait_s:.0f} s"
                )
                _log.warning("venue away", venue=self._books.venue, detail=detail)
                self._readiness.set("feed", False, detail, outage=True)
                await asyncio.sleep(wait_s)
            else:
                return

    async def _poll(self, one: _Instrument) -> None:
        backoff = self._timing.backoff()
        while True:
            await self._pause_over()
            asked_ns = time.time_ns()
            try:
                book = await self._books.fetch(one.symbol)
            except BooksLost as lost:
                self._metrics.failed_requests.labels(one.symbol, lost.trouble).inc()
                wait_s = max(backoff.next_s(random.random()), lost.retry_after_s)
                self._note(one, lost, wait_s, "rest")
                await asyncio.sleep(wait_s)
            else:
                backoff = self._timing.backoff()
                self._metrics.told(one.symbol, "rest")
                one.live.from_rest(book, asked_ns)
                self._news.set()
                await asyncio.sleep(self._poll_s)

    async def _poll_funding(self, one: _Instrument) -> None:
        """The books go on without it: what is not asked anew grows old, and whoever counts funding says so."""
        backoff = self._timing.backoff()
        while True:
            await self._pause_over()
            try:
                one.funding = await self._books.fetch_funding(one.symbol)
            except BooksLost as lost:
                self._metrics.failed_requests.labels(one.symbol, lost.trouble).inc()
                wait_s = max(backoff.next_s(random.random()), lost.retry_after_s)
                if lost.trouble is Trouble.RATE_LIMITED:
                    self._paused_until_s = max(self._paused_until_s, time.monotonic() + wait_s)
                _log.warning(
                    "funding not told", instrument=one.symbol, trouble=str(lost), next_attempt_s=wait_s
                )
                await asyncio.sleep(wait_s)
            else:
                backoff = self._timing.backoff()
                await asyncio.sleep(_FUNDING_POLL_S)

    async def _keep_socket(self, one: _Instrument) -> None:
        backoff = self._timing.backoff()
        while True:
            await self._pause_over()
            opened_s = time.monotonic()
            try:
                await self._follow(one, opened_s)
            except BooksLost as lost:
                was_trusted = one.live.trusted
                self._lose(one, lost)
                backoff.stood(time.monotonic() - opened_s)
                at_once = lost.trouble in _AT_ONCE and was_trusted
                wait_s = 0.0 if at_once else max(backoff.next_s(random.random()), lost.retry_after_s)
                self._metrics.reconnects.labels(one.symbol, lost.trouble).inc()
                self._note(one, lost, wait_s, "socket")
                await asyncio.sleep(wait_s)

    async def _follow(self, one: _Instrument, opened_s: float) -> None:
        """Take one connection's books.

        Raises:
            BooksLost: always, in the end.
        """
        async with aclosing(self._books.follow(one.symbol)) as books:
            while True:
                book = await _next_unless(lambda: _next(books), lambda: self._why_reopen(one, opened_s))
                now_ns = time.time_ns()
                self._metrics.told(one.symbol, "socket")
                unusable = one.live.from_socket(book, now_ns)
                self._news.set()
                if unusable is not None:
                    raise BooksLost(Trouble.UNUSABLE, unusable)

    def _why_reopen(self, one: _Instrument, opened_s: float) -> BooksLost | None:
        behind = one.live.behind(time.time_ns())
        if behind is not None:
            return BooksLost(Trouble.BEHIND, behind)
        if not one.live.trusted and time.monotonic() - opened_s > self._timing.opening_s:
            return BooksLost(Trouble.DISCONNECTED, f"no book within {self._timing.opening_s:g} s")
        return None

    def _lose(self, one: _Instrument, lost: BooksLost) -> None:
        """Tell the live book; an invalid state leaves at once."""
        distrust = None
        if lost.trouble is Trouble.UNUSABLE:
            distrust = lost.detail
        elif lost.trouble in _DISTRUSTED:
            distrust = str(lost)
        if lost.trouble is Trouble.GAP:
            self._metrics.gaps.labels(one.symbol).inc()
        state = one.live.lost(time.time_ns(), distrust)
        if state is not None:
            self._send(state)
        self._news.set()

    def _note(self, one: _Instrument, lost: BooksLost, wait_s: float, source: str) -> None:
        one.trouble = f"{source}: {lost}"
        if lost.trouble is Trouble.RATE_LIMITED:
            self._paused_until_s = max(self._paused_until_s, time.monotonic() + wait_s)
        _log.warning(
            "book lost",
            instrument=one.symbol,
            source=source,
            trouble=str(lost),
            next_attempt_s=round(wait_s, 1),
        )

    async def _pause_over(self) -> None:
        await asyncio.sleep(max(0.0, self._paused_until_s - time.monotonic()))

    async def _send_what_is_due(self) -> None:
        while True:
            self._news.clear()
            for one in self._instruments:
                state = one.live.due(time.time_ns())
                if state is not None:
                    self._send(msgspec.structs.replace(state, funding=one.funding))
            dues = [due for one in self._instruments if (due := one.live.next_due_ns()) is not None]
            wait_s = (min(dues) - time.time_ns()) / 1e9 if dues else _LONGEST_WAIT_S
            await set_within(self._news, min(wait_s, _LONGEST_WAIT_S))

    async def _tell_readiness(self) -> None:
        while True:
            now_ns = time.time_ns()
            silent = [
                f"{one.symbol}: {_age(one.live, now_ns)} ({one.trouble})"
                for one in self._instruments
                if one.live.vouched_ns is None or now_ns - one.live.vouched_ns > self._timing.ready_s * 1e9
            ]
            self._readiness.set("feed", not silent, "; ".join(silent), outage=True)
            await asyncio.sleep(_LONGEST_WAIT_S)


async def _next(books: AsyncIterator[VenueBook]) -> VenueBook:
    return await anext(books)


async def _next_unless(
    next_book: Callable[[], Coroutine[Any, Any, VenueBook]], why_not: Callable[[], BooksLost | None]
) -> VenueBook:
    """The next book, unless there is a reason to wait no longer.

    Raises:
        BooksLost: that reason, or what `next_book` raises.
    """
    coming = asyncio.create_task(next_book())
    try:
        while not coming.done():
            reason = why_not()
            if reason is not None:
                raise reason
            await asyncio.wait({coming}, timeout=_CHECK_S)
        if coming.cancelled():
            raise BooksLost(Trouble.DISCONNECTED, "ccxt gave the connection up")
        return coming.result()
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)


def _states(symbol: str, max_jump_bps: float, source: str) -> StateBuilder:
    return StateBuilder(symbol, find_instrument(symbol).underlying, max_jump_bps, source)


def _age(live: LiveBook, now_ns: int) -> str:
    vouched_ns = live.vouched_ns
    return "no book" if vouched_ns is None else f"no fresh book for {(now_ns - vouched_ns) / 1e9:.1f} s"
