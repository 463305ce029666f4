"""How long each part of a hedge took: from the tick that caused it to the end of its order."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import msgspec


class Span(msgspec.Struct, frozen=True):
    """One part: from when the part before it ended, until `end_ns`."""

    name: str
    start_ns: int
    end_ns: int


def journey(
    stages: Mapping[str, int], claimed_ns: int | None, answered_ns: int | None, concluded_ns: int
) -> Sequence[Span]:
    """The whole hedge first, then its parts in order, without gaps.

    Args:
        stages: when each role took the cause up, in order (`streams.trace`); the last is `decided`.
        claimed_ns, answered_ns: None when it was refused, or when no answer came.

    Raises:
        ValueError: there is no stage.
    """
    reached = dict(stages)
    if not reached:
        raise ValueError("a hedge was decided at some time: its stages must not be empty")
    if claimed_ns is not None:
        reached["claimed"] = claimed_ns
    if answered_ns is not None:
        reached["accepted"] = answered_ns
    reached["concluded"] = concluded_ns
    times = list(reached.items())
    parts = [Span(f"to {name}", began_ns, at_ns) for (_, began_ns), (name, at_ns) in pairwise(times)]
    return [Span("hedge", times[0][1], concluded_ns), *parts]
