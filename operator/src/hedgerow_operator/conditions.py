"""Conditions of a resource, as Kubernetes writes them. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec

MAX_MESSAGE = 1024


class Status(StrEnum):
    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a reconciliation found of one condition. The reason is one word, the message says what to do."""

    type: str
    status: Status
    reason: str
    message: str


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """A condition whose status or reason is another than before; `before` is None for a new one."""

    before: Finding | None
    after: Finding


def fold(
    previous: Sequence[Mapping[str, Any]], findings: Iterable[Finding], generation: int, now_ns: int
) -> list[dict[str, Any]]:
    """The conditions to write: `lastTransitionTime` moves only when a status changes, and no generation goes back."""
    known = {str(condition.get("type")): condition for condition in previous}
    return [_condition(known.get(finding.type, {}), finding, generation, now_ns) for finding in findings]


def transitions(previous: Sequence[Mapping[str, Any]], findings: Iterable[Finding]) -> list[Transition]:
    """What is news about the findings."""
    known = {str(condition.get("type")): condition for condition in previous}
    news = []
    for finding in findings:
        before = _finding(known[finding.type]) if finding.type in known else None
        if before is None or (before.status, before.reason) != (finding.status, finding.reason):
            news.append(Transition(before=before, after=finding))
    return news


def find(conditions: Sequence[Mapping[str, Any]], kind: str) -> Finding | None:
    """The condition of this type."""
    return next((_finding(item) for item in conditions if item.get("type") == kind), None)


def differs(previous: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a status has to be written: any field of ours is other than wanted. What others put there is theirs."""
    known = {str(condition.get("type")): condition for condition in previous.get("conditions") or ()}
    conditions = wanted.get("conditions", [])
    if any(dict(known.get(str(item["type"]), {})) != item for item in conditions):
        return True
    return any(previous.get(name) != value for name, value in wanted.items() if name != "conditions")


def timestamp(now_ns: int) -> str:
    """RFC 3339 in UTC, to the second, as Kubernetes writes times."""
    return datetime.fromtimestamp(now_ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _condition(previous: Mapping[str, Any], finding: Finding, generation: int, now_ns: int) -> dict[str, Any]:
    stands = previous.get("status") == finding.status.value and previous.get("lastTransitionTime")
    return {
        "type": finding.type,
        "status": finding.status.value,
        "reason": finding.reason,
        "message": _short(finding.message),
        "lastTransitionTime": previous["lastTransitionTime"] if stands else timestamp(now_ns),
        "observedGeneration": generation,
    }


def _finding(condition: Mapping[str, Any]) -> Finding:
    status = str(condition.get("status"))
    return Finding(
        type=str(condition.get("type")),
        status=Status(status) if status in set(Status) else Status.UNKNOWN,
        reason=str(condition.get("reason", "")),
        message=str(condition.get("message", "")),
    )


def _short(message: str) -> str:
    return message if len(message) <= MAX_MESSAGE else message[: MAX_MESSAGE - 1] + "…"
