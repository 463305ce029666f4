"""Measures several programs in turn, round after round, so that what disturbs the machine disturbs all of them.

Only ratios are for reading: the median over the rounds of this program's speed over the anchor's in the same round.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

Program = Callable[[], object]


@dataclass(frozen=True)
class Measured:
    """Seconds of passed time per unit, and units per anchor unit."""

    seconds: float
    ratio: float


def measure(
    programs: Mapping[str, tuple[Program, int]], anchor: str, rounds: int = 15, slice_seconds: float = 0.01
) -> dict[str, Measured]:
    """`programs` maps a name to what to run and how many units one run does; `anchor` is one of the names."""
    repetitions = {}
    for name, (run, _) in programs.items():
        run()
        begun = time.perf_counter()
        run()
        repetitions[name] = max(1, int(slice_seconds / max(time.perf_counter() - begun, 1e-9)))
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, (run, units) in programs.items():
            begun = time.perf_counter()
            for _ in range(repetitions[name]):
                run()
            seconds[name].append((time.perf_counter() - begun) / repetitions[name] / units)
    return {
        name: Measured(median(times), median(a / b for a, b in zip(seconds[anchor], times, strict=True)))
        for name, times in seconds.items()
    }


def show(title: str, measured: Mapping[str, Measured], targets: Mapping[str, str] | None = None) -> None:
    """A table: nanoseconds per unit, speed against the anchor, and the figure that was aimed at."""
    print(f"\n{title}")
    print(f"  {'':46s}{'ns each':>12s}{'x anchor':>10s}   aim")
    for name, result in measured.items():
        aim = (targets or {}).get(name, "")
        print(f"  {name:46s}{result.seconds * 1e9:12.1f}{result.ratio:10.3f}   {aim}")
