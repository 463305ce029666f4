"""The decision: a pure function of risk state, ledger snapshot and generation."""

from hedgerow.domain.age import age_problem
from hedgerow.domain.instruments import Instrument
from hedgerow.domain.money import ZERO
from hedgerow.hedging.band import band_intent
from hedgerow.hedging.decision import Decision, Hedge, Hold, HoldReason, NewIntent
from hedgerow.hedging.exposure import first_leg, net_exposure
from hedgerow.hedging.flattening import flattening_intent
from hedgerow.hedging.snapshot import HeldPosition, LedgerSnapshot, PolicyState
from hedgerow.schemas.records import Mark, RiskState
from hedgerow.strategy.compiled import Leg, Rule


def decide(risk: RiskState, ledger: LedgerSnapshot) -> Decision:
    """Hold, or one intent for each underlying that is outside what the policy's rule for it lets it be.

    The generation is the ledger's; a risk state of another one is not acted on. The clock is `ledger.read_ns`.
    """
    blocked = _why_not_at_all(risk, ledger)
    if blocked is not None:
        return blocked
    if ledger.config.flatten:
        outcomes = [_decide_flattening(leg, risk, ledger) for leg in ledger.config.hedge_with]
    else:
        outcomes = [_decide_rule(rule, risk, ledger) for rule in ledger.config.rules]
    intents = tuple(outcome for outcome in outcomes if isinstance(outcome, NewIntent))
    if intents:
        return Hedge(intents=intents, policy_state=PolicyState(last_decided_ns=ledger.read_ns))
    holds = [outcome for outcome in outcomes if isinstance(outcome, Hold)]
    # The reason that needs a person's eye comes first; inside the band is the least of them.
    return min(holds, key=lambda hold: hold.reason in (HoldReason.INSIDE_BAND, HoldReason.FLAT))


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
    if not risk.ready and not config.flatten:
        problems = "; ".join(f"{item.input}: {item.code} ({item.detail})" for item in risk.problems)
        return Hold(reason=HoldReason.NOT_READY, detail=problems)
    problem = age_problem(risk.time_ns, ledger.read_ns, config.freshness.quote_ns)
    if problem is not None:
        return Hold(reason=HoldReason.STALE_RISK, detail=f"the risk state is {problem}")
    return None


def _decide_rule(rule: Rule, risk: RiskState, ledger: LedgerSnapshot) -> NewIntent | Hold:
    leg = first_leg(rule.underlying, ledger.config)
    mark = _mark_of(leg.instrument, risk)
    unusable = _why_mark_unusable(mark, leg, ledger)
    unusable = unusable or _why_score_unusable(rule.underlying, risk, ledger)
    if unusable is not None:
        return unusable
    assert mark is not None
    exposure = net_exposure(rule, risk, ledger)
    if exposure.excess == 0:
        return Hold(
            reason=HoldReason.INSIDE_BAND,
            detail=f"net delta {exposure.net:f} {rule.underlying} is within "
            f"[{exposure.lower:.8f}, {exposure.upper:.8f}]" + (f": {exposure.rule}" if exposure.rule else ""),
        )
    busy = _why_leg_busy(leg, ledger)
    return busy or band_intent(exposure, leg, mark, _held(leg, ledger), ledger.config)


def _decide_flattening(leg: Leg, risk: RiskState, ledger: LedgerSnapshot) -> NewIntent | Hold:
    held = _held(leg, ledger)
    if not held.quantity:
        busy = _why_leg_busy(leg, ledger)
        return busy or Hold(reason=HoldReason.FLAT, detail=f"no hedge is left in {leg.instrument.symbol}")
    mark = _mark_of(leg.instrument, risk)
    unusable = _why_mark_unusable(mark, leg, ledger)
    if unusable is not None:
        return unusable
    assert mark is not None
    return _why_leg_busy(leg, ledger) or flattening_intent(leg, mark, held, ledger.config)


def _mark_of(instrument: Instrument, risk: RiskState) -> Mark | None:
    return next((mark for mark in risk.marks if mark.instrument == instrument.symbol), None)


def _held(leg: Leg, ledger: LedgerSnapshot) -> HeldPosition:
    return next(
        (
            held
            for held in ledger.positions
            if (held.venue, held.account, held.instrument) == (leg.venue, leg.account, leg.instrument.symbol)
        ),
        HeldPosition(venue=leg.venue, account=leg.account, instrument=leg.instrument.symbol, quantity=ZERO),
    )


def _why_mark_unusable(mark: Mark | None, leg: Leg, ledger: LedgerSnapshot) -> Hold | None:
    symbol = leg.instrument.symbol
    if mark is None:
        return Hold(reason=HoldReason.INVALID_QUOTE, detail=f"no quote of {symbol} was seen")
    if not mark.valid:
        return Hold(
            reason=HoldReason.INVALID_QUOTE, detail=f"the quote of {symbol} is invalid: {mark.reason}"
        )
    problem = age_problem(mark.time_ns, ledger.read_ns, ledger.config.freshness.quote_ns)
    if problem is not None:
        return Hold(reason=HoldReason.STALE_QUOTE, detail=f"the quote of {symbol} is {problem}")
    return None


def _why_score_unusable(asset: str, risk: RiskState, ledger: LedgerSnapshot) -> Hold | None:
    """Risk saw the score fresh, but its state may be older than the score may get."""
    limit_ns = ledger.config.freshness.score_ns
    if limit_ns is None or asset not in ledger.config.scored:
        return None
    for score in risk.scores:
        problem = age_problem(score.time_ns, ledger.read_ns, limit_ns)
        if score.asset == asset and problem is not None:
            return Hold(reason=HoldReason.STALE_SCORE, detail=f"the score of {asset} is {problem}")
    return None


def _why_leg_busy(leg: Leg, ledger: LedgerSnapshot) -> Hold | None:
    for intent in ledger.open_intents:
        if intent.leg == leg.index:
            return Hold(reason=HoldReason.OPEN_INTENT, detail=f"intent {intent.id} is {intent.state}")
    wake_ns = ledger.policy_state.last_decided_ns + ledger.config.execution.cooldown_ns
    if ledger.read_ns < wake_ns:
        return Hold(
            reason=HoldReason.COOLDOWN,
            detail=f"{(wake_ns - ledger.read_ns) / 1e9:.3f} s of the cooldown are left",
            wake_ns=wake_ns,
        )
    return None
