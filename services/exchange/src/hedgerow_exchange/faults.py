"""Faults on purpose, so that tests can see what a client does when the venue misbehaves.

A rule names a path prefix and fires on requests to it: `count` times at most, with `probability` drawn from its
own seed, so that the same requests meet the same faults.
"""

import random
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

import msgspec


class FaultKind(StrEnum):
    """What happens to a request. Those before it is executed leave no trace of it in the exchange."""

    DELAY_BEFORE = "DelayBefore"  # waits `ms`, then checks signature and window, then executes
    SERVER_ERROR = "ServerError"  # answers HTTP `status`, executes nothing
    TOO_MANY_REQUESTS = "TooManyRequests"  # answers HTTP 429, executes nothing
    DELAY_REPLY = "DelayReply"  # executes, waits `ms`, then answers
    DROP_REPLY = "DropReply"  # executes, then closes the connection
    HIDE_ORDER = "HideOrder"  # executes; queries do not show the new order until `ms` after its creation


class FaultRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `POST /faults` takes a list of.

    Attributes:
        path: prefix of the paths it is for, e.g. `/v5/order/create`.
        ms: of a delay, or how long an order stays hidden.
        status: of a ServerError.
        count: how often it may fire; without it, no end.
        probability: of firing on a request.
    """

    path: str
    kind: FaultKind
    ms: Annotated[int, msgspec.Meta(ge=0, le=600_000)] = 0
    status: Annotated[int, msgspec.Meta(ge=500, le=599)] = 503
    count: Annotated[int, msgspec.Meta(ge=1)] | None = None
    probability: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    seed: int = 0


class FaultState(msgspec.Struct, frozen=True, kw_only=True):
    """What `GET /faults` tells of a rule."""

    rule: FaultRule
    fired: int


class _Active:
    def __init__(self, rule: FaultRule) -> None:
        self.rule = rule
        self.fired = 0
        self._random = random.Random(rule.seed)

    def fires(self, path: str) -> bool:
        rule = self.rule
        if not path.startswith(rule.path) or (rule.count is not None and self.fired >= rule.count):
            return False
        if self._random.random() >= rule.probability:
            return False
        self.fired += 1
        return True


class Fired(msgspec.Struct, frozen=True):
    """The rules that fire on one request."""

    rules: tuple[FaultRule, ...] = ()

    def ms(self, kind: FaultKind) -> int:
        """Longest `ms` among the rules of a kind, 0 when none fired."""
        return max((rule.ms for rule in self.rules if rule.kind is kind), default=0)

    def first(self, *kinds: FaultKind) -> FaultRule | None:
        return next((rule for rule in self.rules if rule.kind in kinds), None)


_NONE = Fired()


class Faults:
    """The rules in force, in the order in which they came."""

    def __init__(self) -> None:
        self._active: list[_Active] = []
        self._hidden_until_ns: dict[str, int] = {}

    def add(self, rules: Iterable[FaultRule]) -> None:
        self._active += [_Active(rule) for rule in rules]

    def clear(self) -> None:
        """Forget every rule; orders hidden so far stay hidden for their time."""
        self._active.clear()

    def states(self) -> list[FaultState]:
        return [FaultState(rule=active.rule, fired=active.fired) for active in self._active]

    def on_request(self, path: str) -> Fired:
        """The rules that fire on a request to this path."""
        if not self._active:
            return _NONE
        return Fired(tuple(active.rule for active in self._active if active.fires(path)))

    def hide(self, order_id: str, until_ns: int) -> None:
        self._hidden_until_ns[order_id] = until_ns

    def shows(self, order_id: str, now_ns: int) -> bool:
        """Whether queries may show this order."""
        return now_ns >= self._hidden_until_ns.get(order_id, now_ns)
