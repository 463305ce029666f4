"""Times as text: RFC 3339, to the nanosecond."""

import re
from datetime import UTC, datetime

_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND_NS = 1_000_000_000


def parse_time(text: str) -> int:
    """UTC ns of a time that says its offset.

    Raises:
        ValueError: it is no such time, or before 1970; the message says which.
    """
    parts = _TIME.fullmatch(text)
    if parts is None:
        raise ValueError("should be an RFC 3339 time with its offset, e.g. 2026-03-01T12:00:00.250Z")
    whole, fraction, offset = parts.groups()
    try:
        since = datetime.fromisoformat(f"{whole}{offset}".upper()) - _EPOCH
    except (ValueError, OverflowError):
        raise ValueError("is no time of the calendar") from None
    if since.days < 0:
        raise ValueError("is before 1970")
    return (since.days * 86_400 + since.seconds) * SECOND_NS + int((fraction or "0").ljust(9, "0"))


def show_time(time_ns: int) -> str:
    """RFC 3339 in UTC, to the nanosecond."""
    seconds, rest = divmod(time_ns, SECOND_NS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
