"""A venue account as its collector tells it, as small as it can be."""

from decimal import Decimal as D
from typing import Any

from hedgerow.domain.accounts import AccountDebt, AccountPart, AccountPosition
from hedgerow.schemas.records import AccountState
from hedgerow.strategy.compiled import AccountSource

POSITION = AccountPosition(
    instrument="BTC/USDT:USDT",
    quantity=D("-1.5"),
    entry_price=D("60000"),
    mark_price=D("61000"),
    unrealised_pnl=D("-1500"),
)
DEBT = AccountDebt(asset="USDT", principal=D(100), interest=D("0.1"), annual_rate=D("0.06"))


def account_state(**changes: Any) -> AccountState:
    """Half a bitcoin borrowed and sold, two pledged, some tethers owed, and short of one and a half perpetuals."""
    fields: dict[str, Any] = {
        "venue": "trading/paper",
        "account": "hedge-01",
        "sequence": 7,
        "time_ns": 1_790_000_000_000_000_000,
        "wallet": {"BTC": D("-0.5"), "USDT": D(10)},
        "collateral": {"BTC": D(2)},
        "debts": (DEBT,),
        "positions": (POSITION,),
    }
    return AccountState(**fields | changes)


def account_source(*count: AccountPart, venue: str = "trading/paper") -> AccountSource:
    """All of the account without words."""
    return AccountSource(name="account", venue=venue, account="hedge-01", count=count or tuple(AccountPart))
