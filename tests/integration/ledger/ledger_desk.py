"""One strategy in a ledger, and a clock that moves only when told."""

import asyncio
from decimal import Decimal
from typing import Any

import asyncpg
import hedge_examples as example
import msgspec

from hedgerow.execution.intents import Intent, VenueFill, VenueOrder
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Hedge
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.ledger.claims import Claim, claim
from hedgerow.ledger.decisions import Committed, Trace, commit_decision
from hedgerow.ledger.intents import find_intent
from hedgerow.ledger.outcomes import Outcome, record_outcome
from hedgerow.ledger.snapshot import read_snapshot
from hedgerow.ledger.strategies import publish_strategy
from hedgerow.ledger.venues import publish_venue
from hedgerow.schemas.risk_state import RiskState
from hedgerow.strategy.compiled import CompiledStrategy, CompiledVenue

TRACE = Trace(cause="book:clients:3", stages="decided=1", traceparent="00-0-0-00")
TABLES = (
    "strategies",
    "generations",
    "leg_owners",
    "venues",
    "books",
    "book_positions",
    "book_loans",
    "client_fills",
    "client_orders",
    "client_changes",
    "decisions",
    "intents",
    "orders",
    "fills",
    "positions",
    "halts",
    "chain",
    "trading_days",
    "ceilings",
    "account_funds",
    "adoptions",
    "quarantine",
)


class Desk:
    """Publishes, decides, claims and concludes for one strategy, each in a connection of its own."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self.now_ns = example.NOW_NS
        self.config = example.strategy()
        self.uid = ""
        self.generation = 0

    async def open(
        self, config: CompiledStrategy | None = None, venue: CompiledVenue | None = None, revision: str = "r1"
    ) -> "Desk":
        """Publish the venue and the strategy."""
        self.config = config or self.config
        async with self.pool.acquire() as connection:
            await publish_venue(connection, venue or example.venue(), self.now_ns)
            published = await publish_strategy(connection, self.config, revision, self.now_ns)
        self.uid, self.generation = published.uid, published.generation
        return self

    def risk(self, delta: str) -> RiskState:
        """Ready and fresh, with this unhedged delta."""
        mark = example.mark(time_ns=self.now_ns)
        return example.risk(
            delta,
            uid=self.uid,
            strategy=self.config.key,
            generation=self.generation,
            time_ns=self.now_ns,
            marks=(mark, msgspec.structs.replace(mark, instrument="BTC/USDT")),
        )

    async def snapshot(self) -> LedgerSnapshot:
        async with self.pool.acquire() as connection:
            found = await read_snapshot(connection, self.uid, self.now_ns)
        assert found is not None
        return found

    async def commit(self, risk: RiskState, ledger: LedgerSnapshot) -> Committed | None:
        decision = decide(risk, ledger)
        assert isinstance(decision, Hedge), decision
        async with self.pool.acquire() as connection:
            return await commit_decision(connection, risk, ledger, decision, TRACE)

    async def decide(self, net: str = "1.4") -> int:
        """Wait out the cooldown, then decide an intent on this net delta and return its number."""
        self.now_ns += self.config.execution.cooldown_ns
        ledger = await self.snapshot()
        hedge = sum((held.quantity for held in ledger.positions), Decimal(0))
        committed = await self.commit(self.risk(format(Decimal(net) - hedge, "f")), ledger)
        assert committed is not None
        return committed.intents[0]

    async def claim(self, intent: int, **ticker: Any) -> Claim | None:
        async with self.pool.acquire() as connection:
            seen = example.seen(example.ticker(time_ns=self.now_ns, **ticker))
            return await claim(connection, intent, seen, self.now_ns)

    async def send(self, net: str = "1.4") -> Intent:
        """Decide and claim."""
        taken = await self.claim(await self.decide(net))
        assert taken is not None
        assert taken.refusal is None, taken.refusal
        return taken.intent

    async def conclude(self, intent: int, order: VenueOrder, *fills: VenueFill) -> Outcome:
        async with self.pool.acquire() as connection:
            return await record_outcome(connection, intent, order, fills, self.now_ns)

    async def intent(self, number: int) -> Intent:
        async with self.pool.acquire() as connection:
            found = await find_intent(connection, number)
        assert found is not None
        return found

    async def execute(self, *statements: str) -> None:
        async with self.pool.acquire() as connection:
            for statement in statements:
                await connection.execute(statement)

    async def value(self, query: str, *arguments: Any) -> Any:
        async with self.pool.acquire() as connection:
            return await connection.fetchval(query, *arguments)

    async def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables: two of these are equal exactly when nothing changed."""
        async with self.pool.acquire() as connection:
            return {
                table: [tuple(row) for row in await connection.fetch(f"select * from {table} order by 1, 2")]
                for table in TABLES
            }

    async def until_waiting(self, backends: int, *tasks: asyncio.Task[Any]) -> None:
        """Wait until so many other connections are stopped by a lock; none of the tasks may get through."""
        async with self.pool.acquire() as connection:
            while True:
                waiting = await connection.fetchval(
                    "select count(*) from pg_stat_activity "
                    "where datname = current_database() and wait_event_type = 'Lock'"
                )
                assert not any(task.done() for task in tasks), "what should have waited went on"
                if waiting >= backends:
                    return
