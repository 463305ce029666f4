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
    HoldReason.INSIDE_BAND: "InsideBand",
    HoldReason.FLAT: "Flat",
    HoldReason.BELOW_MINIMUM: "OutsideBand",
    HoldReason.POSITION_LIMIT: "OutsideBand",
}


def state_of(decision: Decision) -> str | None:
    """The state that a decision shows; None when it shows none (risk has not taken up the generation yet)."""
    if isinstance(decision, Hedge):
        return "OutsideBand"
    return _STATES.get(decision.reason)
