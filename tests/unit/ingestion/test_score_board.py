"""Which values become scores, and when they are told."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.adapters.sentiment_scores import ScoreRefused, read_score
from hedgerow_ingestion.score_board import HEARTBEAT_NS, ScoreBoard

MS = 1_000_000
NOW_MS = 1_900_000_000_000
NOW_NS = NOW_MS * MS


def value(score: Any = 0.62, ts_ms: Any = NOW_MS) -> bytes:
    return json.dumps({"score": score, "ts_ms": ts_ms}).encode()


class Desk:
    """A board and what it refused."""

    def __init__(self) -> None:
        self.refused: list[tuple[str, str, str]] = []
        self.board = ScoreBoard(lambda asset, why: self.refused.append((asset, why.field, why.rule)))

    def take(self, raw: bytes, now_ns: int = NOW_NS) -> list[tuple[str, float, int]]:
        self.board.take("BTC", raw, now_ns)
        return [(score.asset, score.score, score.sequence) for score in self.board.due(now_ns)]


def test_a_score_is_told_at_once_and_again_each_second() -> None:
    desk = Desk()
    assert desk.take(value()) == [("BTC", 0.62, NOW_NS)]
    assert desk.take(value(), NOW_NS + HEARTBEAT_NS - 1) == []
    assert desk.take(value(), NOW_NS + HEARTBEAT_NS) == [("BTC", 0.62, NOW_NS)]
    assert desk.take(value(0.7, NOW_MS + 1001), NOW_NS + HEARTBEAT_NS + 1) == [
        ("BTC", 0.7, NOW_NS + 1001 * MS)
    ]
    assert desk.refused == []


@pytest.mark.parametrize(
    ("raw", "field", "rule", "words"),
    [
        (
            b'{"score": NaN, "ts_ms": 1}',
            "score",
            "OutOfRange",
            "score is nan; a score is a number from 0 to 1",
        ),
        (value(-0.01), "score", "OutOfRange", "score is -0.01;"),
        (value(1.000001), "score", "OutOfRange", "score is 1.000001;"),
        (b'{"score": 1e999, "ts_ms": 1}', "score", "OutOfRange", "score is inf;"),
        (value("0.5"), "score", "OutOfRange", "score is '0.5';"),
        (value(True), "score", "OutOfRange", "score is True;"),
        (value(None), "score", "OutOfRange", "score is None;"),
        (value(ts_ms=1.5), "ts_ms", "NotATime", "ts_ms is 1.5; a time is a whole number of ms"),
        (value(ts_ms=-1), "ts_ms", "NotATime", "ts_ms is -1;"),
        (value(ts_ms=None), "ts_ms", "NotATime", "ts_ms is None;"),
        (value(ts_ms=NOW_MS + 1001), "ts_ms", "FromTheFuture", "1.001 s in the future, limit 1 s"),
        (b"0.62", "value", "NotAnObject", 'write {"score": number, "ts_ms": milliseconds}'),
        (b'{"score": 0.5', "value", "NotJson", 'write {"score": number, "ts_ms": milliseconds}'),
        (b"\xff", "value", "NotJson", "value is b'\\xff'"),
        (b"[" * 100_000, "value", "NotJson", "value is b'[[[["),
    ],
)
def test_what_is_no_score_is_refused_by_field_value_and_rule(
    raw: bytes, field: str, rule: str, words: str
) -> None:
    with pytest.raises(ScoreRefused) as refused:
        read_score("BTC", raw, NOW_NS)
    assert (refused.value.field, refused.value.rule) == (field, rule)
    assert words in str(refused.value)


def test_a_refused_value_is_counted_once_and_the_last_good_score_stays() -> None:
    desk = Desk()
    desk.take(value(0.3))
    for _ in range(5):
        assert desk.take(value(float("nan"))) == []
    assert desk.refused == [("BTC", "score", "OutOfRange")]
    assert desk.take(value(float("nan")), NOW_NS + HEARTBEAT_NS) == [("BTC", 0.3, NOW_NS)]


def test_time_never_goes_back_nor_stands_still_while_the_score_changes() -> None:
    desk = Desk()
    desk.take(value(0.3))
    assert desk.take(value(0.4, NOW_MS - 1)) == []
    assert desk.take(value(0.4)) == []
    assert desk.refused == [("BTC", "ts_ms", "BackInTime"), ("BTC", "score", "SameTime")]
    assert desk.take(value(0.4, NOW_MS + 1)) == [("BTC", 0.4, NOW_NS + MS)]


@given(st.lists(st.tuples(st.floats(), st.integers(min_value=NOW_MS - 5_000, max_value=NOW_MS + 5_000))))
def test_whatever_is_written_scores_are_in_range_and_their_time_rises(
    writes: list[tuple[float, int]],
) -> None:
    desk = Desk()
    told = [item for score, ts_ms in writes for item in desk.take(value(score, ts_ms))]
    assert all(0 <= score <= 1 for _, score, _ in told)
    times = [sequence for *_, sequence in told]
    assert times == sorted(set(times))
