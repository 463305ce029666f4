"""Clocks that are wrong: of one worker at a time, and of the venue."""

import asyncio
import re
import urllib.request
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from faults.rig import Rig
from faults.scenario import chosen, scenario, size

pytestmark = pytest.mark.timeout(7200)
OUTAGE_DEADLINE_S = 120.0
OFFSETS_S = (5, -5, 3_600, -3_600)
WRONG_CLOCK = Path(__file__).parent / "wrong_clock"
LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


@pytest.mark.skipif(not LIBRARIES, reason="libfaketime is not here (Debian's package libfaketime)")
@pytest.mark.parametrize("offset_s", chosen(OFFSETS_S, [3_600]))
async def test_hedgings_clock_is_wrong(rig: Rig, offset_s: int) -> None:
    """I1 to I8 after hedging lived with a wrong clock, in all of its process."""

    async def is_wrong() -> bool:
        return rig.is_listening("hedging") and rig.workers["hedging"].has_loaded("libfaketime")

    environment = {
        "LD_PRELOAD": str(LIBRARIES[0]),
        "FAKETIME": f"{offset_s:+d}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    await _live_with_it(rig, "hedging", offset_s, environment, is_wrong, "the whole process's clock")


@pytest.mark.parametrize("offset_s", chosen(OFFSETS_S, [-3_600]))
async def test_the_executors_clock_is_wrong(rig: Rig, offset_s: int) -> None:
    """I1 to I8 after the executor lived with a wrong clock: Python's, which decides and signs. The C library's stays
    true: librdkafka waits until moments of it that the kernel measures by the true one, and did not come up behind."""

    async def is_wrong() -> bool:
        if not rig.is_listening("executor"):
            return False
        ahead_s = await asyncio.to_thread(_venues_clock_ahead_s, rig)
        return ahead_s is not None and abs(ahead_s + offset_s) < 1

    environment = {"PYTHONPATH": str(WRONG_CLOCK), "WRONG_CLOCK_S": str(offset_s)}
    await _live_with_it(
        rig, "executor", offset_s, environment, is_wrong, "Python's clock, not the C library's"
    )


async def _live_with_it(
    rig: Rig,
    worker: str,
    offset_s: int,
    environment: Mapping[str, str],
    is_wrong: Callable[[], Awaitable[bool]],
    which: str,
) -> None:
    """It may hedge or hold meanwhile, but not twice. `which` clock of it is wrong, in words."""
    seconds = size(full=60, short=3)
    name = f"clock of {worker} {offset_s:+d} s"
    async with scenario(rig, name, "60 s", f"{seconds} s") as run:
        rig.workers[worker].kill()
        before = await rig.ledger.fetchval("select count(*) from fills")
        rig.restart(worker, **environment)
        await rig.until(is_wrong, f"{worker} is up with its wrong clock", 60)
        await asyncio.sleep(seconds)
        fills = await rig.ledger.fetchval("select count(*) from fills") - before
        run.noted.append(f"{fills} fills with the wrong clock ({which})")
        rig.workers[worker].kill()
        rig.restart(worker)
        await run.recovered("the clock was set right", OUTAGE_DEADLINE_S)


def _venues_clock_ahead_s(rig: Rig) -> float | None:
    """Of the executor's, as it measured; None before it has."""
    try:
        with urllib.request.urlopen(rig.metrics_url("executor"), timeout=2) as answer:
            text = answer.read().decode()
    except OSError:
        return None
    found = re.search(r"^hedgerow_venue_clock_offset_seconds\{.*\} (\S+)$", text, re.MULTILINE)
    return None if found is None else float(found[1])
