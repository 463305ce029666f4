"""Newest sequence wins."""

from hypothesis import given
from hypothesis import strategies as st

from hedgerow.streams.newest import Newest


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 20))))
def test_what_is_kept_does_not_depend_on_order_or_repetition(arrivals: list[tuple[str, int]]) -> None:
    newest: Newest[str, int] = Newest()
    taken = [newest.offer(key, sequence, sequence) for key, sequence in arrivals]
    expected = {key: max(s for k, s in arrivals if k == key) for key, _ in arrivals}
    assert dict(newest.items()) == expected
    assert newest.stale == taken.count(False)


def test_a_state_not_above_the_known_one_is_dropped_and_counted() -> None:
    dropped = []
    newest: Newest[str, str] = Newest(on_stale=lambda: dropped.append(1))
    assert newest.offer("k", (2, 5), "first")
    assert not newest.offer("k", (2, 5), "repeated")
    assert not newest.offer("k", (1, 9), "older")
    assert newest.get("k") == "first"
    assert len(dropped) == newest.stale == 2


def test_after_forgetting_any_sequence_is_new() -> None:
    newest: Newest[str, str] = Newest()
    newest.offer("k", 9, "old")
    newest.forget("k")
    assert newest.get("k") is None
    assert newest.offer("k", 1, "new")
