"""Moments as they are written on the command line."""

import re
from datetime import UTC, datetime, timedelta

from hedgerow.cli.exits import UsageError

_AGO = re.compile(r"(\d+)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_moment(text: str, now_ns: int) -> int:
    """UTC ns of `90s`, `15m`, `2h` or `3d` ago, or of a time in ISO 8601, which is UTC unless it says otherwise.

    Raises:
        UsageError: it is neither.
    """
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return now_ns - int(ago[1]) * _SECONDS[ago[2]] * 1_000_000_000
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is no moment; write how long ago (90s, 15m, 2h, 3d) or when (2026-01-31T09:30:00)"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1_000


def show_moment(time_ns: int) -> str:
    """ISO 8601 in UTC, to the millisecond."""
    moment = _EPOCH + timedelta(microseconds=time_ns // 1_000)
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1_000:03}"
