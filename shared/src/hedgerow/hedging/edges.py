"""Where each rule lets the net exposure be: a band's edges, or the hedge that a curve or the LTV ladder asks for."""

from decimal import Decimal

import msgspec

from hedgerow.domain.money import ZERO, exact_decimal, floor_to_step, plain
from hedgerow.hedging.funded import fund
from hedgerow.hedging.holding import holding_of
from hedgerow.hedging.inventory import FRACTIONS, MUST_ACT, Standing
from hedgerow.hedging.ladder import LtvState, risk_score, target_of
from hedgerow.hedging.legs import legs_of
from hedgerow.hedging.loan_to_value import ltv_of
from hedgerow.hedging.loan_watch import ladder_standing, watched_loan
from hedgerow.hedging.sentiment import sizer_of
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.schemas.records import Score
from hedgerow.schemas.risk_state import Exposure, Mark, RiskState
from hedgerow.strategy.compiled import Band, BandUnit, InventoryRisk, LadderRule, Rule, SentimentCurve


class Edges(msgspec.Struct, frozen=True):
    """In units of the underlying; the others as in `NetExposure`."""

    lower: Decimal
    upper: Decimal
    rule: str = ""
    standing: Standing | None = None
    urgent: bool = False
    daily_cost: Decimal | None = None


def edges_of(
    rule: Rule, unhedged: Exposure, hedge: Decimal, risk: RiskState, ledger: LedgerSnapshot
) -> Edges:
    """
    Args:
        hedge: the delta of the strategy's own positions.

    Raises:
        LookupError: the risk state lacks the mark, score or loan that the rule needs.
    """
    if isinstance(rule, Band):
        return _band_edges(rule, unhedged)
    if isinstance(rule, LadderRule):
        return _ladder_edges(rule, unhedged, hedge, risk, ledger)
    if isinstance(rule, SentimentCurve):
        return _curve_edges(rule, unhedged, risk, ledger)
    return _inventory_edges(rule, unhedged, risk, ledger)


def _band_edges(band: Band, unhedged: Exposure) -> Edges:
    in_notional = band.unit is BandUnit.NOTIONAL
    return Edges(
        lower=band.lower / unhedged.mark if in_notional else band.lower,
        upper=band.upper / unhedged.mark if in_notional else band.upper,
    )


def _curve_edges(curve: SentimentCurve, unhedged: Exposure, risk: RiskState, ledger: LedgerSnapshot) -> Edges:
    score, mark = score_of(curve.underlying, risk), _mark(curve.underlying, risk, ledger)
    sized = sizer_of(curve).size(score.score, mark.depth_usd)
    wanted = -unhedged.delta * exact_decimal(sized.fraction)
    funded = fund(wanted, unhedged, mark, ledger, spared=False)
    return Edges(
        *_around(unhedged, funded.hedge, curve.no_trade_notional, ledger),
        f"score {score.score:g} x weight {sized.weight:.4f} (depth {mark.depth_usd:,.0f} USD) -> "
        f"{sized.fraction:.2%} of {plain(abs(unhedged.delta))} {curve.underlying} hedged{funded.words}",
        daily_cost=funded.daily_cost,
    )


def _inventory_edges(
    rule: InventoryRisk, unhedged: Exposure, risk: RiskState, ledger: LedgerSnapshot
) -> Edges:
    mark = _mark(rule.underlying, risk, ledger)
    held = holding_of(rule, unhedged, mark, risk, ledger)
    action = held.standing.action
    zone = ZERO if action in MUST_ACT else rule.no_trade_notional
    lower, upper = _around(unhedged, -unhedged.delta * exact_decimal(FRACTIONS[action]), zone, ledger)
    return Edges(lower, upper, held.rule, standing=held.standing)


def _ladder_edges(
    rule: LadderRule, unhedged: Exposure, hedge: Decimal, risk: RiskState, ledger: LedgerSnapshot
) -> Edges:
    loan, standing = watched_loan(risk), ladder_standing(risk, ledger)
    assert standing is not None
    ltv, target = ltv_of(loan), target_of(rule.ladder, standing.state)
    if target.hedge_fraction is not None:
        wanted = -unhedged.delta * target.hedge_fraction
        words = f"{target.hedge_fraction:.2%} of {plain(abs(unhedged.delta))} {rule.underlying} hedged"
    else:
        assert target.target_delta is not None
        wanted = target.target_delta - unhedged.delta
        words = f"net delta {plain(target.target_delta)} {rule.underlying}"
    mark, critical = _mark(rule.underlying, risk, ledger), standing.state is LtvState.CRITICAL
    funded = fund(wanted, unhedged, mark, ledger, spared=critical)
    score = risk_score(ltv, unhedged.delta + hedge, funded.points)
    return Edges(
        *_around(unhedged, funded.hedge, rule.ladder.no_trade_notional, ledger),
        f"LTV {ltv:.4f} (debt {loan.debt:,.2f} / collateral {loan.collateral:,.2f}) is {standing.state} -> {words}; "
        f"risk score {score}, urgency {standing.state.urgency}{funded.words}",
        urgent=standing.state.is_urgent,
        daily_cost=funded.daily_cost,
    )


def _around(
    unhedged: Exposure, wanted: Decimal, no_trade_notional: Decimal, ledger: LedgerSnapshot
) -> tuple[Decimal, Decimal]:
    """From the hedge that is wanted, rounded to the lot towards none, to that much and the no-trade zone less.

    So a hedge is never above what is wanted, lacks less than a lot once it trades to the edge of a zone without width,
    and never turns the side that rounding leaves it on.

    Args:
        wanted: delta of the hedge, signed.
    """
    instrument = legs_of(unhedged.underlying, ledger.config)[0].instrument
    lot = instrument.delta(instrument.lot_size)
    hedged = floor_to_step(abs(wanted), lot).copy_sign(wanted)
    zone = min(no_trade_notional / unhedged.mark, abs(hedged)).copy_sign(wanted)
    remains = unhedged.delta + hedged
    return min(remains, remains - zone), max(remains, remains - zone)


def score_of(asset: str, risk: RiskState) -> Score:
    """
    Raises:
        LookupError: the risk state has none.
    """
    for score in risk.scores:
        if score.asset == asset:
            return score
    raise LookupError(f"risk state {risk.sequence} has no score of {asset}")


def _mark(underlying: str, risk: RiskState, ledger: LedgerSnapshot) -> Mark:
    symbol = legs_of(underlying, ledger.config)[0].instrument.symbol
    for mark in risk.marks:
        if mark.instrument == symbol:
            return mark
    raise LookupError(f"risk state {risk.sequence} has no mark of {symbol}")
