"""What `hedgerow history` may be asked, and what it says to what it may not."""

import pytest

from hedgerow.cli.exits import UsageError
from hedgerow.cli.history import Question
from hedgerow.cli.moments import parse_moment, show_moment
from hedgerow.cli.servers import read_history_dsn
from hedgerow.history.tables import CANDLES_5M, RISK_1M
from hedgerow.streams.settings import SettingsError

NOW_NS = 1_767_225_600_123_456_789  # 2026-01-01T00:00:00.123456789Z


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", NOW_NS - 90 * 10**9),
        ("3d", NOW_NS - 3 * 86_400 * 10**9),
        ("2026-01-01", 1_767_225_600 * 10**9),
        ("2026-01-01T01:00:00.5+01:00", 1_767_225_600_500_000_000),
    ],
)
def test_moments(text: str, expected: int) -> None:
    assert parse_moment(text, NOW_NS) == expected


@pytest.mark.parametrize("text", ["yesterday", "5", "-5m", "2026-13-01", ""])
def test_what_is_no_moment_is_refused_with_what_would_be_one(text: str) -> None:
    with pytest.raises(UsageError, match="how long ago"):
        parse_moment(text, NOW_NS)


def test_a_moment_is_shown_in_utc() -> None:
    assert show_moment(NOW_NS) == "2026-01-01 00:00:00.123"


def test_a_question_becomes_a_condition() -> None:
    asked = Question(kind="candles", every="5m", instrument="BTC/USDT", since="1h").selection(NOW_NS)
    assert asked.table is CANDLES_5M
    assert asked.where() == (
        "instrument = $1 and time_ns >= $2",
        ["BTC/USDT", NOW_NS - 3_600 * 10**9],
    )
    assert Question(kind="risk", every="1m").selection(NOW_NS).table is RISK_1M


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (Question(kind="trades"), "there are ticks, enriched"),
        (Question(kind="ticks", every="1m"), "ticks have no --every"),
        (Question(kind="risk", every="5m"), "risk are kept --every 1m"),
        (Question(kind="ticks", strategy="default/a"), "not told apart by strategy"),
        (Question(kind="risk", instrument="BTC/USDT"), "not told apart by instrument"),
        (Question(kind="ticks", since="1m", until="1h"), "--until 1h is not after --since 1m"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(question: Question, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        question.selection(NOW_NS)


def test_the_stacks_history_is_found_unless_the_environment_names_servers(tmp_path) -> None:
    (tmp_path / ".run").mkdir()
    (tmp_path / ".run" / "stack.env").write_text("HEDGEROW_HISTORY_DSN=postgresql://stack/history\n")
    assert read_history_dsn({}, tmp_path) == "postgresql://stack/history"
    assert read_history_dsn({"HEDGEROW_HISTORY_DSN": "given"}, tmp_path) == "given"
    with pytest.raises(SettingsError, match="HEDGEROW_HISTORY_DSN is not set"):
        read_history_dsn({"HEDGEROW_KAFKA": "elsewhere"}, tmp_path)
