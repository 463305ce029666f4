"""An executor that was stopped wakes up beside its successor, with an order in its hand."""

import asyncio

import pytest

from faults.rig import RECOVERY_DEADLINE_S, Rig
from faults.scenario import Run, scenario, size

pytestmark = pytest.mark.timeout(7200)
# A server that gives a silent client up ends its connections: the locks of its accounts go, and what it had begun.
GIVE_UP = """
    select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'hedgerow-executor-%'
"""


async def test_two_executors_forced_active(rig: Rig) -> None:
    """I1 to I8 while an executor sleeps between claim and send, loses its accounts, and wakes up to send."""
    rounds = size(full=20, short=2)
    name = "two executors forced active"
    async with scenario(rig, name, "20 rounds", f"{rounds} rounds") as run:
        rig.add("executor-2", ("executor",))
        active, other = "executor", "executor-2"
        for number in range(rounds):
            step = ("executor.before-send", "executor.claimed")[number % 2]
            await _sleep_and_wake(run, active, other, step, run.random.uniform(0.5, 12.0))
            active, other = other, active
        if active == "executor-2":
            await rig.stop_worker("executor-2")
            rig.restart("executor")


async def _sleep_and_wake(run: Run, sleeper: str, successor: str, step: str, asleep_s: float) -> None:
    """The sleeper is the active executor; the successor is, once this returns."""
    rig = run.rig
    slept = rig.reached(step, "SIGSTOP")
    with rig.armed(step, "SIGSTOP"):
        await rig.until(lambda: rig.reached(step, "SIGSTOP") > slept, f"{sleeper} sleeps at {step}", 60)
    try:
        ended = await rig.ledger.fetch(GIVE_UP)
        assert len(ended) > len(rig.venues), (
            f"an account has a lock and a pool, but {len(ended)} connections ended"
        )
        rig.restart(successor)
        await run.recovered(f"the sleep at {step}", RECOVERY_DEADLINE_S)
        await asyncio.sleep(asleep_s)
    finally:
        rig.workers[sleeper].resume()
    # Both are at work now: the one that woke up does what it was about to do.
    await run.hedged(3, RECOVERY_DEADLINE_S)
    await rig.stop_worker(sleeper)
