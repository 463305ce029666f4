"""What a book of loans is to risk: who owes a coin is short of it."""

from decimal import Decimal
from typing import Any

import pytest

from hedgerow.domain.loans import Loan
from hedgerow.risk.partition_risk import PartitionRisk
from hedgerow.schemas.codec import Decoder, encode
from hedgerow.schemas.records import RiskInput
from hedgerow.schemas.risk_state import RiskState

SPOT = "BTC/USDT"
PERPETUAL = "BTC/USDT:USDT"


def loan(name: str, asset: str, principal: str, interest: str = "0") -> Loan:
    return Loan(
        id=name,
        asset=asset,
        principal=Decimal(principal),
        interest=Decimal(interest),
        annual_rate=Decimal("0.06"),
        since_ns=1,
        collateral={"BTC": Decimal("0.5")},
    )


@pytest.fixture
def risk(make: Any) -> PartitionRisk:
    """Band on BTC; it reads the books `clients` and `loans`."""
    risk = PartitionRisk()
    risk.apply(make.generation(make.config(books=("clients", "loans"))), 0)
    for symbol in (SPOT, PERPETUAL):
        risk.apply(make.mark(symbol), 1)
    return risk


def test_a_debt_in_the_underlying_is_a_short_and_one_in_money_is_not(risk: PartitionRisk, make: Any) -> None:
    risk.apply(make.book({SPOT: Decimal(3)}), 2)
    owed = (loan("a", "BTC", "1", "0.25"), loan("b", "BTC", "0.5"), loan("c", "USDT", "16200", "12.5"))
    state = risk.apply(make.book(loans=owed, book_name="loans"), 3)
    assert state is not None
    assert (state.ready, state.problems) == (True, ())
    assert [(item.underlying, item.delta) for item in state.exposures] == [("BTC", Decimal("1.25"))]


def test_pledged_collateral_is_counted_where_it_is_held_and_nowhere_else(
    risk: PartitionRisk, make: Any
) -> None:
    risk.apply(make.book({SPOT: Decimal("0.5")}), 2)
    state = risk.apply(make.book(loans=(loan("a", "USDT", "16200"),), book_name="loans"), 3)
    assert state is not None
    assert state.exposures[0].delta == Decimal("0.5")


def test_a_debt_in_something_that_is_not_listed_is_said(risk: PartitionRisk, make: Any) -> None:
    risk.apply(make.book({}), 2)
    state: RiskState | None = risk.apply(make.book(loans=(loan("a", "DOGE", "1"),), book_name="loans"), 3)
    assert state is not None
    assert not state.ready
    (problem,) = state.problems
    assert (problem.input, problem.code) == ("book:loans", "Unknown")
    assert problem.detail.startswith("holds DOGE; listed are")


def test_repaid_loans_leave_a_book_that_owes_nothing(risk: PartitionRisk, make: Any) -> None:
    risk.apply(make.book({SPOT: Decimal(3)}), 2)
    risk.apply(make.book(loans=(loan("a", "BTC", "1"),), book_name="loans"), 3)
    state = risk.apply(make.book(loans=(), book_name="loans", sequence=2), 4)
    assert state is not None
    assert (state.ready, state.exposures[0].delta) == (True, Decimal(3))


def test_loans_are_the_same_after_the_wire(make: Any) -> None:
    told = make.book(loans=(loan("a", "BTC", "1.5", "0.000000000001"),), book_name="loans")
    assert Decoder[RiskInput](RiskInput).decode(encode(told)) == told
