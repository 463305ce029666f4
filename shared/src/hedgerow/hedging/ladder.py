"""The LTV ladder: up at once by >=, down one state at a time, by hysteresis and after a shortest stay. Pure.

What survives a restart is `LadderStanding`, which is in the policy state that every decision commits.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

import msgspec

from hedgerow.strategy.compiled import LoanToValue, LtvStep, LtvTarget


class LtvState(StrEnum):
    NORMAL = "Normal"
    CAUTION = "Caution"
    DANGER = "Danger"
    CRITICAL = "Critical"

    @property
    def rank(self) -> int:
        return _ORDER.index(self)

    @property
    def urgency(self) -> str:
        return _URGENCIES[self.rank]

    @property
    def is_urgent(self) -> bool:
        """Whether a hedge is crossed at once, whatever style the strategy declares."""
        return self.rank >= LtvState.DANGER.rank


_ORDER = tuple(LtvState)
_URGENCIES = ("Low", "Medium", "High", "Immediate")


class LadderStanding(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a ladder, and since when."""

    state: LtvState
    since_ns: int


def target_of(ladder: LoanToValue, state: LtvState) -> LtvTarget:
    """What a state asks for."""
    step = _step(ladder, state)
    return ladder.normal if step is None else step.target


def entered(ladder: LoanToValue, ltv: Decimal) -> LtvState:
    """The state that an LTV by itself stands for: the highest whose step it has reached."""
    reached = [state for state in _ORDER if (step := _step(ladder, state)) is None or ltv >= step.ltv]
    return reached[-1]


def stand(ladder: LoanToValue, ltv: Decimal, before: LadderStanding | None, now_ns: int) -> LadderStanding:
    """Where the ladder stands now.

    Args:
        before: None when it never stood anywhere.
    """
    reached = entered(ladder, ltv)
    if before is None or reached.rank > before.state.rank:
        return LadderStanding(state=reached, since_ns=now_ns)
    leaves_ns = leaves_at(ladder, ltv, before)
    if leaves_ns is None or now_ns < leaves_ns:
        return before
    return LadderStanding(state=_ORDER[before.state.rank - 1], since_ns=now_ns)


def leaves_at(ladder: LoanToValue, ltv: Decimal, standing: LadderStanding) -> int | None:
    """When the ladder steps down should the LTV stay as it is; None while the LTV is not low enough."""
    step = _step(ladder, standing.state)
    if step is None or ltv >= step.ltv - ladder.hysteresis:
        return None
    return standing.since_ns + ladder.min_dwell_ns


def _step(ladder: LoanToValue, state: LtvState) -> LtvStep | None:
    """None for the state below every step."""
    match state:
        case LtvState.CAUTION:
            return ladder.caution
        case LtvState.DANGER:
            return ladder.danger
        case LtvState.CRITICAL:
            return ladder.critical
        case _:
            return None


_FULL = Decimal(100)
_CENT = Decimal("0.01")


def risk_score(ltv: Decimal, delta: Decimal, funding_points: int = 0) -> Decimal:
    """From 0 to 100, two decimals: 0.7 x min(100 x LTV, 100) + 0.3 x min(10 x |delta|, 100), and points for funding.

    Args:
        delta: net delta, in units of the underlying.
    """
    by_ltv = Decimal("0.7") * min(_FULL * ltv, _FULL)
    by_delta = Decimal("0.3") * min(10 * abs(delta), _FULL)
    return min((by_ltv + by_delta + funding_points), _FULL).quantize(_CENT, ROUND_HALF_EVEN)
