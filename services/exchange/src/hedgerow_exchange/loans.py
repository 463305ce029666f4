"""An account's crypto loans: what it owes and what it has pledged. Pure; time and prices come in.

Interest is charged each whole hour since the loan was drawn, on the principal alone. Nothing is ever liquidated.
"""

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal

import msgspec

from hedgerow.domain.money import ZERO, plain
from hedgerow_exchange.refusals import Reason, Refused

HOUR_NS = 3_600_000_000_000
# 6 % a year.
HOURLY_RATE = Decimal("0.00000685")
# A loan may not be drawn, nor collateral taken back, beyond this share of the collateral's value.
INITIAL_LTV = Decimal("0.8")
_EIGHT_DECIMALS = Decimal("1e-8")


class Debt(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is owed in one coin. Interest is charged up to `charged_ns`."""

    principal: Decimal
    interest: Decimal
    charged_ns: int

    @property
    def owed(self) -> Decimal:
        return self.principal + self.interest


class Loans(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One account's loans as they stand.

    Attributes:
        number: of the command that led here, counted by account.
        debts, collateral: by coin, without zeros.
        moved: what that command changed in the account's wallet, by coin.
    """

    account: str
    number: int = 0
    debts: dict[str, Debt] = {}
    collateral: dict[str, Decimal] = {}
    moved: dict[str, Decimal] = {}


def charged(loans: Loans, now_ns: int) -> Loans:
    """With the interest of every whole hour up to now, rounded up to eight decimals hour by hour."""
    debts = {coin: _charged(debt, now_ns) for coin, debt in loans.debts.items()}
    return msgspec.structs.replace(loans, debts=debts)


def _charged(debt: Debt, now_ns: int) -> Debt:
    hours = max(0, now_ns - debt.charged_ns) // HOUR_NS
    an_hour = (debt.principal * HOURLY_RATE).quantize(_EIGHT_DECIMALS, rounding=ROUND_CEILING)
    return Debt(
        principal=debt.principal,
        interest=debt.interest + hours * an_hour,
        charged_ns=debt.charged_ns + hours * HOUR_NS,
    )


def borrow(loans: Loans, coin: str, amount: Decimal, pledged: Mapping[str, Decimal], now_ns: int) -> Loans:
    """Draw an amount against what is pledged already and with it."""
    loans = charged(loans, now_ns)
    before = loans.debts.get(coin, Debt(principal=ZERO, interest=ZERO, charged_ns=now_ns))
    debt = msgspec.structs.replace(before, principal=before.principal + amount)
    moved = {held: -units for held, units in pledged.items()}
    moved[coin] = moved.get(coin, ZERO) + amount
    return msgspec.structs.replace(
        loans,
        number=loans.number + 1,
        debts={**loans.debts, coin: debt},
        collateral=_added(loans.collateral, pledged),
        moved=moved,
    )


def repay(loans: Loans, coin: str, amount: Decimal, now_ns: int) -> Loans:
    """Pay back, interest first.

    Raises:
        Refused: less than that is owed.
    """
    loans = charged(loans, now_ns)
    debt = loans.debts.get(coin)
    owed = ZERO if debt is None else debt.owed
    if debt is None or amount > owed:
        raise Refused(
            Reason.BAD_PARAMETER,
            f"params error: amount {plain(amount)} is above the {plain(owed)} {coin} owed",
        )
    interest = max(ZERO, debt.interest - amount)
    principal = owed - amount - interest
    debts = {**loans.debts, coin: Debt(principal=principal, interest=interest, charged_ns=debt.charged_ns)}
    if amount == owed:
        del debts[coin]
    return msgspec.structs.replace(loans, number=loans.number + 1, debts=debts, moved={coin: -amount})


def pledge(loans: Loans, coin: str, change: Decimal, now_ns: int) -> Loans:
    """Add to the collateral, or take from it when the change is negative.

    Raises:
        Refused: less than that is pledged.
    """
    held = loans.collateral.get(coin, ZERO)
    if held + change < 0:
        raise Refused(
            Reason.BAD_PARAMETER,
            f"params error: amount {plain(-change)} is above the {plain(held)} {coin} pledged",
        )
    return msgspec.structs.replace(
        charged(loans, now_ns),
        number=loans.number + 1,
        collateral=_added(loans.collateral, {coin: change}),
        moved={coin: -change},
    )


def _added(held: Mapping[str, Decimal], more: Mapping[str, Decimal]) -> dict[str, Decimal]:
    total = {coin: held.get(coin, ZERO) + more.get(coin, ZERO) for coin in (*held, *more)}
    return {coin: units for coin, units in total.items() if units}
