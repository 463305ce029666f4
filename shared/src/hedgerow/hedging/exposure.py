"""Net exposure: what risk saw unhedged, plus what the strategy's own hedge already offsets, and where it may be."""

from decimal import Decimal

import msgspec

from hedgerow.domain.age import age_problem
from hedgerow.domain.money import ZERO
from hedgerow.hedging.decision import Hold, HoldReason
from hedgerow.hedging.edges import edges_of, score_of
from hedgerow.hedging.holding import inventory_of
from hedgerow.hedging.inventory import Standing
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.schemas.risk_state import Exposure, RiskState
from hedgerow.strategy.compiled import InventoryRisk, Rule, SentimentCurve, UnknownEntry


class NetExposure(msgspec.Struct, frozen=True, kw_only=True):
    """Against one rule of the policy, everything in units of the underlying.

    Attributes:
        unhedged, hedge: the two parts; net: their sum.
        lower, upper: where the rule lets the net exposure be at this mark; mark: price of one unit in the strategy's
            currency.
        rule: how `lower` and `upper` came about, in words with the numbers; empty where they are declared as such.
        standing: of an inventory policy; urgent: an order crosses at once, whatever style is declared.
        daily_cost: what funding takes from the hedge wanted in 24 hours, in the strategy's currency; below zero what it
            brings, None where it does not count or is not known.
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
    urgent: bool = False
    daily_cost: Decimal | None = None

    @property
    def excess(self) -> Decimal:
        """How far outside: positive above the upper edge, negative below the lower, 0 inside."""
        if self.net > self.upper:
            return self.net - self.upper
        return min(self.net - self.lower, ZERO)


def net_exposure(rule: Rule, risk: RiskState, ledger: LedgerSnapshot) -> NetExposure:
    """The exposure that a rule is held against.

    Raises:
        LookupError: the risk state lacks what the rule needs (it was not ready).
    """
    unhedged = _unhedged(rule, risk)
    hedge = hedge_of(rule.underlying, ledger)
    edges = edges_of(rule, unhedged, hedge, risk, ledger)
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
        urgent=edges.urgent,
        daily_cost=edges.daily_cost,
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
    score = score_of(rule.underlying, risk)
    problem = age_problem(score.time_ns, ledger.read_ns, limit_ns)
    if problem is None:
        return None
    return Hold(reason=HoldReason.STALE_SCORE, detail=f"the score of {rule.underlying} is {problem}")


def _unhedged(rule: Rule, risk: RiskState) -> Exposure:
    for item in risk.exposures:
        if item.underlying == rule.underlying:
            return item
    raise LookupError(f"risk state {risk.sequence} has no exposure of {rule.underlying}")


def hedge_of(underlying: str, ledger: LedgerSnapshot) -> Decimal:
    """The delta of the strategy's own positions, signed, in units of the underlying."""
    contracts = {leg.instrument.symbol: leg.instrument for leg in ledger.config.hedge_with}
    return sum(
        (
            contracts[held.instrument].delta(held.quantity)
            for held in ledger.positions
            if held.instrument in contracts and contracts[held.instrument].underlying == underlying
        ),
        ZERO,
    )
