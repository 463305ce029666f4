"""Net exposure: what risk saw unhedged, plus what the strategy's own hedge already offsets, and where it may be."""

from decimal import Decimal

import msgspec

from hedgerow.domain.age import age_problem
from hedgerow.domain.money import ZERO, exact_decimal, floor_to_step, plain
from hedgerow.hedging.decision import Hold, HoldReason
from hedgerow.hedging.holding import holding_of, inventory_of
from hedgerow.hedging.inventory import FRACTIONS, MUST_ACT, Standing
from hedgerow.hedging.legs import legs_of
from hedgerow.hedging.sentiment import sizer_of
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.schemas.records import Exposure, Mark, RiskState, Score
from hedgerow.strategy.compiled import (
    Band,
    BandUnit,
    CompiledStrategy,
    InventoryRisk,
    Rule,
    SentimentCurve,
    UnknownEntry,
)


class NetExposure(msgspec.Struct, frozen=True, kw_only=True):
    """Against one rule of the policy, everything in units of the underlying.

    Attributes:
        unhedged, hedge: the two parts; net: their sum.
        lower, upper: where the rule lets the net exposure be at this mark; mark: price of one unit in the strategy's
            currency.
        rule: how `lower` and `upper` came about, in words with the numbers; empty where they are declared as such.
        standing: of an inventory policy.
    """

    underlying: str
    unhedged: Decimal
    hedge: Decimal
    net: Decimal
    lower: Decimal
    upper: Decimal
    mark: Decimal
    rule: str = ""
    standing: Standing | None = None

    @property
    def excess(self) -> Decimal:
        """How far outside: positive above the upper edge, negative below the lower, 0 inside."""
        if self.net > self.upper:
            return self.net - self.upper
        return min(self.net - self.lower, ZERO)


class _Edges(msgspec.Struct, frozen=True):
    lower: Decimal
    upper: Decimal
    rule: str = ""
    standing: Standing | None = None


def net_exposure(rule: Rule, risk: RiskState, ledger: LedgerSnapshot) -> NetExposure:
    """The exposure that a rule is held against.

    Raises:
        LookupError: the risk state lacks what the rule needs (it was not ready).
    """
    unhedged = _unhedged(rule, risk)
    hedge = _hedge(rule.underlying, ledger)
    edges = _edges(rule, unhedged, risk, ledger)
    return NetExposure(
        underlying=rule.underlying,
        unhedged=unhedged.delta,
        hedge=hedge,
        net=unhedged.delta + hedge,
        lower=edges.lower,
        upper=edges.upper,
        mark=unhedged.mark,
        rule=edges.rule,
        standing=edges.standing,
    )


def known_exposure(rule: Rule, risk: RiskState, ledger: LedgerSnapshot) -> NetExposure | None:
    """As `net_exposure`; None while risk lacks what it needs, or has a mark of zero, and its state says why."""
    try:
        return net_exposure(rule, risk, ledger)
    except (LookupError, ArithmeticError):
        return None


def known_exposures(risk: RiskState, ledger: LedgerSnapshot) -> tuple[NetExposure, ...]:
    """Against every rule for which risk knows all that it needs: a strategy that is not ready may have none."""
    found = (known_exposure(rule, risk, ledger) for rule in ledger.config.rules)
    return tuple(exposure for exposure in found if exposure is not None)


def why_input_unusable(rule: Rule, risk: RiskState, ledger: LedgerSnapshot) -> Hold | None:
    """Why what this rule asks for besides exposure and marks cannot be relied on."""
    if isinstance(rule, SentimentCurve):
        return _why_score_unusable(rule, risk, ledger)
    if isinstance(rule, InventoryRisk) and rule.on_unknown_entry is UnknownEntry.HOLD:
        unknown = inventory_of(rule.underlying, risk).unknown
        if unknown:
            detail = f"it is not known what was paid for {', '.join(unknown)}, so no loss can be scored"
            return Hold(reason=HoldReason.UNKNOWN_ENTRY, detail=detail)
    return None


def _why_score_unusable(rule: SentimentCurve, risk: RiskState, ledger: LedgerSnapshot) -> Hold | None:
    """Risk saw the score fresh, but its state may be older than the score may get."""
    limit_ns = ledger.config.freshness.score_ns
    if limit_ns is None:
        return None
    score = _score(rule.underlying, risk)
    problem = age_problem(score.time_ns, ledger.read_ns, limit_ns)
    if problem is None:
        return None
    return Hold(reason=HoldReason.STALE_SCORE, detail=f"the score of {rule.underlying} is {problem}")


