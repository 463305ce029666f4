"""What risk makes of a loan: debt with interest up to now, collateral at marks and haircuts, and why it cannot."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import hedge_examples as example
import msgspec
import pytest
from account_examples import account_source, account_state

from hedgerow.domain.accounts import AccountDebt, AccountPart
from hedgerow.domain.loans import YEAR_NS, Loan
from hedgerow.hedging.loan_to_value import UNCOVERED, ltv_of
from hedgerow.risk.partition_risk import PartitionRisk
from hedgerow.schemas.codec import Decoder, encode
from hedgerow.schemas.records import AccountInput, MarkInput
from hedgerow.schemas.risk_state import Debt, LoanStanding, RiskState
from hedgerow.strategy.compiled import Haircut

SECOND_NS = 1_000_000_000
SPOT, PERPETUAL, ETH = "BTC/USDT", "BTC/USDT:USDT", "ETH/USDT"


def loan(name: str, asset: str, principal: str, interest: str = "0", rate: str = "0.06") -> Loan:
    return Loan(
        id=name,
        asset=asset,
        principal=Decimal(principal),
        interest=Decimal(interest),
        annual_rate=Decimal(rate),
        since_ns=1,
    )


@pytest.fixture
def risk(make: Any) -> PartitionRisk:
    """An LTV ladder on the books `clients` and `loans`; BTC at 60,000 counts for 95 %."""
    found = PartitionRisk()
    config = make.config(books=("clients", "loans"))
    ladder = example.ladder()
    found.apply(make.generation(msgspec.structs.replace(config, bands=(), loan_to_value=ladder)), 0)
    for symbol in (SPOT, PERPETUAL):
        found.apply(make.mark(symbol), 1)
    return found


def told(risk: PartitionRisk, make: Any, *loans: Loan, held: str = "1", **changes: Any) -> RiskState:
    changes = {"as_of_ns": SECOND_NS, **changes}
    risk.apply(make.book({SPOT: Decimal(held)}), 2)
    state = risk.apply(make.book(loans=loans, book_name="loans", **changes), 3)
    assert state is not None
    return state


def standing(state: RiskState) -> LoanStanding:
    assert (state.ready, state.problems) == (True, ())
    assert state.loan is not None
    return state.loan


def test_debt_with_interest_against_collateral_after_its_haircut(risk: PartitionRisk, make: Any) -> None:
    found = standing(told(risk, make, loan("a", "USDT", "34000", "200"), loan("b", "USD", "3000")))
    assert (found.debt, found.collateral) == (Decimal(37_200), Decimal("57000"))
    assert float(ltv_of(found)) == pytest.approx(37_200 / 57_000)
    assert [(item.asset, item.interest) for item in found.debts] == [
        ("USD", Decimal(0)),
        ("USDT", Decimal(200)),
    ]


def test_interest_accrues_from_the_time_that_the_book_tells_of(risk: PartitionRisk, make: Any) -> None:
    """SEEDS' loan: 16,200 at 6 % owes 972 after a year."""
    a_year_ago = SECOND_NS - YEAR_NS
    found = standing(told(risk, make, loan("a", "USDT", "16200", "10"), as_of_ns=a_year_ago))
    assert found.debts == (
        Debt(asset="USDT", quantity=Decimal(17_182), interest=Decimal(982), price=Decimal(1)),
    )


def test_a_debt_in_a_coin_moves_with_its_price(risk: PartitionRisk, make: Any) -> None:
    state = told(risk, make, loan("a", "BTC", "0.25"))
    assert standing(state).debt == Decimal(15_000)
    assert [item.delta for item in state.exposures] == [Decimal("0.75")]
    dearer = risk.apply(make.mark(SPOT, sequence=2, mid=80_000.0), 4)
    assert dearer is not None
    assert standing(dearer).debt == Decimal(20_000)


def test_contracts_are_no_collateral_and_what_is_short_counts_in_full(risk: PartitionRisk, make: Any) -> None:
    risk.apply(make.book({SPOT: Decimal(-1), PERPETUAL: Decimal(5)}), 2)
    state = risk.apply(make.book(loans=(loan("a", "USDT", "100"),), book_name="loans"), 3)
    assert state is not None
    assert standing(state).collateral == Decimal(-60_000)
    assert ltv_of(standing(state)) == UNCOVERED


