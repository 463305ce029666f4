"""The executor's role at work on a ledger and the exchange, and decisions for it to carry out."""

import asyncio
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import asyncpg
import ccxt.async_support as ccxt
import hedge_examples as example
from exchange_client import PERP

from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Hedge
from hedgerow.ledger.decisions import Trace, commit_decision
from hedgerow.ledger.snapshot import read_snapshot

PATIENCE_S = 120.0
TRACE = Trace(cause="book:clients:3", stages="decided=1", traceparent="00-0-0-00")


class Executor:
    """The role at work for account hedge-01."""

    def __init__(self, pool: asyncpg.Pool, client: ccxt.bybit, registry: Any, uid: str) -> None:
        self.pool, self.client, self.registry, self.uid = pool, client, registry, uid

    def gauge(self, name: str) -> float:
        return self.registry.get_sample_value(name, {"account": "hedge-01"}) or 0.0

    async def decide(self, book: str) -> int:
        """Have an intent decided now for a book of this delta, at the exchange's own touch."""
        ticker = await self.client.fetch_ticker(PERP)
        now_ns = time.time_ns()
        bid, ask = Decimal(str(ticker["bid"])), Decimal(str(ticker["ask"]))
        mark = example.mark(bid=bid, ask=ask, mid=(bid + ask) / 2, time_ns=now_ns)
        async with self.pool.acquire() as connection:
            ledger = await read_snapshot(connection, self.uid, now_ns)
            assert ledger is not None
            risk = example.risk(book, uid=self.uid, time_ns=now_ns, marks=(mark,))
            decision = decide(risk, ledger)
            assert isinstance(decision, Hedge), decision
            committed = await commit_decision(connection, risk, ledger, decision, TRACE)
        assert committed is not None
        return committed.intents[0]

    async def end_of(self, intent: int) -> tuple[str, Decimal]:
        """Its state and what was filled, once it is concluded."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                row = await self.pool.fetchrow(
                    "select state, filled_quantity, concluded_ns from intents where id = $1", intent
                )
                if row["concluded_ns"] is not None:
                    return row["state"], row["filled_quantity"]
                await asyncio.sleep(0.02)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():  # noqa: ASYNC110 (nothing tells)
                await asyncio.sleep(0.02)