def _unhedged(rule: Rule, risk: RiskState) -> Exposure:
    for item in risk.exposures:
        if item.underlying == rule.underlying:
            return item
    raise LookupError(f"risk state {risk.sequence} has no exposure of {rule.underlying}")


def _hedge(underlying: str, ledger: LedgerSnapshot) -> Decimal:
    contracts = {leg.instrument.symbol: leg.instrument for leg in ledger.config.hedge_with}
    return sum(
        (
            contracts[held.instrument].delta(held.quantity)
            for held in ledger.positions
            if held.instrument in contracts and contracts[held.instrument].underlying == underlying
        ),
        ZERO,
    )


def _edges(rule: Rule, unhedged: Exposure, risk: RiskState, ledger: LedgerSnapshot) -> _Edges:
    if isinstance(rule, Band):
        return _band_edges(rule, unhedged)
    if isinstance(rule, SentimentCurve):
        return _curve_edges(rule, unhedged, risk, ledger.config)
    return _inventory_edges(rule, unhedged, risk, ledger)


def _band_edges(band: Band, unhedged: Exposure) -> _Edges:
    in_notional = band.unit is BandUnit.NOTIONAL
    return _Edges(
        lower=band.lower / unhedged.mark if in_notional else band.lower,
        upper=band.upper / unhedged.mark if in_notional else band.upper,
    )


def _curve_edges(
    curve: SentimentCurve, unhedged: Exposure, risk: RiskState, config: CompiledStrategy
) -> _Edges:
    score, mark = _score(curve.underlying, risk), _mark(curve.underlying, risk, config)
    sized = sizer_of(curve).size(score.score, mark.depth_usd)
    lower, upper = _fraction_edges(sized.fraction, curve.no_trade_notional, unhedged, config)
    return _Edges(
        lower=lower,
        upper=upper,
        rule=f"score {score.score:g} x weight {sized.weight:.4f} (depth {mark.depth_usd:,.0f} USD) -> "
        f"{sized.fraction:.2%} of {plain(abs(unhedged.delta))} {curve.underlying} hedged",
    )


def _inventory_edges(
    rule: InventoryRisk, unhedged: Exposure, risk: RiskState, ledger: LedgerSnapshot
) -> _Edges:
    mark = _mark(rule.underlying, risk, ledger.config)
    held = holding_of(rule, unhedged, mark, risk, ledger)
    action = held.standing.action
    zone = ZERO if action in MUST_ACT else rule.no_trade_notional
    lower, upper = _fraction_edges(FRACTIONS[action], zone, unhedged, ledger.config)
    return _Edges(lower=lower, upper=upper, rule=held.rule, standing=held.standing)


def _fraction_edges(
    fraction: float, no_trade_notional: Decimal, unhedged: Exposure, config: CompiledStrategy
) -> tuple[Decimal, Decimal]:
    """From that fraction of the exposure hedged, rounded to the lot towards none, to that much and the zone less.

    So a hedge is never above the fraction, lacks less than a lot once it trades to the edge of a zone without width,
    and never turns the side of the exposure.
    """
    instrument = legs_of(unhedged.underlying, config)[0].instrument
    lot = instrument.delta(instrument.lot_size)
    hedged = floor_to_step(abs(unhedged.delta) * exact_decimal(fraction), lot)
    zone = min(no_trade_notional / unhedged.mark, hedged)
    remains = abs(unhedged.delta) - hedged
    return (remains, remains + zone) if unhedged.delta >= 0 else (-remains - zone, -remains)


def _score(asset: str, risk: RiskState) -> Score:
    for score in risk.scores:
        if score.asset == asset:
            return score
    raise LookupError(f"risk state {risk.sequence} has no score of {asset}")


def _mark(underlying: str, risk: RiskState, config: CompiledStrategy) -> Mark:
    symbol = legs_of(underlying, config)[0].instrument.symbol
    for mark in risk.marks:
        if mark.instrument == symbol:
            return mark
    raise LookupError(f"risk state {risk.sequence} has no mark of {symbol}")
