"""How many calls a venue account may still make: cancels always, orders before questions.

Pure: the caller's clock comes in. Times in UTC nanoseconds.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

SECOND_NS = 1_000_000_000
MS_NS = 1_000_000
# How long to wait after "too many requests" when the venue does not say.
DEFAULT_PAUSE_NS = SECOND_NS
LONGEST_PAUSE_NS = 60 * SECOND_NS


class CallKind(StrEnum):
    ORDER = "Order"
    CANCEL = "Cancel"
    QUERY = "Query"


class BudgetRules(msgspec.Struct, frozen=True, kw_only=True):
    """A venue's allowance, in weight. `reserve` of the `burst` is out of the reach of questions."""

    per_second: float
    burst: float
    reserve: float
    weights: Mapping[CallKind, float]


_ONE_EACH = {kind: 1.0 for kind in CallKind}
# Of each venue's lowest tier. Bybit: 600 requests in 5 s per address. Binance: 2,400 weight a minute. OKX: 60 in 2 s
# for orders. Deribit: credits for 20 requests a second, 100 at once.
# The built-in exchange has no limits of its own; what it can answer is more.
BUILTIN = "builtin"
BUDGETS: Mapping[str, BudgetRules] = {
    BUILTIN: BudgetRules(per_second=2_000, burst=2_000, reserve=500, weights=_ONE_EACH),
    "bybit": BudgetRules(per_second=120, burst=120, reserve=40, weights=_ONE_EACH),
    "binance": BudgetRules(per_second=40, burst=400, reserve=100, weights={**_ONE_EACH, CallKind.QUERY: 5.0}),
    "okx": BudgetRules(per_second=30, burst=60, reserve=20, weights=_ONE_EACH),
    "deribit": BudgetRules(per_second=20, burst=100, reserve=30, weights=_ONE_EACH),
}


class CallBudget(msgspec.Struct, frozen=True, kw_only=True):
    """What is left.

    Attributes:
        tokens: weight left at `counted_ns`; it grows by `per_second`. Cancels may take it below zero.
        closed_until_ns: per kind of call, until when the venue has said that it takes no more.
    """

    rules: BudgetRules
    tokens: float
    counted_ns: int
    closed_until_ns: Mapping[CallKind, int] = {}


def full_budget(rules: BudgetRules, now_ns: int) -> CallBudget:
    return CallBudget(rules=rules, tokens=rules.burst, counted_ns=now_ns)


def wait_ns(budget: CallBudget, kind: CallKind, now_ns: int) -> int:
    """How long a call has to wait; 0 when it may be made now. A cancel never waits."""
    if kind is CallKind.CANCEL:
        return 0
    floor = budget.rules.reserve if kind is CallKind.QUERY else 0.0
    missing = budget.rules.weights[kind] + floor - _tokens(budget, now_ns)
    refill_ns = int(missing / budget.rules.per_second * SECOND_NS) + 1 if missing > 0 else 0
    return max(refill_ns, budget.closed_until_ns.get(kind, 0) - now_ns, 0)


def spent(budget: CallBudget, kind: CallKind, now_ns: int) -> CallBudget:
    """The budget after a call was made."""
    tokens = _tokens(budget, now_ns) - budget.rules.weights[kind]
    return msgspec.structs.replace(budget, tokens=tokens, counted_ns=max(now_ns, budget.counted_ns))


def told(
    budget: CallBudget,
    kind: CallKind,
    too_many: bool,
    headers: Mapping[str, str],
    venue_ahead_ms: int,
    now_ns: int,
) -> CallBudget:
    """The budget after an answer: closed when the venue says that this kind of call has none left.

    Args:
        too_many: the answer refused the call for coming too often.
        headers: of the answer, by lower-case name.
        venue_ahead_ms: how far the venue's clock is ahead of ours; its reset time is on its own clock.
    """
    left = headers.get("x-bapi-limit-status")
    if not too_many and left != "0":
        return budget
    pause_ns = DEFAULT_PAUSE_NS
    reset, retry_after = headers.get("x-bapi-limit-reset-timestamp", ""), headers.get("retry-after", "")
    if reset.isdigit():
        pause_ns = (int(reset) - venue_ahead_ms) * MS_NS - now_ns
    elif retry_after.isdigit():
        pause_ns = int(retry_after) * SECOND_NS
    until_ns = now_ns + min(max(pause_ns, 0), LONGEST_PAUSE_NS)
    closed = {**budget.closed_until_ns, kind: max(until_ns, budget.closed_until_ns.get(kind, 0))}
    return msgspec.structs.replace(budget, closed_until_ns=closed)


def _tokens(budget: CallBudget, now_ns: int) -> float:
    grown = max(now_ns - budget.counted_ns, 0) / SECOND_NS * budget.rules.per_second
    return min(budget.tokens + grown, budget.rules.burst)
