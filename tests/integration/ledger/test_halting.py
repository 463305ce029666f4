"""I3: no claim and no decision commits after a halt's commit."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
import hedge_examples as example
import psutil
import pytest
from ledger_desk import Desk

from hedgerow.execution.claim_facts import RefusalCode
from hedgerow.execution.order_life import IntentState
from hedgerow.ledger.connection import LEDGER_LOST, allow_silence, close_halt_gate
from hedgerow.ledger.halts import HaltTarget, halts_against, place_halt, release_halts, standing_halts

EVERYTHING = HaltTarget(kind="All")
PATIENCE_S = 60.0


@pytest.fixture
def patient_halts(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow machine these hold a claim back for longer than a halt would wait for it."""
    monkeypatch.setattr("hedgerow.ledger.connection.GATE_PATIENCE_MS", 60_000)


async def _halt(desk: Desk, target: HaltTarget = EVERYTHING, source: str = "cli") -> int:
    async with desk.pool.acquire() as connection:
        return await place_halt(connection, target, source, "drill", desk.now_ns)


@pytest.mark.parametrize(
    ("target", "stops"),
    [
        (EVERYTHING, True),
        (HaltTarget(kind="Venue", name=example.VENUE), True),
        (HaltTarget(kind="Strategy", name="desk/btc"), True),
        (HaltTarget(kind="Venue", name="desk/other"), False),
        (HaltTarget(kind="Strategy", name="desk/other"), False),
    ],
)
async def test_a_halt_refuses_what_it_targets_and_nothing_else(
    desk: Desk, target: HaltTarget, stops: bool
) -> None:
    number = await desk.decide()
    await _halt(desk, target)
    taken = await desk.claim(number)
    assert taken is not None
    if stops:
        assert taken.refusal is not None
        assert taken.refusal.code is RefusalCode.HALTED
        assert "halted by cli: drill" in taken.refusal.detail
    else:
        assert taken.refusal is None


async def test_each_source_releases_its_own_and_any_other_still_halts(desk: Desk) -> None:
    await _halt(desk, source="cli")
    other = await _halt(desk, source="reconciliation")
    async with desk.pool.acquire() as connection:
        assert len(await release_halts(connection, EVERYTHING, "cli", "a person", desk.now_ns)) == 1
        assert await release_halts(connection, EVERYTHING, "cli", "a person", desk.now_ns) == []
        assert [halt.id for halt in await standing_halts(connection)] == [other]
        assert await halts_against(connection, "desk/btc", []) == ("All halted by reconciliation: drill",)
        await release_halts(connection, EVERYTHING, "reconciliation", "a person", desk.now_ns)
        assert await halts_against(connection, "desk/btc", []) == ()


@pytest.mark.usefixtures("patient_halts")
async def test_a_halt_waits_for_a_claim_that_did_not_see_it(desk: Desk) -> None:
    """The claim is stopped between its controls and its commit: the halt must not be done before it is."""
    number = await desk.decide()
    async with desk.pool.acquire() as blocker, blocker.transaction():
        await allow_silence(blocker)
        await blocker.execute("lock table orders in share mode")
        claiming = asyncio.create_task(desk.claim(number))
        await desk.until_waiting(1, claiming)
        halting = asyncio.create_task(_halt(desk))
        await desk.until_waiting(2, claiming, halting)
        assert (await desk.intent(number)).state is IntentState.DECIDED
    done, _ = await asyncio.wait({halting})
    assert done
    assert (await desk.intent(number)).state is IntentState.SENDING
    taken = await claiming
    assert taken is not None
    assert taken.refusal is None


# The first holds it back while it executes a statement, the second between a statement's preparing and executing.
@pytest.mark.parametrize(
    "held", ["select 1 from strategies for update", "lock table orders in share mode"], ids=["at", "between"]
)
async def test_a_halt_does_not_wait_for_a_worker_that_was_stopped_inside_its_claim(
    desk: Desk, ledger_dsn: str, held: str
) -> None:
    """It holds the gate until its connection is ended; then its claim is not done, and it learns that."""
    number = await desk.decide()
    async with desk.pool.acquire() as blocker, blocker.transaction():
        await allow_silence(blocker)
        await blocker.execute(held)
        worker = await _claiming_process(ledger_dsn, number, desk.now_ns)
        await desk.until_waiting(1)
        worker.send_signal(signal.SIGSTOP)
    try:
        await asyncio.wait_for(_halt(desk), PATIENCE_S)
        assert psutil.Process(worker.pid).status() == psutil.STATUS_STOPPED
    finally:
        worker.send_signal(signal.SIGCONT)
    said, _ = await asyncio.wait_for(worker.communicate(), PATIENCE_S)
    assert said.decode().startswith("ledger lost: ")
    assert (await desk.intent(number)).state is IntentState.DECIDED


async def test_who_is_silent_inside_a_transaction_loses_it_and_its_locks(desk: Desk) -> None:
    lock = "select 1 from strategies for update"
    async with desk.pool.acquire() as silent, desk.pool.acquire() as other:
        transaction = silent.transaction()
        await transaction.start()
        await silent.execute(lock)
        await asyncio.wait_for(other.execute(lock), PATIENCE_S)
        with pytest.raises(LEDGER_LOST):
            await silent.execute("select 1")


async def _claiming_process(dsn: str, intent: int, now_ns: int) -> asyncio.subprocess.Process:
    script = str(Path(__file__).parent / "claiming_process.py")
    return await asyncio.create_subprocess_exec(
        *(sys.executable, script, dsn, str(intent), str(now_ns)),
        env={**os.environ, "PYTHONPATH": str(Path(example.__file__).parent)},
        stdout=subprocess.PIPE,
    )


