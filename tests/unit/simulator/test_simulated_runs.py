"""Whole runs in the simulated world: what must hold holds, and a seed is a run, to the byte.

I1 to I8 are those of `hedgerow_simulator.invariants`; I9: equal seeds give equal bytes, whatever Python hashes by.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from hedgerow_simulator.command import simulate_many
from hedgerow_simulator.plan import draw_plan
from hedgerow_simulator.run import simulate

SEEDS = range(150)


def test_every_invariant_holds_in_hundreds_of_runs() -> None:
    """I1 to I8. A seed that is named here is told by `hedgerow simulate --seed N`."""
    verdicts = list(simulate_many(SEEDS, processes=1))
    assert {verdict.seed: verdict.violations for verdict in verdicts if verdict.violations} == {}
    seen = {name for verdict in verdicts for name in verdict.faults}
    assert {"kill", "pause", "ledger crash", "lock lost", "answer of the ledger lost", "venue down"} <= seen
    assert {
        "reply of the venue lost",
        "request to the venue late",
        "order visible late",
        "message lost",
        "ledger promoted without its tail",
    } <= seen
    assert sum(verdict.orders for verdict in verdicts) > len(SEEDS)
    assert sum(verdict.adopted for verdict in verdicts) > 0


@pytest.mark.parametrize("seed", [3, 24, 1567])
def test_the_same_seed_is_the_same_run(seed: int) -> None:
    """I9, within one process."""
    first, second = simulate(seed), simulate(seed)
    assert first.story == second.story
    assert first == second


def test_the_same_seed_is_the_same_run_whatever_the_hash_seed() -> None:
    """I9, across processes."""
    stories = {_told(24, hash_seed) for hash_seed in ("1", "2")}
    assert len(stories) == 1
    told = json.loads(stories.pop())
    assert told["trace"] == simulate(24).trace


def test_different_seeds_are_different_runs() -> None:
    assert simulate(1).trace != simulate(2).trace


def test_a_plan_without_faults_settles_without_any() -> None:
    """To shrink a failing run, faults are taken out of its plan one by one; with none left nothing is lost or late."""
    plan = draw_plan(7)
    rates = {name: 0.0 for name, value in msgspec.structs.asdict(plan).items() if isinstance(value, float)}
    kept = {name: getattr(plan, name) for name in ("faults_s", "clients_every_s", "depth", "volatility_bps")}
    verdict = simulate(
        7, msgspec.structs.replace(plan, **{**rates, **kept, "halts": 0, "republishes": 0, "promotions": 0})
    )
    assert verdict.violations == ()
    assert verdict.faults == {}
    assert verdict.orders > 0


def _told(seed: int, hash_seed: str) -> str:
    hedgerow = Path(sys.executable).with_name("hedgerow")
    command = [str(hedgerow), "simulate", "--seed", str(seed), "--json"]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
