"""Newest sequence wins: the one rule by which states that were lost, doubled or reordered heal."""

from collections.abc import Callable, Hashable, Iterator
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Newest(Generic[K, V]):
    """Keeps the newest state of each key. A state not above the known one is dropped and counted.

    Args:
        on_stale: called once for each state dropped, e.g. the role's `hedgerow_stale_messages_total`.
    """

    def __init__(self, on_stale: Callable[[], None] = lambda: None) -> None:
        self._states: dict[K, tuple[Any, V]] = {}
        self._on_stale = on_stale
        self.stale = 0

    def offer(self, key: K, sequence: Any, state: V) -> bool:
        """Keep `state` when its sequence (an int, or a tuple that compares like one) is new; say whether it was."""
        known = self._states.get(key)
        if known is not None and sequence <= known[0]:
            self.stale += 1
            self._on_stale()
            return False
        self._states[key] = (sequence, state)
        return True

    def get(self, key: K) -> V | None:
        known = self._states.get(key)
        return None if known is None else known[1]

    def forget(self, key: K) -> None:
        """Drop what is known of `key`: the next state is new whatever its sequence."""
        self._states.pop(key, None)

    def items(self) -> Iterator[tuple[K, V]]:
        for key, (_, state) in self._states.items():
            yield key, state

    def __len__(self) -> int:
        return len(self._states)
