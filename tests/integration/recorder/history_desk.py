"""A history, its topics and the market that is sent into them."""

import asyncio
import time
import uuid
from collections.abc import Iterable
from typing import Any

import asyncpg
from confluent_kafka import Consumer, Producer

from hedgerow.schemas.codec import Decoder, encode
from hedgerow.schemas.records import BookState, DeadLetter, MarketReset, Quote
from hedgerow.schemas.risk_state import Exposure, RiskState
from hedgerow.schemas.topics import DEAD_LETTERS, MARKET_ENRICHED, MARKET_RAW, RISK_STATE

SECOND_NS = 1_000_000_000
# The start of a minute some hours ago: what is older than it shall be kept is dropped.
BEGIN_NS = (time.time_ns() // (300 * SECOND_NS) - 36) * 300 * SECOND_NS


def quote(symbol: str, number: int, time_ns: int, mid: float = 100.0, valid: bool = True) -> Quote:
    return Quote(
        instrument=symbol,
        underlying="BTC",
        sequence=number,
        time_ns=time_ns,
        source_time_ns=time_ns,
        bid=mid - 0.5 if valid else 0.0,
        ask=mid + 0.5 if valid else 0.0,
        bid_size=1.0,
        ask_size=2.0,
        mid=mid if valid else 0.0,
        spread_bps=1e4 / mid if valid else 0.0,
        imbalance=-1 / 3,
        depth_bps=20.0,
        bid_depth_usd=1e6,
        ask_depth_usd=2e6,
        reach_bps=25.0,
        valid=valid,
        reason="" if valid else "crossed",
    )


def book(symbol: str, number: int, time_ns: int) -> BookState:
    return BookState(
        instrument=symbol,
        underlying="BTC",
        sequence=number,
        time_ns=time_ns,
        source_time_ns=time_ns,
        bids=((99.5, 1.0), (99.0, 3.0)),
        asks=((100.5, 2.0),),
        depth_bps=20.0,
        bid_depth_usd=1e6,
        ask_depth_usd=2e6,
        reach_bps=25.0,
        valid=True,
    )


def reset(symbol: str, number: int, time_ns: int) -> MarketReset:
    return MarketReset(
        instrument=symbol,
        underlying="BTC",
        sequence=number,
        time_ns=time_ns,
        source_time_ns=time_ns,
        lap=2,
        reason="tape begins anew",
    )


def risk(strategy: str, number: int, time_ns: int, exposures: tuple[Exposure, ...] = ()) -> RiskState:
    return RiskState(
        strategy=strategy,
        uid="0b9c8d7e-6f5a-4b3c-9d2e-1f0a9b8c7d6e",
        generation=1,
        revision="r1",
        sequence=number,
        time_ns=time_ns,
        cause="quote",
        ready=bool(exposures),
        problems=(),
        exposures=exposures,
        marks=(),
    )


class Desk:
    """Sends under a symbol and a strategy that no other test has, and looks at what history holds of them."""

    def __init__(self, kafka: str, dsn: str) -> None:
        self.kafka, self.dsn = kafka, dsn
        mark = uuid.uuid4().hex[:10]
        self.symbol, self.strategy = f"S{mark}/USD", f"test/{mark}"
        self._producer = Producer({"bootstrap.servers": kafka, "partitioner": "murmur2_random"})

    def send_raw(self, topic: str, key: str, value: bytes | None) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key.encode())
            except BufferError:
                self._producer.poll(0.1)
            else:
                break
        self._producer.poll(0)

    def send(self, numbers: Iterable[int]) -> None:
        """For each number a book, a quote and a risk state."""
        for number in numbers:
            time_ns = BEGIN_NS + number * SECOND_NS // 100
            self.send_raw(MARKET_RAW.name, self.symbol, encode(book(self.symbol, number, time_ns)))
            self.send_raw(MARKET_ENRICHED.name, self.symbol, encode(quote(self.symbol, number, time_ns)))
            self.send_raw(RISK_STATE.name, self.strategy, encode(risk(self.strategy, number, time_ns)))
        self.flush()

    def flush(self) -> None:
        assert self._producer.flush(60) == 0

    def ask(self, query: str, *arguments: Any) -> list[Any]:
        async def asked() -> list[Any]:
            connection = await asyncpg.connect(self.dsn, timeout=10)
            try:
                return list(await connection.fetch(query, *arguments))
            finally:
                await connection.close()

        return asyncio.run(asked())

    def numbers(self, table: str) -> list[int]:
        """The sequences that a table holds of ours, doubles included."""
        by, name = ("strategy", self.strategy) if table == "risk_states" else ("instrument", self.symbol)
        return sorted(
            row["sequence"] for row in self.ask(f"select sequence from {table} where {by} = $1", name)
        )

    def holds(self, count: int) -> bool:
        return all(len(self.numbers(table)) >= count for table in ("ticks", "enriched", "risk_states"))

    def dead_letters(self) -> list[DeadLetter]:
        """Those of our symbol."""
        consumer = Consumer(
            {"bootstrap.servers": self.kafka, "group.id": uuid.uuid4().hex, "auto.offset.reset": "earliest"}
        )
        decoder, found = Decoder[DeadLetter](DeadLetter), []
        consumer.subscribe([DEAD_LETTERS.name])
        try:
            waited = 0
            while waited < 30 and not found:
                for message in consumer.consume(500, timeout=1):
                    letter = decoder.decode(message.value())
                    if letter.key == self.symbol.encode():
                        found.append(letter)
                waited += 1
            found += [
                letter
                for letter in (decoder.decode(m.value()) for m in consumer.consume(500, timeout=1))
                if letter.key == self.symbol.encode()
            ]
        finally:
            consumer.close()
        return found
