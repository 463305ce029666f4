"""What ccxt tells of a perpetual's funding, as one state."""

from collections.abc import Mapping, Sequence
from typing import Any

from hedgerow.schemas.records import Funding

MS_NS = 1_000_000
DAY_NS = 86_400_000_000_000
_HOUR_NS = 3_600_000_000_000


def funding_of(now: Mapping[str, Any], history: Sequence[Mapping[str, Any]], asked_ns: int) -> Funding:
    """
    Args:
        now: ccxt's funding rate structure; history: its funding rate history, in any order.
        asked_ns: when the venue was asked.

    Raises:
        ValueError: the rate is missing or no number, or nothing says how long its interval is.
    """
    settled = sorted((int(item["timestamp"]) * MS_NS, float(item["fundingRate"])) for item in history)
    times = [time_ns for time_ns, _ in settled]
    return Funding(
        rate=float(now["fundingRate"]),
        interval_ns=_interval_ns(now.get("interval"), times),
        settled=tuple(rate for time_ns, rate in settled if asked_ns - DAY_NS < time_ns <= asked_ns),
        time_ns=asked_ns,
    )


def _interval_ns(told: object, settled_ns: Sequence[int]) -> int:
    """As the venue says it (`8h`), else between the last two rates that were settled, to the hour."""
    if isinstance(told, str) and told.endswith("h"):
        return int(told.removesuffix("h")) * _HOUR_NS
    if len(settled_ns) < 2:
        raise ValueError(f"the venue tells no interval of its funding, and {len(settled_ns)} settled rates")
    hours = round((settled_ns[-1] - settled_ns[-2]) / _HOUR_NS)
    if hours < 1:
        raise ValueError("the last two settled rates are less than an hour apart")
    return hours * _HOUR_NS
