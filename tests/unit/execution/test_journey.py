"""The parts of a hedge's time: without gaps, in order, and together the whole."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.execution.journey import Span, journey

ROLES = ("received", "enrichment", "router", "risk", "hedging", "decided")


def test_every_part_is_named_by_where_it_leads() -> None:
    parts = journey({"received": 10, "hedging": 12, "decided": 15}, 20, 30, 31)
    assert parts == [
        Span("hedge", 10, 31),
        Span("to hedging", 10, 12),
        Span("to decided", 12, 15),
        Span("to claimed", 15, 20),
        Span("to accepted", 20, 30),
        Span("to concluded", 30, 31),
    ]


def test_a_refused_hedge_was_neither_claimed_nor_answered() -> None:
    assert journey({"decided": 15}, None, None, 31) == [Span("hedge", 15, 31), Span("to concluded", 15, 31)]


def test_a_hedge_without_any_stage_is_refused() -> None:
    with pytest.raises(ValueError, match="decided at some time"):
        journey({}, None, None, 31)


@given(
    times=st.lists(st.integers(0, 2**62), min_size=len(ROLES) + 3, max_size=len(ROLES) + 3).map(sorted),
    claimed=st.booleans(),
    answered=st.booleans(),
)
def test_j1_the_parts_lie_end_to_end_and_fill_the_whole(
    times: list[int], claimed: bool, answered: bool
) -> None:
    *stages, claimed_ns, answered_ns, concluded_ns = times
    whole, *parts = journey(
        dict(zip(ROLES, stages, strict=True)),
        claimed_ns if claimed else None,
        answered_ns if answered else None,
        concluded_ns,
    )
    assert (parts[0].start_ns, parts[-1].end_ns) == (whole.start_ns, whole.end_ns)
    assert all(a.end_ns == b.start_ns for a, b in pairwise(parts))
    assert all(part.start_ns <= part.end_ns for part in parts)
