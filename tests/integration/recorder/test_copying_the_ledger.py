"""Every step of every intent, every execution and every decision is copied once, in the transaction that says so.

I1: history's steps are the ledger's chain, entry by entry. I2: a copy that is tried again writes nothing.
"""

from collections.abc import Callable
from typing import Any

import asyncpg
import hedge_examples as example
import pytest
from worker_process import WorkerProcess

from hedgerow.execution.order_life import IntentState
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Hedge
from hedgerow.history.copying import read_positions, write_changes
from hedgerow.history.offsets import Moved
from hedgerow.ledger.changes import read_changes
from hedgerow.ledger.claims import claim
from hedgerow.ledger.decisions import Trace, commit_decision
from hedgerow.ledger.outcomes import record_answer, record_outcome
from hedgerow.ledger.snapshot import read_snapshot
from hedgerow.ledger.strategies import publish_strategy
from hedgerow.ledger.venues import publish_venue

TRACE = Trace(cause="book:clients:3", stages="decided=1", traceparent="00-0-0-00")
MANY = 1_000


async def a_strategy(ledger: asyncpg.Connection) -> str:
    await publish_venue(ledger, example.venue(), example.NOW_NS)
    return (await publish_strategy(ledger, example.strategy(), "r1", example.NOW_NS)).uid


async def decided(ledger: asyncpg.Connection, uid: str) -> int:
    snapshot = await read_snapshot(ledger, uid, example.NOW_NS)
    risk = example.risk("1.4", uid=uid, marks=(example.mark(),))
    hedge = decide(risk, snapshot)
    assert isinstance(hedge, Hedge), hedge
    return (await commit_decision(ledger, risk, snapshot, hedge, TRACE)).intents[0]


async def filled(ledger: asyncpg.Connection, intent: int) -> None:
    taken = await claim(ledger, intent, example.seen(example.ticker()), example.NOW_NS)
    assert taken.refusal is None, taken.refusal
    await record_answer(ledger, intent, f"v-{intent}", "accepted", example.NOW_NS)
    quantity = format(taken.intent.quantity, "f")
    order, fill = example.order(IntentState.FILLED, quantity), example.fill(f"x{intent}", quantity)
    await record_outcome(ledger, intent, order, [fill], example.NOW_NS)


async def copy(ledger: asyncpg.Connection, history: asyncpg.Connection, limit: int = MANY) -> dict[str, int]:
    known = await read_positions(history)
    changes = await read_changes(ledger, known, limit)
    return await write_changes(history, known, changes) if changes.steps else {}


async def rows(connection: asyncpg.Connection, query: str) -> list[dict[str, Any]]:
    return [dict(row) for row in await connection.fetch(query)]


async def test_a_hedge_is_copied_from_decision_to_fill(
    ledger: asyncpg.Connection, history: asyncpg.Connection
) -> None:
    """I1 and I2."""
    uid = await a_strategy(ledger)
    intent = await decided(ledger, uid)
    assert await copy(ledger, history) == {"orders": 1, "fills": 0, "decisions": 1}
    await filled(ledger, intent)
    for limit in (1, 1, MANY):
        await copy(ledger, history, limit)
    assert await copy(ledger, history) == {}
    steps = await rows(history, "select * from orders order by position")
    entries = await rows(ledger, "select position from chain order by position")
    assert [step["position"] for step in steps] == [entry["position"] for entry in entries]
    assert [step["state"] for step in steps] == ["Decided", "Sending", "Accepted", "Filled"]
    (fact,) = await rows(
        ledger, "select i.*, o.client_order_id from intents i join orders o on o.intent = i.id"
    )
    last = steps[-1]
    for name in (
        "instrument",
        "side",
        "quantity",
        "filled_quantity",
        "limit_price",
        "client_order_id",
        "venue",
    ):
        assert last[name] == fact[name], name
    (execution,) = await rows(ledger, "select * from fills")
    (fill,) = await rows(history, "select * from fills")
    for name in execution:
        assert fill[name] == execution[name], name
    (decision,) = await rows(history, "select * from decisions")
    (truth,) = await rows(ledger, "select * from decisions")
    assert decision["result"].encode() == truth["decision"]
    assert (decision["time_ns"], decision["cause"]) == (truth["decided_ns"], truth["cause"])


async def test_of_two_that_copy_the_same_one_is_told_so_and_writes_nothing(
    ledger: asyncpg.Connection, history: asyncpg.Connection
) -> None:
    await decided(ledger, await a_strategy(ledger))
    changes = await read_changes(ledger, {}, MANY)
    await write_changes(history, {}, changes)
    with pytest.raises(Moved):
        await write_changes(history, {}, changes)
    assert await history.fetchval("select count(*) from orders") == 1


async def test_an_entry_that_cannot_be_read_ends_its_own_strategys_steps_and_no_others(
    ledger: asyncpg.Connection,
) -> None:
    uid = await a_strategy(ledger)
    await filled(ledger, await decided(ledger, uid))
    elsewhere = example.strategy(name="other", hedge_with=(example.leg(account="hedge-02"),))
    other = (await publish_strategy(ledger, elsewhere, "r1", example.NOW_NS)).uid
    await decided(ledger, other)
    await ledger.execute("alter table chain disable trigger chain_append_only")
    await ledger.execute("update chain set payload = '{' where position = 3 and strategy_uid = $1", uid)
    changes = await read_changes(ledger, {}, MANY)
    steps = [(step.uid, step.entry.state.value) for step in changes.steps]
    assert sorted(steps) == sorted([(uid, "Decided"), (uid, "Sending"), (other, "Decided")])
    (why,) = changes.unreadable.values()
    assert why.startswith("entry 3 of its chain cannot be read: ")
    assert (await read_changes(ledger, {uid: 2, other: 1}, MANY)).steps == []


@pytest.mark.parametrize("history_dsn", ["timescale"], indirect=True)
async def test_the_recorder_copies_by_itself(
    ledger: asyncpg.Connection,
    history: asyncpg.Connection,
    ledger_dsn: str,
    history_dsn: str,
    start_recorder: Callable[..., WorkerProcess],
) -> None:
    intent = await decided(ledger, await a_strategy(ledger))
    start_recorder(history_dsn, HEDGEROW_LEDGER_DSN=ledger_dsn).wait_ready()
    await filled(ledger, intent)
    for _ in range(600):
        if await history.fetchval("select count(*) from fills"):
            break
        await history.fetchval("select pg_sleep(0.1)")
    assert await history.fetchval("select array_agg(state order by position) from orders") == [
        "Decided",
        "Sending",
        "Accepted",
        "Filled",
    ]
