"""What the ledger's transactions cost, beside the least that one durable commit costs in the same run.

`HEDGEROW_BENCH=1 pytest -s tests/bench/test_ledger_cost.py`. Nothing is gated: the ratios are for reading.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from statistics import quantiles
from typing import Any, TypeVar

import asyncpg
import hedge_examples as example
import pytest

from hedgerow.execution.order_life import IntentState
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Hedge
from hedgerow.ledger.claims import claim
from hedgerow.ledger.connection import create_pool
from hedgerow.ledger.decisions import Trace, commit_decision
from hedgerow.ledger.outcomes import record_answer, record_outcome
from hedgerow.ledger.snapshot import read_snapshot
from hedgerow.ledger.strategies import publish_strategy
from hedgerow.ledger.venues import publish_venue

pytestmark = pytest.mark.skipif(os.environ.get("HEDGEROW_BENCH") != "1", reason="only with HEDGEROW_BENCH=1")

ROUNDS = 600
WARM_UP = 50
COOLDOWN_NS = example.strategy().execution.cooldown_ns
ANCHOR = "one-row update, one commit"
TRACE = Trace(cause="book:clients:3", stages="decided=1", traceparent="00-0-0-00")
_R = TypeVar("_R")


class Stopwatch:
    """Times and counts of round trips, by what was done."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self.times_ms: dict[str, list[float]] = {}
        self.round_trips: dict[str, int] = {}

    async def time(self, name: str, work: Callable[[], Awaitable[_R]]) -> _R:
        begun = time.perf_counter()
        result = await work()
        self.times_ms.setdefault(name, []).append((time.perf_counter() - begun) * 1e3)
        return result

    async def count(self, name: str, work: Callable[[], Awaitable[_R]]) -> _R:
        queries: list[Any] = []
        with self._connection.query_logger(queries.append):
            result = await work()
            await asyncio.sleep(0)  # the logger is called a turn of the loop later
        self.round_trips[name] = len(queries)
        return result

    def report(self) -> str:
        anchor = quantiles(self.times_ms[ANCHOR], n=100)
        lines = [f"\n{'':34} trips  p50 ms  p99 ms  p50/anchor  p99/anchor   ({ROUNDS} each)"]
        for name, times in self.times_ms.items():
            cuts = quantiles(times, n=100)
            lines.append(
                f"{name:34} {self.round_trips[name]:5}  {cuts[49]:6.2f}  {cuts[98]:6.2f}  "
                f"{cuts[49] / anchor[49]:10.1f}  {cuts[98] / anchor[98]:10.1f}"
            )
        return "\n".join(lines)


async def test_the_cost_of_deciding_claiming_and_concluding(ledger_dsn: str) -> None:
    async with await create_pool(ledger_dsn, "ledger-bench", 1) as pool, pool.acquire() as connection:
        watch = Stopwatch(connection)
        limits = example.limits(max_orders_per_minute=10**6)
        config = example.strategy(limits=limits)
        await connection.execute("create table anchor (id int primary key, n bigint)")
        await connection.execute("insert into anchor values (1, 0)")
        await publish_venue(connection, example.venue(orders_per_second=10**6), example.NOW_NS)
        published = await publish_strategy(connection, config, "r1", example.NOW_NS)
        for number in range(WARM_UP):
            await _one_hedge(connection, published.uid, number, watch.count)
        for number in range(WARM_UP, WARM_UP + ROUNDS):
            await _one_hedge(connection, published.uid, number, watch.time)
        print(watch.report())
        assert await connection.fetchval("select count(*) from fills") == WARM_UP + ROUNDS


async def _one_hedge(connection: Any, uid: str, number: int, measure: Any) -> None:
    """One intent from decision to fill; the net delta alternates, so that the position stays small."""
    now_ns = example.NOW_NS + number * COOLDOWN_NS
    await measure(ANCHOR, lambda: connection.execute("update anchor set n = n + 1 where id = 1"))
    ledger = await measure("read the snapshot (no commit)", lambda: read_snapshot(connection, uid, now_ns))
    held = ledger.positions[0].quantity if ledger.positions else 0
    net = Decimal("1.4") if number % 2 else Decimal("-1.4")
    mark = example.mark(time_ns=now_ns)
    risk = example.risk(format(net - held, "f"), uid=uid, time_ns=now_ns, marks=(mark,))
    hedge = decide(risk, ledger)
    assert isinstance(hedge, Hedge), hedge
    committed = await measure("decide", lambda: commit_decision(connection, risk, ledger, hedge, TRACE))
    intent = committed.intents[0]
    taken = await measure(
        "claim", lambda: claim(connection, intent, example.seen(example.ticker(time_ns=now_ns)), now_ns)
    )
    assert taken.refusal is None, taken.refusal
    await measure("answer", lambda: record_answer(connection, intent, f"v-{intent}", "accepted", now_ns))
    quantity = format(taken.intent.quantity, "f")
    order, fill = example.order(IntentState.FILLED, quantity), example.fill(f"x{number}", quantity)
    await measure("fill", lambda: record_outcome(connection, intent, order, [fill], now_ns))
