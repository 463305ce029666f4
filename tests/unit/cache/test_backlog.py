"""What waits for the cache.

I1: of each key only the newest waits, whatever came in which order and however often a write failed.
I2: it never holds more than one entry per key.
"""

from hypothesis import given
from hypothesis import strategies as st

from hedgerow.adapters.cache_keys import Entry, order_of
from hedgerow_cache.backlog import Backlog


def entry(key: int, sequence: int) -> Entry:
    return Entry(f"hedgerow:{{{key}}}:quote", order_of(sequence, 0), str(sequence).encode())


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20))),
    st.lists(st.booleans(), min_size=1, max_size=10),
)
def test_i1_i2_only_the_newest_of_each_key_waits(states: list[tuple[int, int]], fails: list[bool]) -> None:
    backlog, newest, written = Backlog(), dict[str, bytes](), dict[str, bytes]()
    for number, (key, sequence) in enumerate(states):
        new = entry(key, sequence)
        newest[new.key] = max(newest.get(new.key, b""), new.order)
        backlog.offer(new)
        assert len(backlog) <= len(newest)
        if number % 3 == 2:
            taken = backlog.take()
            assert len(backlog) == 0
            if fails[number % len(fails)]:
                backlog.put_back(taken.values())
            else:
                written |= {key: max(item.order, written.get(key, b"")) for key, item in taken.items()}
    for key, item in backlog.take().items():
        written[key] = max(item.order, written.get(key, b""))
    assert written == newest


def test_what_failed_does_not_replace_what_came_meanwhile() -> None:
    backlog = Backlog()
    backlog.offer(entry(1, 5))
    taken = backlog.take()
    backlog.offer(entry(1, 6))
    backlog.put_back(taken.values())
    assert [item.record for item in backlog.take().values()] == [b"6"]
