"""Hedging and executor are killed at every step of a hedge, again and again, while clients trade.

Prints a table: killed at which step, how often, orders doubled, lost, recovery time.
"""

import os
import statistics
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from faults import invariants
from faults.rig import RECOVERY_DEADLINE_S, Rig

from hedgerow.ledger.connection import connect
from hedgerow.streams.topic_making import ensure_topics
from hedgerow_local import ports
from hedgerow_local.kafka import KafkaServer

KILLS = int(os.environ.get("HEDGEROW_KILLS", "10"))
ROOT = Path(__file__).resolve().parents[2]
# Step, and whose process dies there.
NAMED_STEPS = (
    ("hedging.before-commit", "hedging"),
    ("hedging.after-commit", "hedging"),
    ("executor.claimed", "executor"),
    ("executor.before-send", "executor"),
    ("executor.answered", "executor"),
    ("executor.concluded", "executor"),
)
HELD_REPLY_MS = 3_000
SEED = 20240808
UNKNOWN_SEEN = (
    "select count(distinct convert_from(payload, 'UTF8')::jsonb ->> 'intent') from chain "
    "where convert_from(payload, 'UTF8')::jsonb ->> 'state' = 'Unknown'"
)


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Kafka that no other test writes to: what a partition holds is replayed from its beginning."""
    server = KafkaServer(tmp_path_factory.mktemp("kafka"), *ports.free_ports(2))
    try:
        server.start()
        ensure_topics(server.bootstrap, invariants.PARTITIONS)
        yield server.bootstrap
    finally:
        server.stop()


@pytest.fixture(scope="module")
async def rig(
    own_kafka: str, module_ledger_dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Rig]:
    rig = Rig(own_kafka, module_ledger_dsn, tmp_path_factory.mktemp("rig"), ROOT / "recordings")
    try:
        await rig.start()
        yield rig
    finally:
        rig.stop()


@pytest.fixture(scope="module")
async def ledger(rig: Rig) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(rig.ledger_dsn, "kill-matrix")
    yield connection
    await connection.close()


async def test_killed_at_every_step_no_hedge_is_doubled_or_lost(
    rig: Rig, ledger: asyncpg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    """I1, I2, I4, I5, I6 after every step of a hedge was the last one of a process, `KILLS` times each."""
    recoveries: dict[str, list[float]] = {}
    for step, victim in NAMED_STEPS:
        recoveries[step] = [await _kill_at(rig, ledger, step, victim) for _ in range(KILLS)]
        assert rig.reached(step) == KILLS
    recoveries["executor, after send"] = [await _kill_after_send(rig, ledger) for _ in range(KILLS)]
    found = await _settle_and_check(rig, ledger)
    with capsys.disabled():
        _print_table(recoveries, found)
    assert found.violations() == []


async def test_replies_that_never_come_are_resolved_by_name(
    rig: Rig, ledger: asyncpg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    """I1, I2, I4, I5 while the exchange executes orders, drops or holds back the replies and hides the orders."""
    rig.restart("order-generator")
    unknown_before = await ledger.fetchval(UNKNOWN_SEEN)
    await rig.faults(
        [
            {"path": "/v5/order/create", "kind": "DropReply", "probability": 0.5, "seed": SEED},
            {
                "path": "/v5/order/create",
                "kind": "DelayReply",
                "ms": 2_000,
                "probability": 0.3,
                "seed": SEED + 1,
            },
            {
                "path": "/v5/order/create",
                "kind": "HideOrder",
                "ms": 3_000,
                "probability": 0.5,
                "seed": SEED + 2,
            },
        ]
    )

    async def enough() -> bool:
        return bool(await ledger.fetchval(UNKNOWN_SEEN) >= unknown_before + KILLS)

    await rig.until(enough, f"{KILLS} orders were Unknown", 30 * KILLS)
    await rig.faults([])
    found = await _settle_and_check(rig, ledger)
    with capsys.disabled():
        print(
            f"\n{KILLS} orders Unknown for a while (seed {SEED}): doubled {found.doubled}, lost {found.lost}"
        )
    assert found.violations() == []


async def test_a_worker_that_slept_through_its_decision_loses_the_race(
    rig: Rig, ledger: asyncpg.Connection
) -> None:
    """Stopped just before its commit, woken after another worker has decided: its decision must not be written."""
    rig.restart("order-generator")
    sleeper, successor = rig.workers["hedging"], rig.add("hedging-2", ("hedging",))
    with rig.armed("hedging.before-commit", "SIGSTOP"):
        await rig.until(lambda: rig.reached("hedging.before-commit", "SIGSTOP") == 1, "hedging sleeps", 60)
    version = await ledger.fetchval("select coalesce(max(version), 0) from decisions")
    successor.start()

    async def decided() -> bool:
        return bool(await ledger.fetchval("select coalesce(max(version), 0) from decisions") > version)

    await rig.until(decided, "the successor has decided", RECOVERY_DEADLINE_S)
    rig.workers["hedging"].resume()
    await rig.until(lambda: sleeper.logged("decision lost the race"), "the sleeper lost the race", 60)
    found = await _settle_and_check(rig, ledger)
    assert found.violations() == []


async def _kill_at(rig: Rig, ledger: asyncpg.Connection, step: str, victim: str) -> float:
    """Seconds from the kill to the next hedge that was filled after it."""
    with rig.armed(step):
        await rig.until(
            lambda: not rig.workers[victim].is_alive(), f"{victim} reached {step}", RECOVERY_DEADLINE_S
        )
    return await _recover(rig, ledger, victim)


async def _kill_after_send(rig: Rig, ledger: asyncpg.Connection) -> float:
    """The exchange holds a reply back; once its journal has the order, the executor that waits for it dies."""
    before = len(invariants.journal_orders(rig.journal))
    await rig.faults([{"path": "/v5/order/create", "kind": "DelayReply", "ms": HELD_REPLY_MS, "count": 1}])
    await rig.until(
        lambda: len(invariants.journal_orders(rig.journal)) > before,
        "an order is in the journal",
        RECOVERY_DEADLINE_S,
    )
    rig.workers["executor"].kill()
    sent = invariants.journal_orders(rig.journal)[before]
    state = await ledger.fetchval(
        "select state from intents i join orders o on o.intent = i.id where o.client_order_id = $1", sent
    )
    assert state == "Sending", (
        f"{sent} was to be killed between send and answer, the ledger has it as {state}"
    )
    await rig.faults([])
    return await _recover(rig, ledger, "executor")


async def _recover(rig: Rig, ledger: asyncpg.Connection, victim: str) -> float:
    """Start it again; seconds until it does its work: hedging has decided anew, the executor has concluded
    what was open and filled something since."""
    newest = await ledger.fetchval("select coalesce(max(id), 0) from intents")
    newest_filled = await ledger.fetchval("select coalesce(max(id), 0) from intents where state = 'Filled'")
    open_now = {row["id"] for row in await ledger.fetch(invariants.OPEN_INTENTS)}
    rig.restart(victim)

    async def works_again() -> bool:
        if victim == "hedging":
            return bool(await ledger.fetchval("select coalesce(max(id), 0) from intents") > newest)
        filled = await ledger.fetchval("select coalesce(max(id), 0) from intents where state = 'Filled'")
        still_open = {row["id"] for row in await ledger.fetch(invariants.OPEN_INTENTS)}
        return bool(filled > newest_filled and not open_now & still_open)

    return await rig.until(works_again, f"{victim} works again after its kill", RECOVERY_DEADLINE_S)


async def _settle_and_check(rig: Rig, ledger: asyncpg.Connection) -> invariants.Found:
    await invariants.settle(rig, ledger)
    return await invariants.check(rig, ledger)


def _print_table(recoveries: dict[str, list[float]], found: invariants.Found) -> None:
    print(f"\n{'killed at':<26}{'times':>6}{'doubled':>9}{'lost':>6}{'recovery p50 s':>16}{'max s':>8}")
    for step, seconds in recoveries.items():
        print(
            f"{step:<26}{len(seconds):>6}{found.doubled:>9}{found.lost:>6}"
            f"{statistics.median(seconds):>16.1f}{max(seconds):>8.1f}"
        )
    print(
        f"{found.intents} intents, {found.journal_orders} orders and {found.journal_executions} executions in the "
        f"journal, {found.risk_states} risk states and {found.decisions} decisions replayed"
    )
