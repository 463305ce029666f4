"""Keeps the makers' quotes on `market.raw`: under a feed of a real venue there is no tape to stand on.

Prices are brought to the listing's tick away from the market and sizes to its lot, so that nobody fills here better
than there. What is invalid, or older than some seconds, is not quoted: no liquidity rather than a dead price.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from hedgerow.analytics.orderbook import Level
from hedgerow.domain.money import ceil_to_step, exact_decimal, floor_to_step
from hedgerow.schemas.codec import Decoder, UndecodableRecord
from hedgerow.schemas.records import BookState, MarketReset
from hedgerow.schemas.topics import MARKET_RAW
from hedgerow.streams.context import Readiness
from hedgerow.streams.kafka_access import aiokafka_options
from hedgerow.streams.newest import Newest
from hedgerow_exchange.engine import Engine
from hedgerow_exchange.maker import Maker

MAX_AGE_NS = 5_000_000_000
_POLL_MS = 200
_RETRY_S = 1.0

_log = structlog.get_logger(__name__)


class _Quotes:
    """One instrument's maker and the newest state that it was shown."""

    def __init__(self, engine: Engine, symbol: str) -> None:
        self._engine = engine
        self._symbol = symbol
        self._maker = Maker(engine.listings[symbol], engine.books[symbol])
        tick = engine.listings[symbol].instrument.tick_size
        self._down = lru_cache(maxsize=8_192)(lambda price: float(floor_to_step(exact_decimal(price), tick)))
        self._up = lru_cache(maxsize=8_192)(lambda price: float(ceil_to_step(exact_decimal(price), tick)))
        self._vouched_ns: int | None = None

    def show(self, state: BookState) -> None:
        self._vouched_ns = state.time_ns
        self._mirror(_merged(state.bids, self._down), _merged(state.asks, self._up))

    def withdraw(self, why: str) -> None:
        if self._vouched_ns is not None:
            self._vouched_ns = None
            self._mirror([], [])
            _log.warning("quotes withdrawn", instrument=self._symbol, why=why)

    def withdraw_when_old(self, now_ns: int) -> None:
        if self._vouched_ns is not None and now_ns - self._vouched_ns > MAX_AGE_NS:
            self.withdraw(f"the market was last heard of {(now_ns - self._vouched_ns) / 1e9:.1f} s ago")

    def _mirror(self, bids: list[Level], asks: list[Level]) -> None:
        self._maker.mirror(bids, asks, self._engine.touch_of_orders(self._symbol))


class FollowedLiquidity:
    """The maker's quotes in every book that `market.raw` tells of."""

    def __init__(self, engine: Engine) -> None:
        self._quotes = {symbol: _Quotes(engine, symbol) for symbol in engine.listings}
        self._newest: Newest[str, None] = Newest()

    def take(self, record: BookState | MarketReset, now_ns: int) -> None:
        """Quote what a state shows; what is not newer than the last one changes nothing."""
        quotes = self._quotes.get(record.instrument)
        if quotes is None or not self._newest.offer(
            record.instrument, (record.sequence, record.time_ns), None
        ):
            return
        if isinstance(record, MarketReset):
            quotes.withdraw(f"reset: {record.reason}")
        elif not record.valid:
            quotes.withdraw(record.reason)
        elif now_ns - record.time_ns <= MAX_AGE_NS:
            quotes.show(record)

    def expire(self, now_ns: int) -> None:
        """Withdraw what nobody has vouched for lately."""
        for quotes in self._quotes.values():
            quotes.withdraw_when_old(now_ns)


class MarketFollower:
    """Reads `market.raw` from its end on, in every partition, for as long as the exchange runs."""

    def __init__(
        self, liquidity: FollowedLiquidity, servers: str, partitions: int, readiness: Readiness
    ) -> None:
        self._liquidity = liquidity
        self._servers = servers
        self._partitions = [TopicPartition(MARKET_RAW.name, number) for number in range(partitions)]
        self._readiness = readiness
        self._decoder = Decoder[BookState | MarketReset](BookState | MarketReset)

    async def run(self, stopping: asyncio.Event) -> None:
        """Follow until asked to stop; while Kafka is away the quotes age and go."""
        while not stopping.is_set():
            try:
                async with self._reading() as consumer:
                    self._readiness.set("market", True)
                    while not stopping.is_set():
                        self._take(await consumer.getmany(timeout_ms=_POLL_MS))
            except (KafkaError, OSError) as error:
                self._readiness.set("market", False, f"{MARKET_RAW.name}: {error}", outage=True)
                self._liquidity.expire(time.time_ns())
                await asyncio.sleep(_RETRY_S)

    @asynccontextmanager
    async def _reading(self) -> Any:
        consumer = AIOKafkaConsumer(**aiokafka_options(self._servers), enable_auto_commit=False)
        try:
            await consumer.start()
            consumer.assign(self._partitions)
            await consumer.seek_to_end(*self._partitions)
            yield consumer
        finally:
            await consumer.stop()

    def _take(self, batches: dict[TopicPartition, list[Any]]) -> None:
        now_ns = time.time_ns()
        for messages in batches.values():
            for message in messages:
                try:
                    record = self._decoder.decode(message.value)
                except UndecodableRecord as error:
                    # Enrichment puts the same message among the dead letters.
                    _log.warning("market record unreadable", offset=message.offset, error=str(error))
                    continue
                self._liquidity.take(record, now_ns)
        self._liquidity.expire(now_ns)


def _merged(levels: Iterable[Level], on_tick: Callable[[float], float]) -> list[Level]:
    """Levels on the listing's tick, those that meet there added up."""
    merged: dict[float, float] = {}
    for price, quantity in levels:
        merged[on_tick(price)] = merged.get(on_tick(price), 0.0) + quantity
    return list(merged.items())
