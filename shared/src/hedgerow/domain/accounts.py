"""What a venue account holds, has pledged and owes, as the venue tells it. Pure."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum

import msgspec


class AccountPart(StrEnum):
    """What of an account counts towards an exposure."""

    COLLATERAL = "Collateral"
    SPOT = "Spot"
    DERIVATIVES = "Derivatives"
    LOANS = "Loans"


class AccountDebt(msgspec.Struct, frozen=True, kw_only=True):
    """What the account owes in one asset.

    Attributes:
        principal: still owed, in units of the asset; interest: charged and not paid yet.
        annual_rate: simple interest a year on the principal, as the venue charges now; 0.06 is 6 %.
    """

    asset: str
    principal: Decimal
    interest: Decimal
    annual_rate: Decimal

    @property
    def owed(self) -> Decimal:
        """Principal and interest, in units of the asset."""
        return self.principal + self.interest


class AccountPosition(msgspec.Struct, frozen=True, kw_only=True):
    """One open derivative position.

    Attributes:
        instrument: unified symbol, listed here or not.
        quantity: signed, in our contracts; of an instrument that is not listed here, in the venue's.
        entry_price: average of what is open, in quote currency; mark_price: the venue's own.
        unrealised_pnl: in the settlement currency, at the mark.
        liquidation_price: None when the venue names none.
        initial_margin, maintenance_margin: in the settlement currency; None when the venue does not tell.
    """

    instrument: str
    quantity: Decimal
    entry_price: Decimal
    mark_price: Decimal | None
    unrealised_pnl: Decimal
    liquidation_price: Decimal | None = None
    initial_margin: Decimal | None = None
    maintenance_margin: Decimal | None = None


def require_sound(
    wallet: Mapping[str, Decimal],
    collateral: Mapping[str, Decimal],
    debts: Iterable[AccountDebt],
    positions: Iterable[AccountPosition],
) -> None:
    """
    Raises:
        ValueError: an amount is not finite, or is below zero where none can be, or an asset or instrument stands twice.
    """
    for asset, amount in wallet.items():
        _require_finite(f"wallet[{asset}]", amount)
    for asset, amount in collateral.items():
        _require_not_negative(f"collateral[{asset}]", amount)
    seen: set[str] = set()
    for debt in debts:
        _require_new(f"a debt in {debt.asset}", debt.asset, seen)
        _require_not_negative(f"principal in {debt.asset}", debt.principal)
        _require_not_negative(f"interest in {debt.asset}", debt.interest)
        _require_finite(f"annual_rate of {debt.asset}", debt.annual_rate)
    held: set[str] = set()
    for position in positions:
        _require_new(f"a position in {position.instrument}", position.instrument, held)
        for name in ("quantity", "entry_price", "unrealised_pnl"):
            _require_finite(f"{name} of {position.instrument}", getattr(position, name))
        for name in ("mark_price", "liquidation_price", "initial_margin", "maintenance_margin"):
            amount = getattr(position, name)
            if amount is not None:
                _require_not_negative(f"{name} of {position.instrument}", amount)


def _require_finite(what: str, amount: Decimal) -> None:
    if not amount.is_finite():
        raise ValueError(f"{what} is {amount}; it should be a finite number")


def _require_not_negative(what: str, amount: Decimal) -> None:
    _require_finite(what, amount)
    if amount < 0:
        raise ValueError(f"{what} is {amount}; it should not be below zero")


def _require_new(what: str, name: str, seen: set[str]) -> None:
    if name in seen:
        raise ValueError(f"{what} stands twice; once is right")
    seen.add(name)
