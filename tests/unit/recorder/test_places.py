"""Where recording goes on, and what is said when that is not where it stopped."""

import pytest

from hedgerow.history.offsets import Gap, find_places
from hedgerow.history.retention import cutoff_ns
from hedgerow.history.tables import CANDLES_1M, DAY_NS, TICKS
from hedgerow.streams.settings import SettingsError, read_settings

AT = ("market.raw", 0)
NEEDED = {
    name: "x"
    for name in (
        "HEDGEROW_KAFKA",
        "HEDGEROW_LEDGER_DSN",
        "HEDGEROW_EXCHANGE_URL",
        "HEDGEROW_KEYS_DIR",
        "HEDGEROW_RECORDINGS",
        "HEDGEROW_DATA_DIR",
    )
}


@pytest.mark.parametrize(
    ("known", "at", "gaps", "begun_anew"),
    [
        ({}, 5, [], []),
        ({AT: 7}, 7, [], []),
        ({AT: 9}, 9, [], []),
        ({AT: 3}, 5, [Gap(partition=AT, start=3, end=5)], []),
        ({AT: 10}, 5, [], [AT]),
    ],
    ids=["a new history", "goes on", "at the end", "Kafka let go of some", "another topic of the same name"],
)
def test_places(known: dict, at: int, gaps: list[Gap], begun_anew: list) -> None:
    places = find_places(known, {AT: 5}, {AT: 9})
    assert places.at == {AT: at}
    assert places.gaps == gaps
    assert places.begun_anew == begun_anew


def test_retention_keeps_at_least_the_days_it_was_told_and_whole_chunks() -> None:
    now_ns = 100 * DAY_NS + 5
    assert cutoff_ns(TICKS, 30, now_ns) == 70 * DAY_NS
    assert cutoff_ns(CANDLES_1M, 30, now_ns) == 60 * DAY_NS
    assert cutoff_ns(TICKS, 30, 100 * DAY_NS - 1) == 69 * DAY_NS


def test_history_on_the_ledgers_server_is_refused() -> None:
    with pytest.raises(SettingsError, match="a server of its own"):
        read_settings(NEEDED | {"HEDGEROW_HISTORY_DSN": "x"})


@pytest.mark.parametrize("name", ["HEDGEROW_HISTORY_DAYS", "HEDGEROW_HISTORY_ROLLUP_DAYS"])
def test_days_are_at_least_one(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}=0 should be from 1"):
        read_settings(NEEDED | {name: "0"})
