"""Conditions as Kubernetes writes them.

I1  lastTransitionTime moves exactly when the status of a condition changes
I2  what is written once is not written again while nothing changes
I3  observedGeneration is that of the newest look, and never goes back while generations rise
I4  each condition stands there once
"""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hedgerow_operator.conditions import Finding, Status, differs, find, fold, timestamp, transitions

SECOND_NS = 1_000_000_000
TYPES = ("Accepted", "Published", "Ready", "Degraded")
looks = st.lists(
    st.fixed_dictionaries(
        {kind: st.tuples(st.sampled_from(Status), st.sampled_from(["A", "B"])) for kind in TYPES}
    ),
    min_size=1,
    max_size=8,
)


def findings(look: dict[str, tuple[Status, str]]) -> list[Finding]:
    return [
        Finding(type=kind, status=status, reason=reason, message=f"{reason} {status}")
        for kind, (status, reason) in look.items()
    ]


@given(looks)
def test_transition_times_generations_and_repetition(sequence: list[dict[str, tuple[Status, str]]]) -> None:
    """I1, I2, I3, I4"""
    conditions: list[dict[str, Any]] = []
    for number, look in enumerate(sequence, start=1):
        now_ns = number * 60 * SECOND_NS
        before = {item["type"]: item for item in conditions}
        conditions = fold(conditions, findings(look), number, now_ns)
        assert sorted(item["type"] for item in conditions) == sorted(TYPES)  # I4
        for item in conditions:
            old = before.get(item["type"])
            same = old is not None and old["status"] == item["status"]
            expected = old["lastTransitionTime"] if same and old else timestamp(now_ns)
            assert item["lastTransitionTime"] == expected  # I1
            assert item["observedGeneration"] == number  # I3
        again = fold(conditions, findings(look), number, now_ns + 1000 * SECOND_NS)
        assert not differs({"conditions": conditions}, {"conditions": again})  # I2
        assert transitions(conditions, findings(look)) == []


def test_what_somebody_wrote_by_hand_is_written_over_and_what_is_not_ours_is_left() -> None:
    ours = fold([], [Finding(type="Ready", status=Status.FALSE, reason="No", message="m")], 1, SECOND_NS)
    status = {"conditions": ours, "generation": 1}
    assert not differs(status, status)
    assert differs({**status, "conditions": [{**ours[0], "status": "True"}]}, status)
    assert differs({**status, "generation": 7}, status)
    assert differs({}, status)
    theirs = {"type": "Audited", "status": "True"}
    assert not differs({**status, "conditions": [*ours, theirs]}, status)


def test_a_long_message_is_cut_and_an_unknown_status_is_read() -> None:
    long = Finding(type="Ready", status=Status.TRUE, reason="A", message="x" * 5000)
    assert len(fold([], [long], 1, 0)[0]["message"]) == 1024
    odd = find([{"type": "Ready", "status": "Perhaps"}], "Ready")
    assert odd is not None
    assert odd.status is Status.UNKNOWN
    assert find([], "Ready") is None
