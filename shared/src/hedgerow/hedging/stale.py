"""What a stale exposure still lets hedging do with `onStale: ReduceOnly`: bring its hedge nearer to zero. Pure.

What it would do were the last known exposure the present one, less whatever adds to the position of a leg or to the
hedge of an underlying, or takes either through zero. A stale quote prices nothing and a stale score sizes nothing, so
with those it holds, as with anything that is missing or invalid. A policy that goes by steps stays on its step.
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from hedgerow.domain.money import ZERO, floor_to_step
from hedgerow.domain.orders import Side
from hedgerow.hedging.decision import CancelReason, Hold, HoldReason, NewIntent
from hedgerow.hedging.exposure import hedge_of
from hedgerow.hedging.ladder import LadderStanding
from hedgerow.hedging.legs import held_in, legs_of, open_on
from hedgerow.hedging.resting import withdraw
from hedgerow.hedging.snapshot import LedgerSnapshot, OpenIntent
from hedgerow.hedging.step import Step
from hedgerow.schemas.problem_codes import STALE
from hedgerow.schemas.risk_state import RiskState
from hedgerow.strategy.compiled import CompiledStrategy, Leg, OnStale, Rule

# What tells the exposure, by how its problems are named.
_SOURCES = ("book:", "account:")


def problem_words(risk: RiskState) -> str:
    """Every problem of a risk state that is not ready."""
    return "; ".join(f"{item.input}: {item.code} ({item.detail})" for item in risk.problems)


def may_reduce(risk: RiskState, config: CompiledStrategy) -> bool:
    """Whether all that is wrong with a risk state is the age of its exposure, and the strategy may reduce then."""
    return (
        config.freshness.on_stale is OnStale.REDUCE_ONLY
        and bool(risk.problems)
        and all(item.code == STALE and item.input.startswith(_SOURCES) for item in risk.problems)
    )


def reduce_only(
    steps: Sequence[Step], risk: RiskState, ladder: LadderStanding | None, ledger: LedgerSnapshot
) -> list[Step]:
    """The same steps where they reduce, cut to what is left to reduce; a hold instead of each other one.

    Args:
        steps: of the rules in their order; ladder: where it would stand.
    """
    moves = ladder != ledger.policy_state.ladder
    return [
        _reduced(rule, step, problem_words(risk), moves, ledger)
        for rule, step in zip(ledger.config.rules, steps, strict=True)
    ]


def _reduced(rule: Rule, step: Step, why: str, moves: bool, ledger: LedgerSnapshot) -> Step:
    legs = legs_of(rule.underlying, ledger.config)
    adding = tuple(item for item in open_on(legs, ledger) if not _only_reduces(item, legs, ledger))
    cancels = withdraw(adding, CancelReason.CANNOT_WATCH, why)
    if cancels or isinstance(step.outcome, tuple):
        return Step(outcome=cancels or step.outcome)
    if isinstance(step.outcome, Hold):
        return Step(outcome=_waiting(step.outcome, why))
    if moves or step.standing != ledger.policy_state.standing(rule.underlying):
        detail = f"the policy would go to another step, and a stale exposure moves none: {why}"
        return Step(outcome=Hold(reason=HoldReason.REDUCE_ONLY, detail=detail))
    return _cut(step, step.outcome, why, ledger)


def _waiting(hold: Hold, why: str) -> Hold:
    """Whatever it waits for besides, its exposure is stale, and that is what a person should see first."""
    return Hold(
        reason=HoldReason.NOT_READY, detail=f"{why}; {hold.reason}: {hold.detail}", wake_ns=hold.wake_ns
    )


def _cut(step: Step, order: NewIntent, why: str, ledger: LedgerSnapshot) -> Step:
    leg = next(item for item in ledger.config.hedge_with if item.index == order.leg)
    room = _room(leg, order.side, ledger)
    quantity = min(order.quantity, room)
    smallest = leg.instrument.smallest_quantity(order.limit_price)
    if quantity < smallest:
        detail = (
            f"{order.side} {order.quantity:f} {order.instrument} is wanted by the last known exposure; of the position "
            f"of {held_in(leg, ledger).quantity:f} it may take off {room:f}, in orders of at least {smallest:f}: {why}"
        )
        return Step(outcome=Hold(reason=HoldReason.REDUCE_ONLY, detail=detail))
    left_out = leg.instrument.delta(order.quantity - quantity)
    pursuit = step.pursuit and msgspec.structs.replace(
        step.pursuit, aim=step.pursuit.aim - order.side.sign * left_out
    )
    return Step(outcome=msgspec.structs.replace(order, quantity=quantity), pursuit=pursuit)


def _only_reduces(order: OpenIntent, legs: tuple[Leg, ...], ledger: LedgerSnapshot) -> bool:
    leg = next(item for item in legs if item.index == order.leg)
    return order.remaining <= _room(leg, order.side, ledger)


def _room(leg: Leg, side: Side, ledger: LedgerSnapshot) -> Decimal:
    """Contracts that an order may have so that, filled in any part, neither its leg nor the hedge grows or turns."""
    instrument = leg.instrument
    held, hedge = instrument.delta(held_in(leg, ledger).quantity), hedge_of(instrument.underlying, ledger)
    room = min(-held * side.sign, -hedge * side.sign)
    if room <= 0:
        return ZERO
    return floor_to_step(room, instrument.delta(instrument.lot_size)) / instrument.contract_size
