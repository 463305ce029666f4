"""What a loan's LTV is, what would bring it back, and at which price the lender sells. Pure.

LTV = (debt + accrued interest) / sum(collateral x haircut), in the strategy's currency.
"""

from decimal import Decimal

import msgspec

from hedgerow.domain.money import ZERO
from hedgerow.schemas.risk_state import Collateral, LoanStanding

UNCOVERED = Decimal("Infinity")


def loan_to_value(debt: Decimal, collateral: Decimal) -> Decimal:
    """0 without a debt; infinite for a debt that nothing covers, so that it is above every threshold."""
    if debt <= 0:
        return ZERO
    return debt / collateral if collateral > 0 else UNCOVERED


def ltv_of(loan: LoanStanding) -> Decimal:
    """As `loan_to_value`."""
    return loan_to_value(loan.debt, loan.collateral)


class Remedies(msgspec.Struct, frozen=True, kw_only=True):
    """Each by itself brings the LTV to a target; all are 0 where it is there already. In the strategy's currency.

    Attributes:
        repay: of the debt.
        add: of collateral, at its value after the haircut.
        hedge: of the collateral, sold at the mark with the proceeds repaid; None when no sale gets there, as when
            more than what is held would have to be sold.
    """

    repay: Decimal
    add: Decimal
    hedge: Decimal | None


def remedies(loan: LoanStanding, asset: str, target: Decimal) -> Remedies:
    """What brings the loan back to a target LTV above 0.

    Args:
        asset: that would be sold.
    """
    beyond = loan.debt - target * max(loan.collateral, ZERO)
    if beyond <= 0:
        return Remedies(repay=ZERO, add=ZERO, hedge=ZERO)
    return Remedies(
        repay=beyond,
        add=loan.debt / target - loan.collateral,
        hedge=_sale(loan, asset, target, beyond),
    )


def _sale(loan: LoanStanding, asset: str, target: Decimal, beyond: Decimal) -> Decimal | None:
    held = next((item for item in loan.covers if item.asset == asset and item.quantity > 0), None)
    if held is None:
        return None
    # A sale of x repays x and takes x times the haircut from the collateral.
    closes = 1 - target * held.haircut
    sale = beyond / closes if closes > 0 else UNCOVERED
    return sale if sale <= held.quantity * held.price else None


def liquidation_price(loan: LoanStanding, asset: str, liquidation_ltv: Decimal) -> Decimal | None:
    """The price of an asset at which the loan comes to this LTV while nothing else moves; None where none does.

    Debts in the asset move with it: the price solves debt(p) = liquidation_ltv x collateral(p).
    """
    owed = sum((item.quantity for item in loan.debts if item.asset == asset), ZERO)
    elsewhere = sum((item.value for item in loan.debts if item.asset != asset), ZERO)
    covered = sum((item.value for item in loan.covers if item.asset != asset), ZERO)
    unit = sum((item.value / item.price for item in loan.covers if item.asset == asset), ZERO)
    slope = liquidation_ltv * unit - owed
    level = elsewhere - liquidation_ltv * covered
    if slope == 0 or level / slope <= 0:
        return None
    return level / slope


def liquidation_distance(loan: LoanStanding, held: Collateral, liquidation_ltv: Decimal) -> Decimal | None:
    """How far the price of what is held may move before the loan comes to this LTV, as a ratio of the price.

    0 where the loan is there or beyond; None where no price of it leads there.
    """
    if ltv_of(loan) >= liquidation_ltv:
        return ZERO
    sold_at = liquidation_price(loan, held.asset, liquidation_ltv)
    return None if sold_at is None else abs(held.price - sold_at) / held.price
