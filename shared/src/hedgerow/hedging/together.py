"""Orders of one decision that go together or not at all."""

from collections.abc import Sequence

from hedgerow.hedging.decision import Hold, HoldReason, NewIntent
from hedgerow.hedging.step import Step
from hedgerow.strategy.compiled import CompiledStrategy

# What an order cannot be sent for; a leg that waits its turn or is done keeps no other back.
_CANNOT_GO = frozenset(
    {
        HoldReason.BELOW_MINIMUM,
        HoldReason.REDUCE_ONLY,
        HoldReason.POSITION_LIMIT,
        HoldReason.SLIPPAGE_GUARD,
        HoldReason.TOO_DEAR,
        HoldReason.UNFILLED,
        HoldReason.INVALID_QUOTE,
        HoldReason.STALE_QUOTE,
        HoldReason.STALE_SCORE,
        HoldReason.UNKNOWN_ENTRY,
    }
)


def hold_together(steps: Sequence[Step], config: CompiledStrategy) -> Sequence[Step]:
    """The same steps; where legs go together and one cannot go, a hold instead of each order, with the reason."""
    stuck = [step.outcome for step in steps if _cannot_go(step)]
    if not config.execution.together or not stuck:
        return steps
    detail = "; ".join(f"{hold.reason}: {hold.detail}" for hold in stuck if isinstance(hold, Hold))
    kept = Hold(reason=HoldReason.LEGS_TOGETHER, detail=f"another leg cannot go: {detail}")
    return [
        Step(outcome=kept, standing=step.standing) if isinstance(step.outcome, NewIntent) else step
        for step in steps
    ]


def _cannot_go(step: Step) -> bool:
    return isinstance(step.outcome, Hold) and step.outcome.reason in _CANNOT_GO
