"""Each control at the claim: just inside its limit it lets pass, just outside it refuses with its own code."""

import pytest
from control_cases import LIMITS, SHADOW
from control_facts import code_of, facts

from hedgerow.execution.claim_facts import RefusalCode
from hedgerow.execution.controls import check


def test_the_base_case_passes() -> None:
    assert check(facts()) is None


def test_every_code_is_in_the_table() -> None:
    """But one, which the ledger itself gives: a config that cannot be read is none to check."""
    assert {code for _, _, code, _ in LIMITS.values()} == set(RefusalCode) - {RefusalCode.UNREADABLE}


@pytest.mark.parametrize("name", list(LIMITS))
def test_just_inside_its_limit_an_order_passes(name: str) -> None:
    assert check(facts(**LIMITS[name][0])) is None


@pytest.mark.parametrize("name", list(LIMITS))
def test_just_outside_its_limit_it_is_refused_with_code_and_numbers(name: str) -> None:
    _, outside, code, words = LIMITS[name]
    refusal = check(facts(**outside))
    assert refusal is not None
    assert refusal.code is code
    assert words in refusal.detail


def test_shadow_needs_no_enabled_venue_and_no_paper_environment() -> None:
    assert check(facts(**SHADOW, trading_enabled=False, environment="Testnet")) is None


def test_a_halt_is_named_before_everything_else() -> None:
    everything = facts(
        halts=("All halted by cli: drill",),
        decided_ns=0,
        config=None,
        ticker=None,
        orders_last_minute=10**6,
    )
    assert code_of(everything) is RefusalCode.HALTED
