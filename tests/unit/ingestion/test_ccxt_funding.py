"""ccxt's funding rate and its history, as one state."""

from typing import Any

import pytest

from hedgerow.adapters.ccxt_funding import funding_of

HOUR_MS, HOUR_NS = 3_600_000, 3_600_000_000_000
NOW_MS = 1_700_000_000_000


def told(*rates: float, hours: int = 8) -> list[dict[str, Any]]:
    """Newest first, as some venues tell it."""
    return [
        {"timestamp": NOW_MS - 1_000 - place * hours * HOUR_MS, "fundingRate": rate}
        for place, rate in enumerate(rates)
    ]


@pytest.mark.parametrize("hours", [1, 4, 8])
def test_the_interval_is_the_venues_word_or_between_the_last_two(hours: int) -> None:
    history = told(0.3, 0.2, 0.1, hours=hours)
    said = funding_of({"fundingRate": 0.4, "interval": f"{hours}h"}, [], NOW_MS * 1_000_000)
    seen = funding_of({"fundingRate": 0.4, "interval": None}, history, NOW_MS * 1_000_000)
    assert said.interval_ns == seen.interval_ns == hours * HOUR_NS
    assert seen.settled == (0.1, 0.2, 0.3)


def test_only_the_last_day_counts() -> None:
    found = funding_of({"fundingRate": 0.4}, told(0.5, 0.4, 0.3, 0.2, 0.1), NOW_MS * 1_000_000)
    assert found.settled == (0.3, 0.4, 0.5)


@pytest.mark.parametrize(
    ("now", "history"),
    [
        ({"fundingRate": 0.1}, told(0.1)),
        ({"fundingRate": float("nan")}, told(0.1, 0.2)),
        ({"fundingRate": "none"}, told(0.1, 0.2)),
        ({"fundingRate": 0.1}, told(0.1, 0.2, hours=0)),
    ],
)
def test_what_is_no_funding_is_refused(now: dict[str, Any], history: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match=r"funding|interval|apart|could not convert"):
        funding_of(now, history, NOW_MS * 1_000_000)
