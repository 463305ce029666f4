"""How many calls a venue account may still make.

C1. A cancel never waits.
C2. Questions alone never take what is kept for orders: after any number of them that waited their turn, an order goes
    out at once.
C3. Over any stretch of time, orders and questions that wait their turn stay within burst + rate x time.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.execution.call_budget import (
    BUDGETS,
    SECOND_NS,
    CallBudget,
    CallKind,
    full_budget,
    spent,
    told,
    wait_ns,
)

NOW = 1_900_000_000 * SECOND_NS
BYBIT = full_budget(BUDGETS["bybit"], NOW)
STEPS = st.lists(st.tuples(st.sampled_from(CallKind), st.integers(0, SECOND_NS // 10)), max_size=300)


def run(budget: CallBudget, steps: list[tuple[CallKind, int]]) -> tuple[CallBudget, int, float]:
    """Make each call after its pause, and after it has waited its turn: the budget, the time, the weight used."""
    now, used = NOW, 0.0
    for kind, pause in steps:
        now += pause
        now += wait_ns(budget, kind, now)
        budget = spent(budget, kind, now)
        used += budget.rules.weights[kind]
    return budget, now, used


@given(st.sampled_from(sorted(BUDGETS)), STEPS, st.booleans())
def test_a_cancel_never_waits(venue: str, steps: list[tuple[CallKind, int]], refused: bool) -> None:
    """C1."""
    budget, now, _ = run(full_budget(BUDGETS[venue], NOW), steps)
    budget = told(budget, CallKind.CANCEL, refused, {"retry-after": "30"}, 0, now)
    assert wait_ns(budget, CallKind.CANCEL, now) == 0


@given(st.sampled_from(sorted(BUDGETS)), st.integers(0, 500))
def test_questions_never_hold_an_order_up(venue: str, questions: int) -> None:
    """C2."""
    budget, now, _ = run(full_budget(BUDGETS[venue], NOW), [(CallKind.QUERY, 0)] * questions)
    assert wait_ns(budget, CallKind.ORDER, now) == 0


@given(st.sampled_from(sorted(BUDGETS)), STEPS)
def test_what_waits_its_turn_stays_within_the_allowance(
    venue: str, steps: list[tuple[CallKind, int]]
) -> None:
    """C3."""
    waiting = [step for step in steps if step[0] is not CallKind.CANCEL]
    budget, now, used = run(full_budget(BUDGETS[venue], NOW), waiting)
    rules = budget.rules
    assert used <= rules.burst + rules.per_second * (now - NOW) / SECOND_NS + 1e-6


@pytest.mark.parametrize(
    ("headers", "too_many", "ahead_ms", "expected_s"),
    [
        ({}, False, 0, 0),
        ({"x-bapi-limit-status": "3"}, False, 0, 0),
        (
            {"x-bapi-limit-status": "0", "x-bapi-limit-reset-timestamp": f"{NOW // 10**6 + 700}"},
            False,
            0,
            0.7,
        ),
        (
            {"x-bapi-limit-status": "0", "x-bapi-limit-reset-timestamp": f"{NOW // 10**6 + 700}"},
            True,
            500,
            0.2,
        ),
        ({"x-bapi-limit-status": "0", "x-bapi-limit-reset-timestamp": f"{NOW // 10**6 - 9}"}, True, 0, 0),
        ({"retry-after": "12"}, True, 0, 12),
        ({"retry-after": "7200"}, True, 0, 60),
        ({"retry-after": "soon"}, True, 0, 1),
        ({}, True, 0, 1),
    ],
)
def test_the_venues_word_closes_its_kind_of_call_until_its_time(
    headers: dict[str, str], too_many: bool, ahead_ms: int, expected_s: float
) -> None:
    budget = told(BYBIT, CallKind.ORDER, too_many, headers, ahead_ms, NOW)
    assert wait_ns(budget, CallKind.ORDER, NOW) == pytest.approx(expected_s * SECOND_NS)
    assert wait_ns(budget, CallKind.ORDER, NOW + int(expected_s * SECOND_NS) + 1) == 0
    assert wait_ns(budget, CallKind.QUERY, NOW) == 0
