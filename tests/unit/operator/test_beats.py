"""Which roles nobody runs any more.

I1  a part is silent exactly when it was heard of once, longer ago than the patience, and this process began as long ago
"""

from hypothesis import given
from hypothesis import strategies as st

from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import RoleBeat
from hedgerow.streams.partitioning import partition_of
from hedgerow.streams.processor import RawMessage
from hedgerow_operator.beats import SECOND_NS, SILENT_NS, Beats

PARTITIONS = 4
KEY = "desk/btc"
OWN = partition_of(KEY, PARTITIONS)
OTHER = (OWN + 1) % PARTITIONS


def heard(beats: Beats, role: str, *partitions: int, at_ns: int, worker: str = "w-1") -> None:
    record = RoleBeat(role=role, worker=worker, partitions=partitions, time_ns=at_ns)
    beats.take(
        RawMessage(
            topic="role.beats",
            partition=0,
            offset=0,
            key=f"{role}/{worker}".encode(),
            value=encode(record),
            headers={},
        )
    )


@given(
    last_s=st.one_of(st.none(), st.integers(0, 60)), started_s=st.integers(0, 60), now_s=st.integers(60, 120)
)
def test_silence_begins_after_the_patience(last_s: int | None, started_s: int, now_s: int) -> None:
    """I1"""
    beats = Beats(PARTITIONS, started_s * SECOND_NS)
    if last_s is not None:
        heard(beats, "risk", OWN, at_ns=last_s * SECOND_NS)
    beats.look(now_s * SECOND_NS)
    late = last_s is not None and now_s - max(last_s, started_s) >= SILENT_NS // SECOND_NS
    assert beats.silent_for(KEY) == (("risk",) if late else ())


def test_another_worker_that_takes_the_partition_over_ends_the_silence() -> None:
    beats = Beats(PARTITIONS, 0)
    heard(beats, "risk", OWN, OTHER, at_ns=0)
    assert beats.look(SILENT_NS) == {("risk", OWN), ("risk", OTHER)}
    assert beats.look(SILENT_NS) == frozenset()
    heard(beats, "risk", OWN, at_ns=SILENT_NS, worker="w-2")
    news = beats.look(SILENT_NS + SECOND_NS)
    assert news == {("risk", OWN)}
    assert beats.concern(KEY, news)
    assert beats.silent_for(KEY) == ()


def test_other_partitions_and_roles_beside_the_pipeline_do_not_count() -> None:
    beats = Beats(PARTITIONS, 0)
    heard(beats, "risk", OTHER, at_ns=0)
    heard(beats, "recorder", OWN, at_ns=0)
    assert not beats.concern(KEY, beats.look(SILENT_NS))
    assert beats.silent_for(KEY) == ()
