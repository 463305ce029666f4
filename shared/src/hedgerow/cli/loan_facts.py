"""A loan and its LTV ladder as `hedgerow explain` tells them: the sum, the ways back, where the lender sells. Pure."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from hedgerow.domain.money import ZERO, plain
from hedgerow.hedging.loan_to_value import liquidation_distance, liquidation_price, ltv_of, remedies
from hedgerow.hedging.loan_watch import ladder_standing
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.schemas.risk_state import Collateral, Debt, LoanStanding, RiskState
from hedgerow.strategy.compiled import LoanToValue


class RemedyFact(msgspec.Struct, frozen=True, kw_only=True):
    """What of one asset would bring the LTV below caution, each by itself, in units of the asset.

    Attributes:
        add: more of it as collateral; hedge: sold, with the proceeds repaid; None when no sale gets there.
        liquidation_price, distance: at which the lender sells if nothing else moves, and how far the price is from it
            as a ratio, 0 when the lender may sell already; None when no such price exists or `liquidationLtv` is not
            declared.
    """

    asset: str
    add: Decimal
    hedge: Decimal | None
    liquidation_price: Decimal | None
    distance: Decimal | None


class LoanFact(msgspec.Struct, frozen=True, kw_only=True):
    """The loan at the marks. Money in the strategy's currency.

    Attributes:
        ltv: None when nothing covers the debt.
        state: of the ladder, as a decision made now would leave it; since_ns: when that was entered.
        target: the LTV to come back to; repay: what of the debt would do it.
        remedies: by collateral asset.
    """

    debt: Decimal
    interest: Decimal
    collateral: Decimal
    ltv: Decimal | None
    state: str
    since_ns: int
    target: Decimal
    repay: Decimal
    remedies: list[RemedyFact]
    debts: list[Debt]
    covers: list[Collateral]


def loan_fact(risk: RiskState | None, ledger: LedgerSnapshot) -> LoanFact | None:
    """None without an LTV ladder, and while risk does not know the loan."""
    ladder = ledger.config.loan_to_value
    if ladder is None or risk is None or risk.loan is None or risk.uid != ledger.strategy_uid:
        return None
    loan, standing = risk.loan, ladder_standing(risk, ledger)
    assert standing is not None
    ltv, target = ltv_of(loan), ladder.caution.ltv - ladder.hysteresis
    return LoanFact(
        debt=loan.debt,
        interest=sum((item.interest * item.price for item in loan.debts), ZERO),
        collateral=loan.collateral,
        ltv=ltv if ltv.is_finite() else None,
        state=standing.state.value,
        since_ns=standing.since_ns,
        target=target,
        repay=max(loan.debt - target * max(loan.collateral, ZERO), ZERO),
        remedies=[_remedy(item, loan, ladder, target) for item in loan.covers if item.quantity > 0],
        debts=list(loan.debts),
        covers=list(loan.covers),
    )


def _remedy(held: Collateral, loan: LoanStanding, ladder: LoanToValue, target: Decimal) -> RemedyFact:
    found = remedies(loan, held.asset, target)
    last = ladder.liquidation_ltv
    return RemedyFact(
        asset=held.asset,
        add=found.add / held.haircut / held.price,
        hedge=None if found.hedge is None else found.hedge / held.price,
        liquidation_price=None if last is None else liquidation_price(loan, held.asset, last),
        distance=None if last is None else liquidation_distance(loan, held, last),
    )


def loan_words(fact: LoanFact, now_ns: int, currency: str) -> Iterator[str]:
    """The same in sentences."""
    ltv = "nothing covers the debt" if fact.ltv is None else f"LTV {fact.ltv:.4f}"
    since_s = max(now_ns - fact.since_ns, 0) / 1e9
    yield (
        f"Loan: {ltv}, {fact.state} for {since_s:,.0f} s: owes {fact.debt:,.2f} {currency}, of it interest "
        f"{fact.interest:,.2f}, against {fact.collateral:,.2f} after haircuts."
    )
    for item in fact.covers:
        counts = f"counts for {plain(item.haircut * 100)}%" if item.quantity > 0 else "is owed in full"
        yield f"Collateral: {plain(item.quantity)} {item.asset} at {plain(item.price)}, {counts}."
    if fact.repay > 0:
        ways = [f"repay {fact.repay:,.2f} {currency}"]
        for way in fact.remedies:
            ways.append(f"add {way.add:.8f} {way.asset}")
            if way.hedge is not None:
                ways.append(f"sell {way.hedge:.8f} {way.asset} and repay with it")
        yield f"To come back to an LTV of {plain(fact.target)}: {', or '.join(ways)}."
    if any(way.distance == 0 for way in fact.remedies):
        yield "The lender may sell now: the LTV is at policy.loanToValue.liquidationLtv or above."
    for way in fact.remedies:
        if way.liquidation_price is not None and way.distance:
            yield (
                f"The lender sells at {way.asset} {way.liquidation_price:,.2f}, which is {way.distance:.2%} away, if "
                "nothing else moves."
            )
