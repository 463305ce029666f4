"""A venue feed running against the local server, its sent states at hand."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import prometheus_client
from binance_server import BinanceServer, Touch

from hedgerow.schemas.records import BookState, MarketReset
from hedgerow.streams.context import Context
from hedgerow.streams.settings import read_settings
from hedgerow_ingestion.live_book import Patience
from hedgerow_ingestion.venue_feed import Timing, venue_feed

PATIENCE_S = 60.0
SPOT, PERP = "BTC/USDT", "BTC/USDT:USDT"
KINDS = {SPOT: "spot", PERP: "linear"}
# As the real one, only quicker to try again.
QUICK = Timing(first_wait_s=0.1, longest_wait_s=2.0, opening_s=10.0)
HASTY = Timing(first_wait_s=0.1, longest_wait_s=2.0, patience=Patience(behind_ns=500_000_000))


class Conditions:
    def __init__(self) -> None:
        self.ok = False
        self.detail = ""
        self.outage = False

    def set(self, name: str, ok: bool, detail: str = "", outage: bool = False) -> None:
        assert name == "feed"
        self.ok, self.detail, self.outage = ok, detail, outage


class Nothing:
    """A producer that must not be used: the feed is given `send`."""

    def send(self, *_: object) -> None:
        raise AssertionError("the feed used the producer")

    def flush(self, timeout_s: float) -> None:
        raise AssertionError("the feed used the producer")


def feed_context(url: str, symbols: tuple[str, ...], poll_ms: int = 200, venue: str = "binance") -> Context:
    unused = dict.fromkeys(
        ("KAFKA", "LEDGER_DSN", "EXCHANGE_URL", "KEYS_DIR", "RECORDINGS", "DATA_DIR"), "unused"
    )
    given = {
        "FEED": "WebSocket",
        "FEED_VENUE": venue,
        "FEED_URL": url,
        "FEED_SYMBOLS": ",".join(symbols),
        "FEED_POLL_MS": str(poll_ms),
    }
    settings = read_settings({f"HEDGEROW_{name}": value for name, value in (unused | given).items()})
    return Context(
        role="ingestion",
        worker="test",
        settings=settings,
        producer=Nothing(),
        readiness=Conditions(),
        metrics=prometheus_client.CollectorRegistry(),
        stopping=asyncio.Event(),
    )


class RunningFeed:
    """What one feed has sent so far, and what its worker would say of it."""

    def __init__(self, server: BinanceServer, context: Context) -> None:
        self.server = server
        self.context = context
        self.sent: list[BookState] = []
        self.task: asyncio.Task[None] | None = None

    @property
    def conditions(self) -> Conditions:
        assert isinstance(self.context.readiness, Conditions)
        return self.context.readiness

    def send(self, record: BookState | MarketReset) -> None:
        assert isinstance(record, BookState)
        self.sent.append(record)

    def of(self, symbol: str) -> list[BookState]:
        return [state for state in self.sent if state.instrument == symbol]

    def metric(self, name: str, **labels: str) -> float:
        return self.context.metrics.get_sample_value(name, labels) or 0.0

    async def until(self, what: str, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert self.task is not None
            if self.task.done():
                self.task.result()
            newest = [(state.sequence, state.valid, state.reason, touch(state)) for state in self.sent[-3:]]
            assert time.monotonic() < deadline, f"{what}: did not happen; newest are {newest}"
            await asyncio.sleep(0.005)

    async def shows_newest(self, symbol: str) -> None:
        """Wait until the newest state is valid and the top of the venue's book as it stands."""
        market = self.server.markets[KINDS[symbol]]

        def current() -> bool:
            states = self.of(symbol)
            if not states or touch(states[-1]) != market.touch():
                return False
            return (states[-1].bids, states[-1].asks) == market.top(50)

        await self.until(f"{symbol} shows {market.touch()}", current)

    async def subscribed(self, symbol: str) -> None:
        await self.until(
            f"{symbol} is followed over the socket",
            lambda: (
                self.metric("hedgerow_feed_books_total", instrument=symbol, source="socket") > 0
                and self.server.subscribed(KINDS[symbol])
            ),
        )

    async def step(self, symbol: str, count: int = 1) -> None:
        """So many messages, each waited for."""
        for _ in range(count):
            await self.server.advance(KINDS[symbol])
            await self.shows_newest(symbol)


def touch(state: BookState) -> Touch | None:
    return Touch(*state.bids[0], *state.asks[0]) if state.valid else None


@asynccontextmanager
async def running_feed(
    server: BinanceServer,
    symbols: tuple[str, ...],
    timing: Timing = QUICK,
    sockets: bool = True,
    poll_ms: int = 200,
) -> AsyncIterator[RunningFeed]:
    running = RunningFeed(server, feed_context(server.url, symbols, poll_ms))
    feed = venue_feed(sockets, timing)
    running.task = asyncio.create_task(_run(feed, running))
    try:
        yield running
        # What a test did not look for must not have happened either.
        if running.task.done():
            running.task.result()
    finally:
        running.context.stopping.set()
        with suppress(Exception):
            await asyncio.wait_for(running.task, PATIENCE_S)


async def _run(feed: Any, running: RunningFeed) -> None:
    await feed(running.context, running.send)


@contextmanager
def true_to(server: BinanceServer, running: RunningFeed) -> Iterator[None]:
    """At the end, every valid state sent was the venue's touch at some time, in order, with rising sequences."""
    yield
    for symbol in {state.instrument for state in running.sent}:
        check_states(server, running.of(symbol))


def check_states(server: BinanceServer, states: list[BookState]) -> None:
    market = server.markets[KINDS[states[0].instrument]]
    truth = list(market.touches.values())
    place = 0
    for before, after in zip([None, *states], states, strict=False):
        if before is not None:
            assert (before.sequence, before.time_ns) <= (after.sequence, after.time_ns)
        if after.valid:
            assert touch(after) in truth[place:], f"{touch(after)} was no touch after {truth[place]}"
            place = truth.index(touch(after), place)
