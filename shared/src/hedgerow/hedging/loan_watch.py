"""The LTV ladder at one reading: risk's loan against what the ledger remembers. Pure."""

from hedgerow.hedging.ladder import LadderStanding, leaves_at, stand
from hedgerow.hedging.loan_to_value import ltv_of
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.schemas.risk_state import LoanStanding, RiskState


def ladder_standing(risk: RiskState, ledger: LedgerSnapshot) -> LadderStanding | None:
    """Where the LTV ladder stands at this reading; None in a strategy that has none.

    Raises:
        LookupError: the risk state lacks the loan (it was not ready).
    """
    ladder = ledger.config.loan_to_value
    if ladder is None:
        return None
    return stand(ladder, ltv_of(watched_loan(risk)), ledger.policy_state.ladder, ledger.read_ns)


def ladder_leaves_ns(risk: RiskState, ledger: LedgerSnapshot) -> int | None:
    """When the ladder steps down if nothing changes; None when it does not.

    Raises:
        LookupError: as `ladder_standing`.
    """
    ladder, standing = ledger.config.loan_to_value, ladder_standing(risk, ledger)
    if ladder is None or standing is None:
        return None
    return leaves_at(ladder, ltv_of(watched_loan(risk)), standing)


def watched_loan(risk: RiskState) -> LoanStanding:
    """
    Raises:
        LookupError: the risk state has none.
    """
    if risk.loan is None:
        raise LookupError(f"risk state {risk.sequence} has no loan")
    return risk.loan