def test_an_asset_without_a_haircut_is_no_collateral_and_needs_no_quote(
    risk: PartitionRisk, make: Any
) -> None:
    risk.apply(make.book({SPOT: Decimal(1), ETH: Decimal(100)}), 2)
    state = risk.apply(make.book(loans=(loan("a", "USDT", "100"),), book_name="loans"), 3)
    assert state is not None
    assert [item.asset for item in standing(state).covers] == ["BTC"]


def test_nothing_held_is_no_collateral_and_a_debt_then_is_uncovered(risk: PartitionRisk, make: Any) -> None:
    found = standing(told(risk, make, loan("a", "USDT", "100"), held="0"))
    assert (found.covers, ltv_of(found)) == ((), UNCOVERED)


def test_without_loans_there_is_no_debt(risk: PartitionRisk, make: Any) -> None:
    assert ltv_of(standing(told(risk, make))) == 0


def test_every_collateral_asset_needs_its_quote(make: Any) -> None:
    """ETH covers the loan and is not hedged."""
    haircuts = (
        Haircut(asset="BTC", haircut=Decimal("0.95")),
        Haircut(asset="ETH", haircut=Decimal("0.9")),
    )
    config = msgspec.structs.replace(
        make.config(books=("clients", "loans")), bands=(), loan_to_value=example.ladder(haircuts=haircuts)
    )
    assert (config.underlyings, config.priced) == ({"BTC"}, {"BTC", "ETH"})
    risk = PartitionRisk()
    inputs = [make.generation(config), make.mark(PERPETUAL), make.book({ETH: Decimal(10)})]
    inputs.append(make.book(loans=(loan("a", "USDT", "9000"),), book_name="loans", as_of_ns=SECOND_NS))
    states = [risk.apply(record, offset) for offset, record in enumerate(inputs)]
    assert states[-1] is not None
    assert [(item.input, item.code) for item in states[-1].problems] == [("quote:ETH/USDT", "Missing")]
    assert states[-1].loan is None
    state = risk.apply(make.mark(ETH, mid=2_000.0), 9)
    assert state is not None
    assert float(ltv_of(standing(state))) == pytest.approx(9_000 / 18_000)


@pytest.mark.parametrize("owed", ["ETH", "NVDA"])
def test_a_debt_whose_price_is_not_followed_is_said(risk: PartitionRisk, make: Any, owed: str) -> None:
    state = told(risk, make, loan("a", owed, "1"))
    assert not state.ready
    assert [(item.input, item.code) for item in state.problems] == [("book:loans", "Unknown")]
    assert "give it a haircut in policy.loanToValue.haircuts" in state.problems[0].detail


def test_a_debt_that_is_told_as_positions_is_said(risk: PartitionRisk, make: Any) -> None:
    risk.apply(make.book({SPOT: Decimal(1)}), 2)
    state = risk.apply(make.book({SPOT: Decimal(1)}, book_name="loans"), 3)
    assert state is not None
    assert [(item.input, item.code) for item in state.problems] == [("book:loans", "Invalid")]
    assert state.loan is None


def test_a_debt_that_was_not_told_yet_is_missing_and_not_zero(risk: PartitionRisk, make: Any) -> None:
    state = risk.apply(make.book({SPOT: Decimal(1)}), 2)
    assert state is not None
    assert [(item.input, item.code) for item in state.problems] == [("book:loans", "Missing")]
    assert state.loan is None


def test_an_invalid_quote_leaves_the_loan_without_a_value(risk: PartitionRisk, make: Any) -> None:
    told(risk, make, loan("a", "USDT", "100"))
    state = risk.apply(make.mark(SPOT, sequence=2, valid=False), 4)
    assert state is not None
    assert not state.ready
    assert state.loan is None


