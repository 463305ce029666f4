"""Faults on purpose, so that tests can see what a client does when the venue misbehaves.

A rule names a path prefix and fires on requests to it: `count` times at most, with `probability` drawn from its
own seed, so that the same requests meet the same faults.
"""

import random
from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import msgspec

HOUR_MS = 3_600_000


class FaultKind(StrEnum):
    """What happens to a request. Those before it is executed leave no trace of it in accounts and books."""

    DROP_REQUEST = "DropRequest"  # closes the connection, executes nothing
    DELAY_BEFORE = "DelayBefore"  # waits `ms`, then checks signature and window, then executes
    SERVER_ERROR = "ServerError"  # answers HTTP `status`, executes nothing
    TOO_MANY_REQUESTS = "TooManyRequests"  # answers HTTP `status` with 10006, executes nothing
    CLOCK_SKEW = "ClockSkew"  # executes as if the exchange's clock were `ms` ahead (behind, when negative)
    PARTIAL_FILL = (
        "PartialFill"  # executes; a new order gets `fraction` of its fills, a cancelled one that much more
    )
    DELAY_REPLY = "DelayReply"  # executes, waits `ms`, then answers
    DROP_REPLY = "DropReply"  # executes, then closes the connection
    BREAK_REPLY = "BreakReply"  # executes, then closes the connection in the middle of the reply
    ERROR_REPLY = "ErrorReply"  # executes, then answers HTTP `status`
    STALL_STREAM = "StallStream"  # on the private stream: messages to it are lost, pongs included
    HIDE_ORDER = "HideOrder"  # executes; queries do not show the new order until `ms` after its creation


_SERVER_ERRORS = range(500, 600)
# Bybit counts per account (HTTP 200) and per address (403); other venues answer 429.
_STATUSES = {
    FaultKind.SERVER_ERROR: (503, _SERVER_ERRORS),
    FaultKind.ERROR_REPLY: (504, _SERVER_ERRORS),
    FaultKind.TOO_MANY_REQUESTS: (429, (200, 403, 429)),
}


class FaultRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `POST /faults` takes a list of.

    Attributes:
        path: prefix of the paths it is for, e.g. `/v5/order/create`.
        account: only requests with a key of this account; empty for everybody's.
        ms: of a delay, how long an order stays hidden, or how far the clock is off.
        status: of a ServerError or ErrorReply (5xx), or of TooManyRequests (200, 403, 429); None for its usual one.
        fraction: of a PartialFill.
        after: how many requests that it could fire on pass first.
        count: how often it may fire; without it, no end.
        probability: of firing on a request.
    """

    kind: FaultKind
    path: str = "/"
    account: str = ""
    ms: Annotated[int, msgspec.Meta(ge=-HOUR_MS, le=HOUR_MS)] = 0
    status: int | None = None
    fraction: Decimal = Decimal("0.5")
    after: Annotated[int, msgspec.Meta(ge=0)] = 0
    count: Annotated[int, msgspec.Meta(ge=1)] | None = None
    probability: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.ms < 0 and self.kind is not FaultKind.CLOCK_SKEW:
            raise ValueError(f"ms={self.ms} of {self.kind.value} should not be negative")
        if not 0 < self.fraction <= 1:
            raise ValueError(f"fraction={self.fraction} should be above 0 and at most 1")
        if self.status is None:
            return
        if self.kind not in _STATUSES:
            raise ValueError(f"{self.kind.value} has no status")
        if self.status not in _STATUSES[self.kind][1]:
            raise ValueError(f"status={self.status} is none that {self.kind.value} answers")

    @property
    def http_status(self) -> int:
        """What it answers, for the kinds that answer."""
        return self.status if self.status is not None else _STATUSES[self.kind][0]


class FaultState(msgspec.Struct, frozen=True, kw_only=True):
    """What `GET /faults` tells of a rule."""

    rule: FaultRule
    fired: int


class _Active:
    def __init__(self, rule: FaultRule) -> None:
        self.rule = rule
        self.fired = 0
        self._passed = 0
        self._random = random.Random(rule.seed)

    def fires(self, path: str, account: str) -> bool:
        rule = self.rule
        if not path.startswith(rule.path) or rule.account not in ("", account):
            return False
        if rule.count is not None and self.fired >= rule.count:
            return False
        if self._passed < rule.after:
            self._passed += 1
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

    def skew_ms(self) -> int:
        """How far the exchange's clock is ahead, all rules together."""
        return sum(rule.ms for rule in self.rules if rule.kind is FaultKind.CLOCK_SKEW)

    def fraction(self) -> Decimal | None:
        """Of a partial fill; the smallest, None when none fired."""
        fractions = [rule.fraction for rule in self.rules if rule.kind is FaultKind.PARTIAL_FILL]
        return min(fractions, default=None)

    def first(self, *kinds: FaultKind) -> FaultRule | None:
        return next((rule for rule in self.rules if rule.kind in kinds), None)


NOTHING_FIRED = Fired()


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

    def on_request(self, path: str, account: str, asked_for: Iterable[FaultRule] = ()) -> Fired:
        """The rules that fire on a request to this path, and those of `asked_for`, which came with it."""
        active = [*self._active, *(_Active(rule) for rule in asked_for)]
        found = [item for item in active if item.rule.kind is not FaultKind.STALL_STREAM]
        if not found:
            return NOTHING_FIRED
        return Fired(tuple(item.rule for item in found if item.fires(path, account)))

    def on_message(self, path: str, account: str) -> bool:
        """Whether a rule loses a message of the stream at this path."""
        stalls = [item for item in self._active if item.rule.kind is FaultKind.STALL_STREAM]
        return any([item.fires(path, account) for item in stalls])

    def hide(self, order_id: str, until_ns: int) -> None:
        self._hidden_until_ns[order_id] = until_ns

    def shows(self, order_id: str, now_ns: int) -> bool:
        """Whether queries may show this order."""
        return now_ns >= self._hidden_until_ns.get(order_id, now_ns)
