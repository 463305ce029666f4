"""What Prometheus is told of a loan and its LTV ladder."""

from decimal import Decimal
from typing import Any

import hedge_examples as example
import msgspec
import pytest
from prometheus_client import CollectorRegistry

from hedgerow.hedging.decide import decide
from hedgerow.hedging.ladder import LadderStanding, LtvState
from hedgerow.hedging.snapshot import PolicyState
from hedgerow.schemas.problem_codes import STALE
from hedgerow.schemas.risk_state import InputProblem, LoanStanding, RiskState
from hedgerow.strategy.compiled import CompiledStrategy
from hedgerow_hedging.strategy_metrics import StrategyMetrics, View

STRATEGY = "desk/btc-treasury"
STALE_BOOK = InputProblem(input="book:loans", code=STALE, detail="9.000 s old, limit 5 s")
LADDER = example.ladder(liquidation_ltv=Decimal("0.95"))


class Told:
    """The series of one strategy, after one decision."""

    def __init__(
        self,
        loan: LoanStanding | None,
        config: CompiledStrategy | None = None,
        remembers: LtvState | None = None,
        **changes: Any,
    ) -> None:
        known = None if remembers is None else LadderStanding(state=remembers, since_ns=example.NOW_NS)
        risk: RiskState = example.risk("1", loan=loan, **changes)
        ledger = example.snapshot(
            config=config or example.by_ltv(LADDER), policy_state=PolicyState(ladder=known)
        )
        metrics = StrategyMetrics()
        metrics.show(STRATEGY, View(risk=risk, ledger=ledger, decision=decide(risk, ledger)))
        self._registry = CollectorRegistry()
        self._registry.register(metrics)

    def value(self, name: str, **labels: str) -> float | None:
        return self._registry.get_sample_value(f"hedgerow_{name}", {"strategy": STRATEGY, **labels})

    @property
    def states(self) -> list[LtvState]:
        return [state for state in LtvState if self.value("ltv_state", state=state.value) == 1]


def test_ltv_state_and_distance_are_told_as_the_newest_decision_left_them() -> None:
    told = Told(example.loan("0.82"), remembers=LtvState.NORMAL)
    assert told.value("loan_valued") == 1
    assert told.value("loan_ltv_ratio") == pytest.approx(0.82)
    assert told.states == [LtvState.DANGER]
    assert told.value("loan_liquidation_distance_ratio", asset="BTC") == pytest.approx(1 - 0.82 / 0.95)


def test_a_loan_that_the_lender_may_sell_is_at_no_distance() -> None:
    told = Told(example.loan("0.96"))
    assert told.value("loan_liquidation_distance_ratio", asset="BTC") == 0
    assert told.states == [LtvState.CRITICAL]


def test_a_debt_that_nothing_covers_is_infinite() -> None:
    told = Told(msgspec.structs.replace(example.loan(), covers=()))
    assert told.value("loan_ltv_ratio") == float("inf")


def test_what_cannot_be_valued_is_told_as_such_and_the_ladder_stands() -> None:
    """With an input too old an LTV would look like news."""
    told = Told(example.loan("0.5"), remembers=LtvState.DANGER, ready=False, problems=(STALE_BOOK,))
    assert told.value("loan_valued") == 0
    assert told.value("loan_ltv_ratio") is None
    assert told.value("loan_liquidation_distance_ratio", asset="BTC") is None
    assert told.states == [LtvState.DANGER]


def test_no_distance_without_the_lenders_ltv() -> None:
    told = Told(example.loan(), config=example.by_ltv(example.ladder()))
    assert told.value("loan_valued") == 1
    assert told.value("loan_liquidation_distance_ratio", asset="BTC") is None


def test_a_strategy_without_a_ladder_tells_nothing_of_one() -> None:
    told = Told(None, config=example.strategy())
    assert told.value("loan_valued") is None
    assert told.states == []
