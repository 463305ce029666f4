"""The decision: a pure function of risk state, ledger snapshot and generation."""

from collections.abc import Sequence

import msgspec

from hedgerow.domain.age import age_problem
from hedgerow.hedging.band import clip, side_of
from hedgerow.hedging.ceilings import within_ceilings
from hedgerow.hedging.cost import why_too_dear
from hedgerow.hedging.decision import Cancel, CancelReason, Decision, Hedge, Hold, HoldReason, NewIntent
from hedgerow.hedging.escalation import escalate
from hedgerow.hedging.exposure import NetExposure, net_exposure, why_input_unusable
from hedgerow.hedging.flattening import flattening_intent
from hedgerow.hedging.inventory import reevaluated_ns
from hedgerow.hedging.legs import LegView, held_in, legs_of, open_on, view_leg, why_busy
from hedgerow.hedging.loan_watch import ladder_leaves_ns, ladder_standing
from hedgerow.hedging.remembering import remembered
from hedgerow.hedging.resting import resting_among, tend, withdraw
from hedgerow.hedging.snapshot import LedgerSnapshot, Pursuit
from hedgerow.hedging.stale import may_reduce, problem_words, reduce_only
from hedgerow.hedging.step import Step
from hedgerow.hedging.together import hold_together
from hedgerow.hedging.twap import slice_step
from hedgerow.schemas.risk_state import RiskState
from hedgerow.strategy.compiled import InventoryRisk, Leg, Rule


def decide(risk: RiskState, ledger: LedgerSnapshot) -> Decision:
    """Hold, or for each underlying that is outside what its rule lets it be an order, or an order to be taken back.

    The generation is the ledger's; a risk state of another one is not acted on. The clock is `ledger.read_ns`.
    """
    ledger = within_ceilings(ledger)
    blocked = _why_not_at_all(risk, ledger)
    if blocked is not None:
        return _withdrawn(blocked, ledger)
    config = ledger.config
    if config.flatten:
        ladder = None
        steps: Sequence[Step] = [_flatten(leg, risk, ledger) for leg in config.hedge_with]
    else:
        ladder = ladder_standing(risk, ledger)
        steps = [_step(rule, risk, ledger) for rule in config.rules]
        if not risk.ready:
            steps = reduce_only(steps, risk, ladder, ledger)
            ladder = ledger.policy_state.ladder
        steps = hold_together(steps, config)
    intents = tuple(step.outcome for step in steps if isinstance(step.outcome, NewIntent))
    cancels = tuple(item for step in steps if isinstance(step.outcome, tuple) for item in step.outcome)
    state = remembered(steps, ledger, ladder)
    if intents or cancels or state != ledger.policy_state:
        return Hedge(intents=intents, cancels=cancels, policy_state=state)
    leaves_ns = ladder_leaves_ns(risk, ledger) if risk.ready and not config.flatten else None
    return _foremost([step.outcome for step in steps if isinstance(step.outcome, Hold)], leaves_ns)


def _foremost(holds: Sequence[Hold], leaves_ns: int | None) -> Hold:
    """The reason that needs a person's eye comes first; inside the band is the least of them.

    Args:
        leaves_ns: when the LTV ladder steps down, if it does.
    """
    foremost = min(holds, key=_rank)
    wakes = [wake_ns for wake_ns in (*(hold.wake_ns for hold in holds), leaves_ns) if wake_ns is not None]
    return msgspec.structs.replace(foremost, wake_ns=min(wakes, default=None))


def _rank(hold: Hold) -> int:
    if hold.reason in (HoldReason.INSIDE_BAND, HoldReason.FLAT):
        return 2
    return 0 if hold.reason is HoldReason.UNFILLED else 1


def _withdrawn(blocked: Hold, ledger: LedgerSnapshot) -> Decision:
    """No order waits in a book while nobody can tell whether it is still wanted."""
    cancels = withdraw(ledger.open_intents, CancelReason.CANNOT_WATCH, f"{blocked.reason}: {blocked.detail}")
    if cancels:
        return Hedge(intents=(), cancels=cancels, policy_state=ledger.policy_state)
    return blocked


def _why_not_at_all(risk: RiskState, ledger: LedgerSnapshot) -> Hold | None:
    config = ledger.config
    if ledger.halts:
        return Hold(reason=HoldReason.HALTED, detail="; ".join(ledger.halts))
    if config.suspend and not config.flatten:
        return Hold(reason=HoldReason.SUSPENDED, detail="spec.suspend is true")
    if (risk.uid, risk.generation) != (ledger.strategy_uid, ledger.generation):
        return Hold(
            reason=HoldReason.GENERATION_PENDING,
            detail=f"risk runs generation {risk.generation}, the ledger has {ledger.generation}",
        )
    # Taking a hedge off needs its own marks, which are checked leg by leg, and no book.
    if not risk.ready and not config.flatten and not may_reduce(risk, config):
        return Hold(reason=HoldReason.NOT_READY, detail=problem_words(risk))
    problem = age_problem(risk.time_ns, ledger.read_ns, config.freshness.quote_ns)
    if problem is not None:
        return Hold(reason=HoldReason.STALE_RISK, detail=f"the risk state is {problem}")
    return None


def _step(rule: Rule, risk: RiskState, ledger: LedgerSnapshot) -> Step:
    legs = legs_of(rule.underlying, ledger.config)
    views = _views(legs, risk, ledger)
    if isinstance(views, Step):
        return views
    unusable = why_input_unusable(rule, risk, ledger)
    if unusable is not None:
        return Step(outcome=_unwatched(legs, unusable, ledger) or unusable)
    exposure = net_exposure(rule, risk, ledger)
    step = _costed(_towards(rule, exposure, legs, views, ledger), exposure)
    return step if exposure.standing is None else msgspec.structs.replace(step, standing=exposure.standing)


