"""What the desk owes: loans in coins, shares or money, and what they come to as holdings. Pure."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from hedgerow.domain.accounts import AccountDebt
from hedgerow.domain.instruments import LISTINGS
from hedgerow.domain.money import ZERO

# Of 365 days, as simple interest is counted.
YEAR_NS = 365 * 86_400 * 1_000_000_000


class Loan(msgspec.Struct, frozen=True, kw_only=True):
    """One loan that the desk has drawn, as its book tells it at its as-of time.

    Attributes:
        id: the teller's; unique within its book.
        asset: what is owed; principal: still owed, in units of it; interest: accrued and not paid yet.
        annual_rate: simple interest a year on the principal; 0.06 is 6 %.
        since_ns: when it was drawn.
        collateral: units pledged for it, by asset; empty when its teller does not say. No holding by itself: what is
            pledged is counted where it is held.
    """

    id: str
    asset: str
    principal: Decimal
    interest: Decimal
    annual_rate: Decimal
    since_ns: int
    collateral: dict[str, Decimal] = {}

    @property
    def owed(self) -> Decimal:
        """Principal and interest, in units of the asset."""
        return self.principal + self.interest

    def interest_at(self, now_ns: int, as_of_ns: int) -> Decimal:
        """Interest not paid yet, accrued on from the time that its book tells of, in units of the asset."""
        elapsed_ns = max(now_ns - as_of_ns, 0)
        return self.interest + self.principal * self.annual_rate * elapsed_ns / YEAR_NS


# What is held itself and can change hands, by its listing; and what prices are in.
_CASH = {item.base: item.symbol for item in LISTINGS.values() if item.is_cash and item.is_tradable}
_MONEY = frozenset(item.quote for item in LISTINGS.values())
# What can be owed or pledged.
ASSETS = frozenset(_CASH) | _MONEY


def cash_listing(asset: str) -> str | None:
    """The listing of the asset itself; None of money and of what is not listed."""
    return _CASH.get(asset)


def cash_holdings(units: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Coins and shares as holdings, by their listing. Money that prices are in, and what is not listed, is left out."""
    return {_CASH[asset]: amount for asset, amount in units.items() if asset in _CASH}


def owed_holdings(loans: Iterable[Loan | AccountDebt]) -> dict[str, Decimal]:
    """Debts as holdings below zero, by the listing of what is owed: who owes a coin is short of it.

    Money that prices are in has no delta and is left out. An asset that is not listed stands under its own name.
    """
    found: dict[str, Decimal] = {}
    for loan in loans:
        if loan.asset not in _MONEY:
            symbol = _CASH.get(loan.asset, loan.asset)
            found[symbol] = found.get(symbol, ZERO) - loan.owed
    return found
