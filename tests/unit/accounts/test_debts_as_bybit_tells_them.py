"""What Bybit's replies on crypto loans come to; the rows are those of its documentation, as our exchange has none."""

from decimal import Decimal as D

import pytest

from hedgerow.adapters.ccxt_account import debts_of
from hedgerow.domain.accounts import AccountDebt

BORROWED = [
    {
        "fixedTotalDebt": "0",
        "flexibleHourlyInterestRate": "0.0000001361462",
        "flexibleTotalDebt": "0.08800022",
        "loanCurrency": "BTC",
    },
    {
        "fixedTotalDebt": "0.1",
        "flexibleHourlyInterestRate": "0.00000188498892",
        "flexibleTotalDebt": "0.10000019",
        "loanCurrency": "ETH",
    },
]
FLEXIBLE = [
    {
        "hourlyInterestRate": "0.0000018847396",
        "loanCurrency": "ETH",
        "totalDebt": "0.10000019",
        "unpaidAmount": "0.1",
        "unpaidInterest": "0.00000019",
    },
    {
        "hourlyInterestRate": "0.0000001361462",
        "loanCurrency": "BTC",
        "totalDebt": "0.08800022",
        "unpaidAmount": "0.088",
        "unpaidInterest": "0.00000022",
    },
]


def test_flexible_and_fixed_loans_of_one_coin_are_one_debt() -> None:
    bitcoin, ether = debts_of(FLEXIBLE, BORROWED)
    assert bitcoin == AccountDebt(
        asset="BTC", principal=D("0.088"), interest=D("0.00000022"), annual_rate=D("0.001192640712")
    )
    assert (ether.asset, ether.principal, ether.interest) == ("ETH", D("0.2"), D("0.00000019"))
    assert ether.owed == D("0.20000019")


def test_a_fixed_loan_alone_is_owed_too() -> None:
    (debt,) = debts_of([], BORROWED)
    assert debt == AccountDebt(asset="ETH", principal=D("0.1"), interest=D(0), annual_rate=D(0))


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="'' is not a decimal number"):
        debts_of([FLEXIBLE[0] | {"unpaidAmount": ""}], [])