def lender(
    make: Any,
    *count: AccountPart,
    haircuts: dict[str, str] | None = None,
    marks: Sequence[MarkInput] = (),
    legs: tuple[str, ...] = (PERPETUAL,),
    **changes: Any,
) -> RiskState:
    """Only a venue account, which is owed to and which covers the loan."""
    declared = {"BTC": "0.95"} if haircuts is None else haircuts
    ladder = example.ladder(
        debt="account",
        haircuts=tuple(Haircut(asset=asset, haircut=Decimal(share)) for asset, share in declared.items()),
    )
    freshness = msgspec.structs.replace(make.config().freshness, account_ns=15 * SECOND_NS)
    config = msgspec.structs.replace(
        make.config(legs=legs),
        bands=(),
        exposure=(),
        accounts=(account_source(*count),),
        loan_to_value=ladder,
        freshness=freshness,
    )
    risk = PartitionRisk()
    inputs = [make.generation(config), make.mark(SPOT), make.mark(PERPETUAL), *marks]
    for offset, record in enumerate(inputs):
        risk.apply(record, offset)
    account = account_state(time_ns=SECOND_NS, positions=(), **changes)
    state = risk.apply(AccountInput(strategy="demo/btc", routed_ns=SECOND_NS, account=account), 9)
    assert state is not None
    return state


OWED = AccountDebt(
    asset="USDT", principal=Decimal(59_000), interest=Decimal(1_000), annual_rate=Decimal("0.06")
)


def test_an_account_owes_and_covers(make: Any) -> None:
    pledged = {"collateral": {"BTC": Decimal(2)}, "debts": (OWED,), "wallet": {"BTC": Decimal(1)}}
    found = standing(lender(make, AccountPart.COLLATERAL, AccountPart.LOANS, **pledged))
    assert (found.debt, found.collateral) == (Decimal(60_000), Decimal("114000"))
    assert found.debts[0].interest == 1_000
    with_wallet = standing(lender(make, AccountPart.COLLATERAL, AccountPart.SPOT, **pledged))
    assert with_wallet.collateral == Decimal("171000")


@pytest.mark.parametrize(
    ("quotes", "code"),
    [
        ([], "Missing"),
        ([{"valid": False}], "Invalid"),
        ([{"time_ns": -9 * SECOND_NS}], "Stale"),
    ],
)
def test_a_coin_that_an_account_owes_is_valued_at_a_good_quote_or_not_at_all_though_it_is_no_exposure(
    make: Any, quotes: list[dict[str, Any]], code: str
) -> None:
    owed = AccountDebt(asset="ETH", principal=Decimal(1), interest=Decimal(0), annual_rate=Decimal(0))
    state = lender(
        make,
        AccountPart.COLLATERAL,
        haircuts={"BTC": "0.95", "ETH": "0.9"},
        marks=[make.mark(ETH, **quote) for quote in quotes],
        collateral={"BTC": Decimal(2)},
        debts=(owed,),
        wallet={},
    )
    assert [(item.input, item.code) for item in state.problems] == [("quote:ETH/USDT", code)]


def test_a_coin_that_is_called_as_a_hedged_index_is_has_no_price(make: Any) -> None:
    owed = AccountDebt(asset="SPX", principal=Decimal(1), interest=Decimal(0), annual_rate=Decimal(0))
    state = lender(make, legs=(PERPETUAL, "SPX/USD:USD-301220"), collateral={}, debts=(owed,), wallet={})
    assert ("account:trading/paper", "Unknown") in [(item.input, item.code) for item in state.problems]


def test_money_in_an_account_covers_with_a_haircut_and_below_zero_without_one(make: Any) -> None:
    there = {"collateral": {"USDT": Decimal(1_000)}, "debts": (OWED,)}
    covered = lender(make, haircuts={"BTC": "0.95", "USDT": "0.9"}, wallet={}, **there)
    assert standing(covered).collateral == Decimal(900)
    borrowed = lender(make, wallet={"USDT": Decimal(-5_000)}, collateral={}, debts=())
    assert standing(borrowed).collateral == Decimal(-5_000)


def test_an_account_that_was_not_seen_is_missing_and_not_without_debt(make: Any) -> None:
    state = lender(make, account="another")
    assert [(item.input, item.code) for item in state.problems] == [("account:trading/paper", "Missing")]
    assert state.loan is None


def test_a_replay_and_a_restart_write_the_same_bytes(risk: PartitionRisk, make: Any) -> None:
    state = told(risk, make, loan("a", "USDT", "34000", "0.1"))
    restored = PartitionRisk()
    restored.restore(risk.snapshot())
    repeated = make.mark(SPOT, sequence=2, now_ns=7 * SECOND_NS)
    one, other = restored.apply(repeated, 6), risk.apply(repeated, 6)
    assert one is not None
    assert other is not None
    assert encode(one) == encode(other)
    assert Decoder[RiskState](RiskState).decode(encode(state)) == state
