"""What waits to be written: the newest state of each key and no other, so that it cannot grow without end. Pure."""

from collections.abc import Iterable

from hedgerow.adapters.cache_keys import Entry


class Backlog:
    """Newest wins; of equals the later, which keeps the state alive."""

    def __init__(self) -> None:
        self._waiting: dict[str, Entry] = {}

    def offer(self, entry: Entry) -> None:
        known = self._waiting.get(entry.key)
        if known is None or entry.order >= known.order:
            self._waiting[entry.key] = entry

    def take(self) -> dict[str, Entry]:
        """All of it, by key; afterwards nothing waits."""
        taken, self._waiting = self._waiting, {}
        return taken

    def put_back(self, entries: Iterable[Entry]) -> None:
        """What could not be written waits again, unless something newer came meanwhile."""
        for entry in entries:
            if (known := self._waiting.get(entry.key)) is None or entry.order > known.order:
                self._waiting[entry.key] = entry

    def __len__(self) -> int:
        return len(self._waiting)
