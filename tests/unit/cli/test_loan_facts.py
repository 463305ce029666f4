"""What `explain` says of a loan and its ladder."""

from decimal import Decimal

import hedge_examples as example
import msgspec
import pytest

from hedgerow.cli.explanation import Facts, explain
from hedgerow.cli.loan_facts import loan_fact, loan_words
from hedgerow.hedging.ladder import LadderStanding, LtvState
from hedgerow.hedging.snapshot import LedgerSnapshot, PolicyState
from hedgerow.schemas.records import StrategyPublished
from hedgerow.schemas.risk_state import LoanStanding, RiskState

SINCE_NS = example.NOW_NS - 40 * example.SECOND_NS


def situation(ltv: str = "0.8", liquidation: str | None = "0.95") -> tuple[RiskState, LedgerSnapshot]:
    ladder = example.ladder(liquidation_ltv=None if liquidation is None else Decimal(liquidation))
    state = PolicyState(ladder=LadderStanding(state=LtvState.DANGER, since_ns=SINCE_NS))
    risk = example.risk("1", loan=example.loan(ltv))
    return risk, example.snapshot(config=example.by_ltv(ladder), policy_state=state)


def test_the_sum_the_ways_back_and_the_liquidation_are_told() -> None:
    risk, ledger = situation()
    fact = loan_fact(risk, ledger)
    assert fact is not None
    assert (fact.state, fact.since_ns, fact.target) == ("Danger", SINCE_NS, Decimal("0.645"))
    (way,) = fact.remedies
    price, haircut = Decimal("60000.1"), Decimal("0.95")
    assert fact.repay == Decimal("15500")
    assert float(way.add * price * haircut) == pytest.approx(80_000 / 0.645 - 100_000)
    assert way.hedge is not None
    assert float(way.hedge * price) == pytest.approx(15_500 / (1 - 0.645 * 0.95))
    assert way.liquidation_price is not None
    assert float(way.liquidation_price) == pytest.approx(60000.1 * 0.8 / 0.95)
    said = list(loan_words(fact, ledger.read_ns, "USD"))
    assert said[0] == (
        "Loan: LTV 0.8000, Danger for 40 s: owes 80,000.00 USD, of it interest 0.00, against 100,000.00 after haircuts."
    )
    assert said[1].endswith("at 60000.1, counts for 95%.")
    assert said[2].startswith("To come back to an LTV of 0.645: repay 15,500.00 USD, or add 0.4")
    assert said[3] == ("The lender sells at BTC 50,526.40, which is 15.79% away, if nothing else moves.")


def test_a_loan_past_the_lenders_ltv_is_said_to_be_and_has_no_way_to_go() -> None:
    risk, ledger = situation("0.97")
    fact = loan_fact(risk, ledger)
    assert fact is not None
    assert [way.distance for way in fact.remedies] == [0]
    said = list(loan_words(fact, ledger.read_ns, "USD"))
    assert said[-1] == "The lender may sell now: the LTV is at policy.loanToValue.liquidationLtv or above."


def test_below_caution_there_is_nothing_to_bring_back() -> None:
    risk, ledger = situation("0.5", liquidation=None)
    fact = loan_fact(risk, ledger)
    assert fact is not None
    assert (fact.repay, [way.add for way in fact.remedies]) == (0, [0])
    assert len(list(loan_words(fact, ledger.read_ns, "USD"))) == 2


def test_a_debt_that_nothing_covers_is_told_in_words_and_as_json() -> None:
    risk, ledger = situation()
    owed = LoanStanding(debts=example.loan().debts, covers=())
    fact = loan_fact(msgspec.structs.replace(risk, loan=owed), ledger)
    assert fact is not None
    assert (fact.ltv, fact.state) == (None, "Critical")
    assert next(loan_words(fact, ledger.read_ns, "USD")).startswith(
        "Loan: nothing covers the debt, Critical for 0 s"
    )
    assert msgspec.json.decode(msgspec.json.encode(fact))["ltv"] is None


def test_a_step_without_an_order_is_explained() -> None:
    risk, ledger = situation("0.95")
    flat = msgspec.structs.replace(risk, exposures=example.risk("0").exposures)
    facts = Facts(
        published=StrategyPublished(
            uid=example.UID, generation=1, revision="r1", published_ns=1, config=ledger.config
        ),
        ledger=ledger,
        risk=flat,
        books=[],
        accounts=[],
        hedges={},
        venues=[example.venue()],
        recent=[],
        acknowledged=[],
    )
    found = explain(facts)
    assert found.now == [
        "It sends nothing: it remembers that the LTV ladder is at Critical now, and decides anew."
    ]
    assert found.loan is not None
    assert found.bands[0].rule.startswith(
        "LTV 0.9500 (debt 95,000.00 / collateral 100,000.00) is Critical -> 100.00%"
    )


def test_without_a_ladder_there_is_no_loan() -> None:
    assert loan_fact(example.risk("1", loan=example.loan()), example.snapshot()) is None
