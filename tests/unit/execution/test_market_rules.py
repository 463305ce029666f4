"""A venue's market is compared with our listing of it before anything is sent there: nothing is rounded to fit."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from hedgerow.domain.instruments import find_instrument
from hedgerow.execution.venue_checks import MarketRules, market_problems

BTC = find_instrument("BTC/USDT:USDT")
SPX = find_instrument("SPX/USD:USD-301220")
AS_LISTED = MarketRules(
    active=True,
    contract_size=Decimal(1),
    tick_size=Decimal("0.10"),
    lot_size=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    min_notional=Decimal(5),
)


def test_a_market_as_it_is_listed_has_no_problems() -> None:
    assert market_problems(BTC, AS_LISTED) == []


def test_a_contract_of_several_units_is_compared_in_the_venues_contracts() -> None:
    """Five index points are a contract here; the venue counts in single ones, so its lot is five of them."""
    fits = MarketRules(
        active=True,
        contract_size=Decimal(1),
        tick_size=SPX.tick_size,
        lot_size=Decimal(5),
        min_quantity=Decimal(5),
        min_notional=SPX.min_notional,
    )
    assert market_problems(SPX, fits) == []
    (problem,) = market_problems(SPX, msgspec.structs.replace(fits, lot_size=Decimal(1)))
    assert problem == "the lot of SPX/USD:USD-301220 is 5 of the venue's contracts here and 1 at the venue"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"tick_size": Decimal("0.5")}, "the tick of BTC/USDT:USDT is 0.1 USDT here and 0.5 at the venue"),
        ({"tick_size": Decimal("0.01")}, "the tick of BTC/USDT:USDT is 0.1 USDT here and 0.01 at the venue"),
        ({"tick_size": None}, "the tick of BTC/USDT:USDT is 0.1 USDT here and not told by the venue"),
        (
            {"lot_size": Decimal("0.01")},
            "the lot of BTC/USDT:USDT is 0.001 of the venue's contracts here and 0.01 at",
        ),
        (
            {"min_quantity": Decimal("0.002")},
            "the smallest order of BTC/USDT:USDT is 0.001 of the venue's contracts",
        ),
        (
            {"min_notional": Decimal(10)},
            "the smallest notional of BTC/USDT:USDT is 5 USDT here and 10 at the venue",
        ),
        ({"contract_size": Decimal(10)}, "a contract of BTC/USDT:USDT is 1 BTC here and 10 at the venue"),
        ({"active": False}, "BTC/USDT:USDT is listed at the venue and not traded now"),
    ],
)
def test_each_difference_is_said_with_both_values(change: dict[str, Any], expected: str) -> None:
    (problem,) = market_problems(BTC, msgspec.structs.replace(AS_LISTED, **change))
    assert problem.startswith(expected)


def test_a_contract_of_another_size_is_never_converted_into_the_same_quantity_by_chance() -> None:
    """Its lot and minimum are counted in its own contracts, so that the difference shows in each of them."""
    tenth = msgspec.structs.replace(AS_LISTED, contract_size=Decimal("0.1"))
    assert [problem.partition(" of ")[0] for problem in market_problems(BTC, tenth)] == [
        "the lot",
        "the smallest order",
    ]


def test_a_market_that_the_venue_does_not_have_is_said() -> None:
    assert market_problems(BTC, None) == ["the venue does not list BTC/USDT:USDT"]


def test_every_problem_is_said_at_once() -> None:
    worse = msgspec.structs.replace(AS_LISTED, tick_size=Decimal(1), min_notional=None)
    assert len(market_problems(BTC, worse)) == 2
