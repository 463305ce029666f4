"""Where a strategy stands, in one word that changes on a transition and not with every tick."""

from hedgerow.hedging.decision import Decision, Hedge, HoldReason

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


def state_of(decision: Decision) -> str | None:
    """The state that a decision shows.

    None when it shows none: risk has not taken up the generation yet, or an order is only taken back.
    """
    if isinstance(decision, Hedge):
        return "OutsideBand" if decision.intents else None
    return _STATES.get(decision.reason)
