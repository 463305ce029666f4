"""The last good score of each asset, and when it is told. Pure: values and the clock come in."""

from collections.abc import Callable, Iterator

from hedgerow.adapters.sentiment_scores import ScoreRefused, read_score
from hedgerow.schemas.records import Score

HEARTBEAT_NS = 1_000_000_000


class ScoreBoard:
    """A value that is refused changes nothing: the last good score stays, and grows old by its own time.

    Args:
        on_refused: called with the asset, once for each value that is refused.
    """

    def __init__(self, on_refused: Callable[[str, ScoreRefused], None]) -> None:
        self._on_refused = on_refused
        self._values: dict[str, bytes] = {}
        self._scores: dict[str, Score] = {}
        self._told_ns: dict[str, int] = {}

    def take(self, asset: str, value: bytes, now_ns: int) -> None:
        """Look at what is there now; a value that was looked at already is no news."""
        if self._values.get(asset) == value:
            return
        self._values[asset] = value
        try:
            score = read_score(asset, value, now_ns)
            _require_newer(score, self._scores.get(asset))
        except ScoreRefused as refused:
            self._on_refused(asset, refused)
            return
        if score != self._scores.get(asset):
            self._scores[asset] = score
            self._told_ns.pop(asset, None)

    def due(self, now_ns: int) -> Iterator[Score]:
        """What must be told now: a new score at once, the newest again each second."""
        for asset, score in self._scores.items():
            told_ns = self._told_ns.get(asset)
            if told_ns is None or now_ns - told_ns >= HEARTBEAT_NS:
                self._told_ns[asset] = now_ns
                yield score


def _require_newer(score: Score, known: Score | None) -> None:
    """
    Raises:
        ScoreRefused: time went back, or stood still while the score changed.
    """
    if known is None or score.time_ns > known.time_ns or score == known:
        return
    ts_ms, known_ms = score.time_ns // 1_000_000, known.time_ns // 1_000_000
    if score.time_ns < known.time_ns:
        raise ScoreRefused("ts_ms", "BackInTime", ts_ms, f"{known_ms} was told before: time never goes back")
    right = f"{known.score!r} was told for the same ts_ms, {ts_ms}: a changed score needs a later one"
    raise ScoreRefused("score", "SameTime", score.score, right)
