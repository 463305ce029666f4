"""How long a hedge took, from the input that caused it to the venue's answer, hop by hop."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import msgspec

RECEIVED = "received"
CLAIMED = "claimed"
ACCEPTED = "accepted"
TOTAL = f"{RECEIVED} to {ACCEPTED}"
_MS_NS = 1_000_000


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds, nearest rank; `count` samples."""

    p50: float
    p99: float
    count: int


def summarise(journeys: Iterable[Mapping[str, int]]) -> dict[str, Latency]:
    """Latency per hop and from receipt to acceptance.

    Args:
        journeys: per order the time in ns at which it reached each stage, in the stages' order. Those that no
            input began (a wake-up after a cooldown) say nothing about latency and are left out.
    """
    hops: dict[str, list[int]] = {TOTAL: []}
    for journey in journeys:
        if RECEIVED not in journey or ACCEPTED not in journey:
            continue
        stages = list(journey.items())
        for (name, begun_ns), (next_name, reached_ns) in pairwise(stages):
            hops.setdefault(f"{name} to {next_name}", []).append(reached_ns - begun_ns)
        hops[TOTAL].append(journey[ACCEPTED] - journey[RECEIVED])
    return {name: _latency(sorted(times)) for name, times in hops.items() if times}


def _latency(sorted_ns: Sequence[int]) -> Latency:
    def rank(share: float) -> float:
        index = max(math.ceil(share * len(sorted_ns)), 1) - 1
        return round(sorted_ns[index] / _MS_NS, 3)

    return Latency(p50=rank(0.50), p99=rank(0.99), count=len(sorted_ns))
