"""The trading day that daily limits count in: a calendar day of UTC."""

from datetime import UTC, date, datetime


def utc_day(time_ns: int) -> date:
    """The day that a moment falls on."""
    return datetime.fromtimestamp(time_ns // 1_000_000_000, UTC).date()
