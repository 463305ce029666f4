"""Sentiment scores as their sources leave them in the Redis Cluster: `sentiment:latest:{asset}`, e.g.
`sentiment:latest:BTC`, holds `{"score": 0.62, "ts_ms": 1723161254206}`, written anew at least as often as strategies
let a score grow old."""

import json
from collections.abc import Collection
from typing import Any

import msgspec

from hedgerow.adapters.redis_masters import Masters
from hedgerow.domain.age import CLOCK_SLACK_NS
from hedgerow.schemas.records import Score

_MS = 1_000_000
_SHOWN = 60


class ScoreRefused(ValueError):
    """What is there is no score. `field` and `rule` are words for programs, the text is for people."""

    def __init__(self, field: str, rule: str, value: object, right: str) -> None:
        shown = repr(value) if len(repr(value)) <= _SHOWN else repr(value)[:_SHOWN] + "..."
        super().__init__(f"{field} is {shown}; {right}")
        self.field = field
        self.rule = rule


class ScoresRead(msgspec.Struct, frozen=True, kw_only=True):
    """The values that are there, by asset; `problem` says why some may be missing, empty when every master answered."""

    values: dict[str, bytes]
    problem: str


def key_of(asset: str) -> str:
    """Where an asset's score is."""
    return f"sentiment:latest:{asset}"


def read_score(asset: str, value: bytes, now_ns: int) -> Score:
    """The score in a value.

    Raises:
        ScoreRefused: it is no object with a score from 0 to 1 and a time that is not in the future.
    """
    try:
        # Not msgspec: its JSON has no NaN, and a NaN should be refused by its name.
        found: Any = json.loads(value)
    except (ValueError, RecursionError) as error:
        right = 'write {"score": number, "ts_ms": milliseconds}'
        raise ScoreRefused("value", "NotJson", value, f"{right} ({error})") from None
    if not isinstance(found, dict):
        raise ScoreRefused("value", "NotAnObject", found, 'write {"score": number, "ts_ms": milliseconds}')
    score, ts_ms = found.get("score"), found.get("ts_ms")
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise ScoreRefused("score", "OutOfRange", score, "a score is a number from 0 to 1")
    if isinstance(ts_ms, bool) or not isinstance(ts_ms, int) or ts_ms < 0:
        raise ScoreRefused("ts_ms", "NotATime", ts_ms, "a time is a whole number of ms since 1970, in UTC")
    if ts_ms * _MS > now_ns + CLOCK_SLACK_NS:
        ahead_s = (ts_ms * _MS - now_ns) / 1e9
        right = f"that is {ahead_s:.3f} s in the future, limit {CLOCK_SLACK_NS / 1e9:g} s: a clock is wrong"
        raise ScoreRefused("ts_ms", "FromTheFuture", ts_ms, right)
    return Score(asset=asset, sequence=ts_ms * _MS, time_ns=ts_ms * _MS, score=float(score))


class ScoreCache:
    """Reads what is there. An answer comes within about half a second, whatever is away."""

    def __init__(self, masters: Masters) -> None:
        self._masters = masters

    async def read(self, assets: Collection[str]) -> ScoresRead:
        """The newest value of each of these assets that has one."""
        asset_of = {key_of(asset): asset for asset in assets}
        values, problems = await self._masters.get(asset_of)
        return ScoresRead(
            values={asset_of[key]: value for key, value in values.items()}, problem="; ".join(problems)
        )

    async def close(self) -> None:
        await self._masters.close()
