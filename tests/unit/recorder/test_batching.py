"""Messages are cut into batches that follow each other without a hole and without an overlap."""

from hypothesis import given
from hypothesis import strategies as st

from hedgerow.history.tables import TICKS
from hedgerow.history.writing import Message
from hedgerow_recorder.batching import BATCH_ROWS, LINGER_S, Gathering

PARTITIONS = [("market.raw", 0), ("market.raw", 1), ("risk.state", 0)]


def message(number: int, offset: int, rows: int = 1) -> Message:
    return Message(
        partition=PARTITIONS[number],
        offset=offset,
        key=None,
        value=b"",
        headers=(),
        timestamp_ms=1_000 + offset,
        rows=((TICKS, (offset,)),) * rows,
    )


@given(
    fetched=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5), st.integers(0, 3)), max_size=30),
    cuts=st.sets(st.integers(0, 30)),
)
def test_batches_follow_each_other(fetched: list[tuple[int, int, int]], cuts: set[int]) -> None:
    """I1: a batch begins where the one before ended. I2: each offset is in one batch, however often it was fetched."""
    gathering = Gathering(dict.fromkeys(PARTITIONS, 10))
    heads = [10, 10, 10]
    seen: list[tuple[tuple[str, int], int]] = []
    at = dict.fromkeys(PARTITIONS, 10)
    for turn, (number, new, again) in enumerate(fetched):
        first = max(heads[number] - again, 0)
        heads[number] += new
        gathering.add(message(number, offset) for offset in range(first, heads[number]))
        if turn in cuts:
            batch = gathering.close()
            assert all(at[partition] == offset for partition, offset in batch.was.items())
            at |= batch.to
            seen += [(item.partition, item.offset) for item in batch.messages]
    batch = gathering.close()
    seen += [(item.partition, item.offset) for item in batch.messages]
    assert sorted(seen) == [
        (partition, offset)
        for partition, head in sorted(zip(PARTITIONS, heads, strict=True))
        for offset in range(10, head)
    ]


def test_a_batch_is_full_by_rows_or_when_its_first_message_has_waited() -> None:
    gathering = Gathering(dict.fromkeys(PARTITIONS, 0))
    assert not gathering.is_full(LINGER_S * 10)
    gathering.add([message(0, 0, rows=BATCH_ROWS - 1)])
    assert not gathering.is_full(LINGER_S / 2)
    assert gathering.is_full(LINGER_S)
    gathering.add([message(1, 0)])
    assert gathering.is_full(0)


def test_a_message_without_rows_moves_its_partition_on() -> None:
    gathering = Gathering(dict.fromkeys(PARTITIONS, 0))
    gathering.add([message(0, 0, rows=0)])
    assert gathering.oldest_ms == 1_000
    assert gathering.close().to == {PARTITIONS[0]: 1}
    assert gathering.oldest_ms is None
