"""Finding the simulator, which stands on the services and is installed beside them."""

import asyncio
import re
from importlib.metadata import entry_points

from hedgerow.cli.exits import ExitCode, Refused, UsageError

ENTRY_POINTS = "hedgerow.simulator"
_RANGE = re.compile(r"([0-9]+)\.\.([0-9]+)")


def seeds_of(seed: int | None, seeds: str | None) -> range:
    """The seeds that were asked for.

    Raises:
        UsageError: not exactly one of the two was given, or `seeds` is no A..B that goes up.
    """
    if (seed is None) == (seeds is None):
        raise UsageError("give one of --seed N and --seeds A..B")
    if seed is not None:
        return range(seed, seed + 1)
    match = _RANGE.fullmatch(str(seeds))
    if match is None or int(match[1]) > int(match[2]):
        raise UsageError(
            f"--seeds {seeds} should be A..B, two whole numbers of which the second is not smaller"
        )
    return range(int(match[1]), int(match[2]) + 1)


async def simulate(seed: int | None, seeds: str | None, processes: int | None, as_json: bool) -> ExitCode:
    """Hand over to the simulator.

    Raises:
        UsageError: as `seeds_of`.
        Refused: the simulator is not installed.
    """
    wanted = seeds_of(seed, seeds)
    found = list(entry_points(group=ENTRY_POINTS))
    if not found:
        raise Refused(
            "the simulator is not installed here; install the package hedgerow-simulator beside this one"
        )
    # In a thread, because a run has an event loop of its own.
    code: ExitCode = await asyncio.to_thread(found[0].load(), wanted, processes, as_json)
    return code