def _costed(step: Step, exposure: NetExposure) -> Step:
    """An order carries the forecast of what the hedge costs in funding."""
    if exposure.daily_cost is None or not isinstance(step.outcome, NewIntent):
        return step
    order = msgspec.structs.replace(step.outcome, daily_cost=exposure.daily_cost)
    return msgspec.structs.replace(step, outcome=order)


def _towards(
    rule: Rule,
    exposure: NetExposure,
    legs: tuple[Leg, ...],
    views: tuple[LegView, ...],
    ledger: LedgerSnapshot,
) -> Step:
    """What brings the exposure to where its rule lets it be."""
    known = ledger.policy_state.pursuit(rule.underlying)
    resting = resting_among(open_on(legs, ledger))
    if exposure.urgent and resting is not None:
        cancels = withdraw((resting,), CancelReason.URGENT, exposure.rule)
        if cancels:
            return Step(outcome=cancels)
    if resting is not None:
        tended = tend(resting, exposure, views, known, ledger)
        return Step(outcome=tended)
    if exposure.excess == 0:
        return Step(outcome=_inside(rule, exposure, ledger))
    pursuit = known if known is not None and known.side is side_of(exposure) else None
    busy = why_busy(legs, ledger)
    if busy is not None:
        return Step(outcome=_guarded(busy, exposure, pursuit, ledger))
    if exposure.urgent:
        return Step(outcome=clip(exposure, views[0], ledger.config))
    dear = why_too_dear(rule, exposure, views[0], ledger.config)
    if dear is not None:
        return Step(outcome=dear)
    return _next_order(exposure, views, pursuit, ledger)


def _inside(rule: Rule, exposure: NetExposure, ledger: LedgerSnapshot) -> Hold:
    detail = (
        f"net delta {exposure.net:f} {rule.underlying} is within [{exposure.lower:.8f}, {exposure.upper:.8f}]"
    )
    return Hold(
        reason=HoldReason.INSIDE_BAND,
        detail=f"{detail}: {exposure.rule}" if exposure.rule else detail,
        wake_ns=_reevaluated_ns(rule, exposure, ledger),
    )


def _reevaluated_ns(rule: Rule, exposure: NetExposure, ledger: LedgerSnapshot) -> int | None:
    """When the action of an inventory policy may be lowered next; None when it may be already."""
    if not isinstance(rule, InventoryRisk) or exposure.standing is None:
        return None
    wake_ns = reevaluated_ns(rule.reevaluation, exposure.standing)
    return wake_ns if wake_ns > ledger.read_ns else None


def _next_order(
    exposure: NetExposure, views: tuple[LegView, ...], pursuit: Pursuit | None, ledger: LedgerSnapshot
) -> Step:
    config, execution = ledger.config, ledger.config.execution
    if execution.twap is not None:
        return slice_step(exposure, views[0], pursuit, execution.twap, config, ledger.read_ns)
    if execution.escalation is not None:
        return escalate(exposure, views, pursuit, execution.escalation, config, ledger.read_ns)
    return Step(outcome=clip(exposure, views[0], config))


def _views(legs: tuple[Leg, ...], risk: RiskState, ledger: LedgerSnapshot) -> tuple[LegView, ...] | Step:
    """The legs that the style may use, or the step where the first mark that cannot be relied on leads."""
    used = legs if ledger.config.execution.escalation is not None else legs[:1]
    views: list[LegView] = []
    for leg in used:
        view = view_leg(leg, risk, ledger)
        if isinstance(view, Hold):
            cancels = _unwatched(legs, view, ledger)
            return Step(outcome=cancels or view)
        views.append(view)
    return tuple(views)


def _unwatched(legs: tuple[Leg, ...], why: Hold, ledger: LedgerSnapshot) -> tuple[Cancel, ...]:
    return withdraw(open_on(legs, ledger), CancelReason.CANNOT_WATCH, f"{why.reason}: {why.detail}")


def _guarded(busy: Hold, exposure: NetExposure, pursuit: Pursuit | None, ledger: LedgerSnapshot) -> Hold:
    """Say so while waiting because the last crossing order found too little within the slippage allowed."""
    execution = ledger.config.execution
    crossing = pursuit is not None and (execution.twap is not None or pursuit.rung > 0)
    if busy.reason is not HoldReason.COOLDOWN or not crossing:
        return busy
    assert pursuit is not None
    if pursuit.reached(exposure.hedge):
        return busy
    return Hold(
        reason=HoldReason.SLIPPAGE_GUARD,
        detail=f"the last order did not fill in full within {execution.max_slippage_bps:f} bps of the touch; "
        f"{busy.detail}",
        wake_ns=busy.wake_ns,
    )


def _flatten(leg: Leg, risk: RiskState, ledger: LedgerSnapshot) -> Step:
    resting = withdraw(open_on((leg,), ledger), CancelReason.STYLE_CHANGED, "the hedge is being taken off")
    if resting:
        return Step(outcome=resting)
    held = held_in(leg, ledger)
    if not held.quantity:
        flat = Hold(reason=HoldReason.FLAT, detail=f"no hedge is left in {leg.instrument.symbol}")
        return Step(outcome=why_busy((leg,), ledger) or flat)
    view = view_leg(leg, risk, ledger)
    if isinstance(view, Hold):
        return Step(outcome=view)
    return Step(outcome=why_busy((leg,), ledger) or flattening_intent(view, ledger.config))
