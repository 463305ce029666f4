"""Clocks that are wrong: of one worker at a time, and of the venue."""

import asyncio
from itertools import product
from pathlib import Path

import pytest

from faults.rig import Rig
from faults.scenario import chosen, scenario, size

pytestmark = pytest.mark.timeout(7200)
OUTAGE_DEADLINE_S = 120.0
OFFSETS_S = (5, -5, 3_600, -3_600)
LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


@pytest.mark.skipif(not LIBRARIES, reason="libfaketime is not here (Debian's package libfaketime)")
@pytest.mark.parametrize(
    ("worker", "offset_s"),
    # Behind the real clock, librdkafka's waits end at once, all of them, and may starve its start.
    chosen(list(product(("hedging", "executor"), OFFSETS_S)), [("hedging", 3_600), ("executor", 5)]),
)
async def test_a_workers_clock_is_wrong(rig: Rig, worker: str, offset_s: int) -> None:
    """I1 to I8 after one worker lived with a wrong clock. It may hedge or hold meanwhile, but not twice."""
    seconds = size(full=60, short=3)
    name = f"clock of {worker} {offset_s:+d} s"
    async with scenario(rig, name, "60 s", f"{seconds} s") as run:
        rig.workers[worker].kill()
        before = await rig.ledger.fetchval("select count(*) from fills")
        rig.restart(
            worker,
            LD_PRELOAD=str(LIBRARIES[0]),
            FAKETIME=f"{offset_s:+d}s",
            FAKETIME_DONT_FAKE_MONOTONIC="1",
        )
        await rig.until(lambda: rig.is_listening(worker), f"{worker} is up with its wrong clock", 60)
        assert rig.workers[worker].has_loaded("libfaketime"), f"{worker} runs with the right clock"
        await asyncio.sleep(seconds)
        fills = await rig.ledger.fetchval("select count(*) from fills") - before
        run.noted.append(f"{fills} fills with the wrong clock")
        rig.workers[worker].kill()
        rig.restart(worker)
        await run.recovered("the clock was set right", OUTAGE_DEADLINE_S)
