"""Hedging and executor are killed at every step of a hedge, again and again, while clients trade."""

import asyncio
import time

import pytest

from faults import invariants
from faults.rig import RECOVERY_DEADLINE_S, Rig
from faults.scenario import Run, scenario, size

KILLS = size(full=50, short=2)
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

pytestmark = pytest.mark.timeout(7200)


@pytest.mark.parametrize(("step", "victim"), NAMED_STEPS)
async def test_killed_at_every_step_no_hedge_is_doubled_or_lost(rig: Rig, step: str, victim: str) -> None:
    """I1 to I8 after a step of a hedge was the last one of a process, `KILLS` times."""
    async with scenario(rig, f"killed at {step}", "50 kills", f"{KILLS} kills") as run:
        before = rig.reached(step)
        for _ in range(KILLS):
            with rig.armed(step):
                await rig.until(
                    lambda: not rig.workers[victim].is_alive(),
                    f"{victim} reached {step}",
                    RECOVERY_DEADLINE_S,
                )
            rig.restart(victim)
            await run.recovered(f"the kill at {step}")
        assert rig.reached(step) == before + KILLS


async def test_killed_between_send_and_answer(rig: Rig) -> None:
    """The exchange holds a reply back; once its journal has the order, the executor that waits for it dies."""
    async with scenario(rig, "killed at executor, after send", "50 kills", f"{KILLS} kills") as run:
        for _ in range(KILLS):
            await _kill_after_send(run)


async def _kill_after_send(run: Run) -> None:
    rig = run.rig
    await rig.faults(
        [{"path": "/v5/order/create", "kind": "DelayReply", "ms": HELD_REPLY_MS, "count": len(rig.venues)}]
    )
    before, held_from_ns = rig.journal.stat().st_size, time.time_ns()

    def held() -> list[str]:
        """Orders whose reply is held back, not those that were answered at once just before."""
        times = invariants.order_times_ns(rig.journal, before)
        return [name for name, at_ns in times.items() if at_ns >= held_from_ns]

    await rig.until(lambda: bool(held()), "an order is in the journal", RECOVERY_DEADLINE_S)
    rig.workers["executor"].kill()
    states = await rig.ledger.fetch(
        "select i.state from intents i join orders o on o.intent = i.id where o.client_order_id = any($1)",
        held(),
    )
    assert "Sending" in {row["state"] for row in states}, (
        f"an order was to be killed between send and answer, the ledger has {states}"
    )
    await rig.faults([])
    rig.restart("executor")
    await run.recovered("the kill after the send")


async def test_hedging_killed_at_any_moment(rig: Rig) -> None:
    """I1 to I8 while hedging dies at random moments and risk states go on."""
    kills, states = size(full=200, short=2), size(full=10_000, short=100)
    async with scenario(
        rig, "hedging killed", "200 kills in 10,000 states", f"{kills} kills in {states:,} states"
    ) as run:
        seen = await invariants.risk_states(rig)
        for _ in range(kills):
            await asyncio.sleep(run.random.uniform(0.1, 2.0))
            rig.workers["hedging"].kill()
            rig.restart("hedging")
            await run.recovered("the kill of hedging")

        async def enough() -> bool:
            return await invariants.risk_states(rig) - seen >= states

        await rig.until(enough, f"{states} risk states were said", states / 5)
        run.noted.append(f"{await invariants.risk_states(rig) - seen:,} risk states")


async def test_a_worker_that_slept_through_its_decision_loses_the_race(rig: Rig) -> None:
    """Stopped just before its commit, woken after another worker has decided: its decision must not be written."""
    name = "hedging slept through its decision"
    async with scenario(rig, name, "1 sleep", "1 sleep"):
        sleeper, successor = rig.workers["hedging"], rig.add("hedging-2", ("hedging",))
        slept = rig.reached("hedging.before-commit", "SIGSTOP")
        with rig.armed("hedging.before-commit", "SIGSTOP"):
            await rig.until(
                lambda: rig.reached("hedging.before-commit", "SIGSTOP") == slept + 1, "hedging sleeps", 60
            )
        versions = await _versions(rig)
        successor.start()

        async def decided() -> bool:
            newer = await _versions(rig)
            return all(newer[uid] > version for uid, version in versions.items())

        await rig.until(decided, "the successor has decided", RECOVERY_DEADLINE_S)
        rig.workers["hedging"].resume()
        await rig.until(lambda: sleeper.logged("decision lost the race"), "the sleeper lost the race", 60)
        await rig.stop_worker("hedging-2")


async def _versions(rig: Rig) -> dict[str, int]:
    rows = await rig.ledger.fetch(
        "select strategy_uid, max(version) as version from decisions group by strategy_uid"
    )
    return {row["strategy_uid"]: row["version"] for row in rows}
