"""What reduces a position goes through a breached limit, and through nothing else."""

from decimal import Decimal

import hedge_examples as example
import pytest
from control_cases import ACCOUNT_LOSS
from control_facts import Changes, code_of, facts

from hedgerow.domain.orders import Side
from hedgerow.execution.claim_facts import RefusalCode, reduces
from hedgerow.execution.controls import check


@pytest.mark.parametrize(
    ("position", "at_venue", "side", "nearer"),
    [
        ("0", "0", Side.SELL, False),
        ("0.6", "0", Side.SELL, True),
        ("0.5", "0", Side.SELL, True),
        ("0.25", "0", Side.SELL, False),  # -0.25 is as far from zero
        ("0.26", "0", Side.SELL, True),
        ("0.1", "0", Side.SELL, False),
        ("-0.6", "0", Side.SELL, False),
        ("-0.6", "0", Side.BUY, True),
        ("0.6", "-0.6", Side.SELL, False),  # an order on its way already closes it
        ("0", "0.6", Side.SELL, True),
    ],
)
def test_an_order_reduces_when_it_ends_nearer_to_zero_with_all_at_the_venue_counted(
    position: str, at_venue: str, side: Side, nearer: bool
) -> None:
    assert reduces(facts(side=side, position=Decimal(position), at_venue=Decimal(at_venue))) is nearer


REDUCING: Changes = {"position": Decimal(40), "max_position_notional": Decimal(60_000)}


def test_a_breached_position_limit_never_stops_an_order_that_reduces() -> None:
    assert check(facts(**REDUCING)) is None
    assert code_of(facts(**{**REDUCING, "position": Decimal(-40)})) is RefusalCode.POSITION_NOTIONAL


BREACHED: dict[str, Changes] = {
    "position": {},
    "gross": {"account_gross_notional": Decimal(10**8)},
    "liquidation": {
        "liquidation_price": Decimal(60_001),
        "config": example.strategy(limits=example.limits(min_liquidation_distance=Decimal("0.25"))),
    },
    "turnover": {"turnover_today": Decimal(10**9), "max_daily_turnover": Decimal(1)},
    "loss": {"loss_today": Decimal(10**9), "max_daily_loss": Decimal(1)},
    "the account's loss": {"account_loss_today": Decimal(10**9), **ACCOUNT_LOSS},
    "a loss that cannot be told": {"unmarked": ("ETH/USDT:USDT",), "max_daily_loss": Decimal(1)},
    "funds": {"funds": example.funds("0")},
    "funds that are not known": {"funds": None},
    "funds of another account": {
        "config": example.strategy(
            execution=example.execution(together=True),
            limits=example.limits(max_position_notional=Decimal(10**9)),
        ),
        "companions": (example.other_order(account="hedge-02"),),
    },
    "repetition": {"repeated_orders": 10**6, "max_repeated_orders": 1},
}


@pytest.mark.parametrize("name", list(BREACHED))
def test_a_breached_limit_lets_through_what_reduces_and_nothing_else(name: str) -> None:
    breached = {**REDUCING, **BREACHED[name]}
    assert check(facts(**breached)) is None
    assert check(facts(**{**breached, "position": Decimal(-40)})) is not None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"halts": ("All halted by cli: drill",)}, RefusalCode.HALTED),
        ({"max_order_notional": Decimal(100)}, RefusalCode.ORDER_NOTIONAL),
        ({"limit_price": Decimal("50000.0")}, RefusalCode.PRICE_COLLAR),
        ({"ticker": None}, RefusalCode.STALE_TICKER),
        ({"orders_last_second": 5}, RefusalCode.ORDER_RATE),
    ],
)
def test_every_other_control_holds_for_an_order_that_reduces_too(changes: Changes, code: RefusalCode) -> None:
    assert code_of(facts(**REDUCING, **changes)) is code
