"""Where a strategy stands, in one word that changes on a transition and not with every tick."""

from hedgerow.hedging.decision import Decision, Hedge, HoldReason
from hedgerow.hedging.snapshot import LedgerSnapshot

_STATES = {
    HoldReason.SUSPENDED: "Suspended",
    HoldReason.HALTED: "Halted",
    HoldReason.NOT_READY: "Stale",
    HoldReason.STALE_RISK: "Stale",
    HoldReason.INVALID_QUOTE: "Stale",
    HoldReason.STALE_QUOTE: "Stale",
    HoldReason.STALE_SCORE: "Stale",
    HoldReason.OPEN_INTENT: "OutsideBand",
    HoldReason.COOLDOWN: "OutsideBand",
    HoldReason.RESTING: "OutsideBand",
    HoldReason.CANCELLING: "OutsideBand",
    HoldReason.WAITING_FOR_SLICE: "OutsideBand",
    HoldReason.SLIPPAGE_GUARD: "OutsideBand",
    HoldReason.LEGS_TOGETHER: "OutsideBand",
    HoldReason.UNFILLED: "Unfilled",
    HoldReason.INSIDE_BAND: "InsideBand",
    HoldReason.FLAT: "Flat",
    HoldReason.BELOW_MINIMUM: "OutsideBand",
    HoldReason.POSITION_LIMIT: "OutsideBand",
}


def state_of(decision: Decision, ledger: LedgerSnapshot) -> str | None:
    """The state that a decision on this reading of the ledger shows: with an LTV ladder, where that stands.

    None when it shows none: risk has not taken up the generation yet, or an order is only taken back.
    """
    if isinstance(decision, Hedge):
        state = decision.policy_state
        shown = "OutsideBand" if decision.intents else None
    else:
        state, shown = ledger.policy_state, _STATES.get(decision.reason)
    on_ladder = ledger.config.loan_to_value is not None and not ledger.config.flatten
    if on_ladder and state.ladder is not None and shown in ("OutsideBand", "InsideBand"):
        return state.ladder.state.value
    return shown
