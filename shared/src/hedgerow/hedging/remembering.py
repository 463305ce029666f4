"""What a decision leaves for the next one."""

from collections.abc import Sequence

from hedgerow.hedging.decision import Hold, HoldReason, NewIntent
from hedgerow.hedging.inventory import Standing
from hedgerow.hedging.ladder import LadderStanding
from hedgerow.hedging.snapshot import LedgerSnapshot, LegDecided, PolicyState, Pursuit
from hedgerow.hedging.step import Step


def remembered(steps: Sequence[Step], ledger: LedgerSnapshot, ladder: LadderStanding | None) -> PolicyState:
    """The policy state after these steps; the same as before when there is nothing new to remember.

    Args:
        steps: of the bands in their order, or of the legs while a hedge is taken off.
        ladder: where it stands now.
    """
    before = ledger.policy_state
    intents = [step.outcome for step in steps if isinstance(step.outcome, NewIntent)]
    return PolicyState(
        last_decided_ns=ledger.read_ns if intents else before.last_decided_ns,
        legs=_legs(intents, ledger) if intents else before.legs,
        pursuits=() if ladder is not None and ladder.state.is_urgent else _pursuits(steps, ledger),
        standings=_standings(steps, ledger),
        ladder=ladder,
    )


def _legs(intents: Sequence[NewIntent], ledger: LedgerSnapshot) -> tuple[LegDecided, ...]:
    """Empty for one leg: then `last_decided_ns` says it."""
    if len(ledger.config.hedge_with) == 1:
        return ()
    decided = {item.leg: item.time_ns for item in ledger.policy_state.legs}
    decided |= {intent.leg: ledger.read_ns for intent in intents}
    return tuple(LegDecided(leg=leg, time_ns=time_ns) for leg, time_ns in sorted(decided.items()))


def _pursuits(steps: Sequence[Step], ledger: LedgerSnapshot) -> tuple[Pursuit, ...]:
    """Those that go on: one ends when its exposure is inside the band, and when the style has none."""
    if ledger.config.flatten or not _has_pursuits(ledger):
        return ()
    kept = {
        rule.underlying: step.pursuit or _unless_done(step, ledger.policy_state.pursuit(rule.underlying))
        for rule, step in zip(ledger.config.rules, steps, strict=True)
    }
    return tuple(pursuit for _, pursuit in sorted(kept.items()) if pursuit is not None)


def _standings(steps: Sequence[Step], ledger: LedgerSnapshot) -> tuple[Standing, ...]:
    """Those of the policy that there is now; what could not be scored stands as it did."""
    if ledger.config.flatten or not ledger.config.inventory_risks:
        return ()
    kept = {
        rule.underlying: step.standing or ledger.policy_state.standing(rule.underlying)
        for rule, step in zip(ledger.config.rules, steps, strict=True)
    }
    return tuple(standing for _, standing in sorted(kept.items()) if standing is not None)


def _unless_done(step: Step, pursuit: Pursuit | None) -> Pursuit | None:
    done = isinstance(step.outcome, Hold) and step.outcome.reason is HoldReason.INSIDE_BAND
    return None if done else pursuit


def _has_pursuits(ledger: LedgerSnapshot) -> bool:
    execution = ledger.config.execution
    return execution.twap is not None or execution.escalation is not None
