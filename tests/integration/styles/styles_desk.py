"""The examples of execution styles on the real stack: exchange, ledger, hedging, executor.

The test stands for risk: it tells an unhedged delta at the exchange's own touch until told otherwise.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
from confluent_kafka import Producer
from ruamel.yaml import YAML

from hedgerow.adapters.ccxt_venue import CcxtVenue
from hedgerow.domain.instruments import LISTINGS
from hedgerow.execution.intents import Intent
from hedgerow.ledger.intents import recent_intents
from hedgerow.ledger.strategies import publish_strategy
from hedgerow.ledger.venues import publish_venue
from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import StrategyPublished
from hedgerow.schemas.risk_state import Exposure, Mark, RiskState
from hedgerow.schemas.topics import RISK_STATE, STRATEGIES
from hedgerow.strategy.compile import compile_strategy, compile_venue, revision_of
from hedgerow.strategy.compiled import CompiledStrategy, CompiledVenue
from hedgerow.strategy.parse import parse_resource
from hedgerow.strategy.spec import HedgeStrategy
from hedgerow.strategy.venue import Venue

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "k8s/examples"
NAMESPACE = "styles"
TELL_EVERY_S = 0.2
DEADLINE_S = 90.0


def declared(name: str, edit: Callable[[dict[str, Any]], Any] = lambda data: None) -> HedgeStrategy | Venue:
    """An example as `apply` reads it, in this test's namespace."""
    data = YAML(typ="safe").load((EXAMPLES / name).read_text())
    data["metadata"]["namespace"] = NAMESPACE
    edit(data)
    resource = parse_resource(data)
    assert isinstance(resource, HedgeStrategy | Venue), resource
    return resource


class Desk:
    """Publishes examples, tells risk, and looks into the ledger."""

    def __init__(self, kafka: str, ledger: asyncpg.Pool, venue: CcxtVenue) -> None:
        self.ledger = ledger
        self.venue = venue
        self._producer = Producer({"bootstrap.servers": kafka, "partitioner": "murmur2_random"})
        self._venues: dict[str, CompiledVenue] = {}
        self._told: dict[str, tuple[StrategyPublished, Decimal]] = {}

    async def open_venue(self) -> None:
        resource = declared("paper-venue.yaml")
        assert isinstance(resource, Venue)
        venue = compile_venue(resource, {}, [])
        assert isinstance(venue, CompiledVenue), venue
        self._venues[venue.key] = venue
        async with self.ledger.acquire() as connection:
            await publish_venue(connection, venue, time.time_ns())

    async def publish(
        self, name: str, edit: Callable[[dict[str, Any]], Any] = lambda data: None
    ) -> StrategyPublished:
        """Make an example live; its strategy keeps the delta that was told."""
        resource = declared(name, edit)
        assert isinstance(resource, HedgeStrategy)
        config = compile_strategy(resource, self._venues, LISTINGS)
        assert isinstance(config, CompiledStrategy), config
        async with self.ledger.acquire() as connection:
            published = await publish_strategy(connection, config, revision_of(config), time.time_ns())
        self._produce(STRATEGIES.name, config.key, encode(published))
        if config.key in self._told:
            self._told[config.key] = (published, self._told[config.key][1])
        return published

    def tell(self, published: StrategyPublished, delta: Decimal) -> None:
        """From now on the strategy's book has this unhedged delta."""
        self._told[published.config.key] = (published, delta)

    async def mark(self, instrument: str) -> Mark:
        ticker = await self.venue.ticker(instrument)
        return Mark(
            instrument=instrument,
            bid=ticker.bid,
            ask=ticker.ask,
            mid=(ticker.bid + ticker.ask) / 2,
            time_ns=time.time_ns(),
            sequence=time.time_ns(),
            valid=True,
        )

    async def keep_telling(self) -> None:
        """Until cancelled."""
        while True:
            for published, delta in list(self._told.values()):
                self._produce(
                    RISK_STATE.name, published.config.key, encode(await self._risk(published, delta))
                )
            await asyncio.sleep(TELL_EVERY_S)

    async def intents(self, published: StrategyPublished) -> list[Intent]:
        """Of this strategy, oldest first."""
        async with self.ledger.acquire() as connection:
            newest = await recent_intents(connection, published.uid, 1_000)
        return newest[::-1]

    async def until(self, holds: Callable[[], Awaitable[bool]], what: str) -> None:
        began = time.monotonic()
        while time.monotonic() - began < DEADLINE_S:
            if await holds():
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"after {DEADLINE_S:g} s it does not hold that {what}")

    async def _risk(self, published: StrategyPublished, delta: Decimal) -> RiskState:
        leg = published.config.hedge_with[0].instrument
        mark = await self.mark(leg.symbol)
        now_ns = time.time_ns()
        return RiskState(
            strategy=published.config.key,
            uid=published.uid,
            generation=published.generation,
            revision=published.revision,
            sequence=now_ns,
            time_ns=now_ns,
            cause=f"test:{now_ns}",
            ready=True,
            problems=(),
            exposures=(
                Exposure(underlying=leg.underlying, delta=delta, mark=mark.mid, notional=delta * mark.mid),
            ),
            marks=(msgspec.structs.replace(mark, time_ns=now_ns),),
        )

    def _produce(self, topic: str, key: str, value: bytes) -> None:
        self._producer.produce(topic, value, key.encode())
        assert self._producer.flush(10) == 0