@pytest.mark.usefixtures("patient_halts")
async def test_a_halt_waits_for_a_decision_that_did_not_see_it(desk: Desk) -> None:
    risk, ledger = desk.risk("1.4"), await desk.snapshot()
    async with desk.pool.acquire() as blocker, blocker.transaction():
        await allow_silence(blocker)
        await blocker.execute("lock table chain in share mode")
        committing = asyncio.create_task(desk.commit(risk, ledger))
        await desk.until_waiting(1, committing)
        halting = asyncio.create_task(_halt(desk))
        await desk.until_waiting(2, committing, halting)
    await halting
    assert await desk.value("select count(*) from intents") == 1
    assert await committing is not None


async def test_a_claim_that_begins_while_a_halt_commits_waits_and_sees_it(desk: Desk) -> None:
    number = await desk.decide()
    async with desk.pool.acquire() as halter:
        async with halter.transaction():
            await allow_silence(halter)
            await close_halt_gate(halter)
            claiming = asyncio.create_task(desk.claim(number))
            await desk.until_waiting(1, claiming)
            await halter.execute(
                "insert into halts (target_kind, target, source, reason, created_ns) "
                "values ('All', '', 'cli', 'drill', 1)"
            )
        taken = await claiming
    assert taken is not None
    assert taken.refusal is not None
    assert taken.refusal.code is RefusalCode.HALTED


async def _jitter(dice: random.Random) -> None:
    for _ in range(dice.randrange(12)):
        await asyncio.sleep(0)


async def _desks(pool: asyncpg.Pool, count: int) -> list[Desk]:
    desks = []
    for number in range(count):
        venue = example.venue(name=f"paper-{number}", orders_per_second=10**6)
        legs = (example.leg(venue=venue.key),)
        limits = example.limits(max_orders_per_minute=10**6)
        config = example.strategy(name=f"btc-{number}", hedge_with=legs, limits=limits)
        desks.append(await Desk(pool).open(config, venue))
    return desks


async def _sent(connection: Any) -> set[int]:
    rows = await connection.fetch("select intent from orders")
    return {row["intent"] for row in rows}


async def _decided(connection: Any) -> set[int]:
    return {row["id"] for row in await connection.fetch("select id from intents")}


@pytest.mark.usefixtures("patient_halts")
async def test_a_halt_goes_before_the_claims_that_come_after_it(pool: asyncpg.Pool) -> None:
    first, *others = await _desks(pool, 4)
    number = await first.decide()
    numbers = [await desk.decide() for desk in others]
    async with pool.acquire() as blocker, blocker.transaction():
        await allow_silence(blocker)
        await blocker.execute("lock table orders in share mode")
        claiming = asyncio.create_task(first.claim(number))
        await first.until_waiting(1, claiming)
        halting = asyncio.create_task(_halt(first))
        await first.until_waiting(2, claiming, halting)
        late = [asyncio.create_task(desk.claim(one)) for desk, one in zip(others, numbers, strict=True)]
        await first.until_waiting(5, claiming, halting, *late)
    await asyncio.gather(claiming, halting)
    for taken in await asyncio.gather(*late):
        assert taken is not None
        assert taken.refusal is not None
        assert taken.refusal.code is RefusalCode.HALTED


@pytest.mark.parametrize("seed", range(4))
async def test_nothing_is_claimed_or_decided_after_a_halt_however_they_overlap(
    pool: asyncpg.Pool, seed: int
) -> None:
    """Each round: some claims come before the halt, some beside it, one after. What the halter sees when its
    halt has returned is what there is when all have ended."""
    dice = random.Random(seed)
    desks = await _desks(pool, 6)
    refused = claimed = 0
    for _ in range(8):
        numbers = [await desk.decide("1.4") for desk in desks[:5]]
        before, beside, after = numbers[:1], numbers[1:4], numbers[4]
        for desk, number in zip(desks, before, strict=False):
            await desk.claim(number)

        async def halt_and_look() -> tuple[set[int], set[int]]:
            await _jitter(dice)
            async with pool.acquire() as connection:
                await place_halt(connection, EVERYTHING, "cli", "drill", 1)
                return await _sent(connection), await _decided(connection)

        async def claim_beside(desk: Desk, number: int) -> None:
            await _jitter(dice)
            await desk.claim(number)

        async def decide_beside(desk: Desk) -> None:
            desk.now_ns += desk.config.execution.cooldown_ns
            ledger = await desk.snapshot()
            await _jitter(dice)
            if not ledger.halts:  # else there is nothing to commit: it came after the halt
                await desk.commit(desk.risk("1.4"), ledger)

        halted, *_ = await asyncio.gather(
            halt_and_look(),
            *(claim_beside(desk, number) for desk, number in zip(desks[1:4], beside, strict=True)),
            decide_beside(desks[5]),
        )
        await desks[4].claim(after)
        async with pool.acquire() as connection:
            assert (await _sent(connection), await _decided(connection)) == halted
            rows = await connection.fetch("select state, reason from intents where id = any($1)", numbers)
            refused += sum(row["reason"].startswith("Halted: ") for row in rows)
            claimed += sum(row["state"] == "Sending" for row in rows)
            await connection.execute(
                "update intents set state = 'Rejected' where state in ('Sending', 'Decided')"
            )
            await release_halts(connection, EVERYTHING, "cli", "test", 2)
    assert refused + claimed == 40
    assert refused >= 8
    assert claimed >= 8
