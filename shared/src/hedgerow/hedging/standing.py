"""Where a strategy stands, in one word that changes on a transition and not with every tick."""

from hedgerow.hedging.decision import Decision, Hedge, HoldReason
from hedgerow.hedging.snapshot import PolicyState

_STATES = {
    HoldReason.SUSPENDED: "Suspended",
    HoldReason.HALTED: "Halted",
    HoldReason.NOT_READY: "Stale",
    HoldReason.REDUCE_ONLY: "Stale",
    HoldReason.STALE_RISK: "Stale",
    HoldReason.INVALID_QUOTE: "Stale",
    HoldReason.STALE_QUOTE: "Stale",
    HoldReason.STALE_SCORE: "Stale",
    HoldReason.UNKNOWN_ENTRY: "Stale",
    HoldReason.OPEN_INTENT: "OutsideBand",
    HoldReason.COOLDOWN: "OutsideBand",
    HoldReason.RESTING: "OutsideBand",
    HoldReason.CANCELLING: "OutsideBand",
    HoldReason.WAITING_FOR_SLICE: "OutsideBand",
    HoldReason.SLIPPAGE_GUARD: "OutsideBand",
    HoldReason.TOO_DEAR: "OutsideBand",
    HoldReason.LEGS_TOGETHER: "OutsideBand",
    HoldReason.UNFILLED: "Unfilled",
    HoldReason.INSIDE_BAND: "InsideBand",
    HoldReason.FLAT: "Flat",
    HoldReason.BELOW_MINIMUM: "OutsideBand",
    HoldReason.POSITION_LIMIT: "OutsideBand",
}


def state_of(decision: Decision, before: PolicyState) -> str | None:
    """The state that a decision shows: where an LTV ladder stands, of an inventory policy the furthest action.

    None when it shows none: risk has not taken up the generation yet, or an order is only taken back.

    Args:
        before: what was remembered when it was decided.
    """
    if isinstance(decision, Hedge):
        return _step(decision.policy_state) or ("OutsideBand" if decision.intents else None)
    state = _STATES.get(decision.reason)
    return _step(before) or state if state in ("InsideBand", "OutsideBand") else state


def _step(state: PolicyState) -> str | None:
    """Of a policy that goes by steps."""
    if state.ladder is not None:
        return state.ladder.state.value
    actions = (item.action for item in state.standings)
    return max(actions, key=lambda action: action.rank, default=None)
