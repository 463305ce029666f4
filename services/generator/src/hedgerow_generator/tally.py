"""What became of the session's orders, kept in a file, so that a restart goes on counting and anybody can read it."""

from pathlib import Path

import msgspec


class Tally(msgspec.Struct, kw_only=True):
    """Counts of orders.

    Attributes:
        accepted: the gateway took them; filled, cancelled: known to have ended so. The others wait.
        refused: posted and not taken, by the gateway's reason.
        unpriced: never posted for want of a quote, by the gateway's reason.
        unanswered: requests sent again because their outcome was not known, by what was missing.
    """

    accepted: int = 0
    filled: int = 0
    cancelled: int = 0
    refused: dict[str, int] = {}
    unpriced: dict[str, int] = {}
    unanswered: dict[str, int] = {}

    def count(self, what: str, reason: str) -> None:
        """One more of `refused`, `unpriced` or `unanswered`."""
        counts: dict[str, int] = getattr(self, what)
        counts[reason] = counts.get(reason, 0) + 1


class TallyFile:
    """`<folder>/orders-<session>.json`, replaced whole with every write."""

    def __init__(self, folder: Path, session_start_ns: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"orders-{session_start_ns}.json"

    def read(self) -> Tally:
        """The last one written; zeros when there is none."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Tally)
        except FileNotFoundError:
            return Tally()

    def write(self, tally: Tally) -> None:
        aside = self._path.with_suffix(".new")
        aside.write_bytes(msgspec.json.encode(tally))
        aside.rename(self._path)
