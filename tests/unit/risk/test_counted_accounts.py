"""What a venue account counts for in risk: its parts, its age, and what is left out of it.

Invariants:
    A1: what counts of all parts is the sum of what counts of each.
    A2: what this or another strategy hedges with on the account changes nothing, however much of it there is.
    A3: the newest state wins, in whatever order they come.
"""

from decimal import Decimal as D
from typing import Any

import msgspec
import pytest
from account_examples import DEBT, POSITION, account_source, account_state
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.domain.accounts import AccountPart, AccountPosition
from hedgerow.domain.money import ZERO
from hedgerow.risk.partition_risk import PartitionRisk
from hedgerow.schemas.records import AccountInput, AccountState
from hedgerow.schemas.risk_state import RiskState
from hedgerow.strategy.compiled import AccountSource, Freshness

SECOND_NS = 1_000_000_000
SPOT = "BTC/USDT"
PERPETUAL = "BTC/USDT:USDT"
HEDGE_VENUE = "v"


def lender(make: Any, source: AccountSource | None = None) -> PartitionRisk:
    """Band on BTC, hedged in the perpetual on the Venue `v`; it counts an account, which may be 15 s old."""
    config = msgspec.structs.replace(
        make.config(),
        exposure=(),
        accounts=(source or account_source(),),
        freshness=Freshness(quote_ns=100 * SECOND_NS, book_ns=15 * SECOND_NS, account_ns=15 * SECOND_NS),
    )
    risk = PartitionRisk()
    risk.apply(make.generation(config), 0)
    for symbol in (SPOT, PERPETUAL):
        risk.apply(make.mark(symbol), 1)
    return risk


def told(
    risk: PartitionRisk, account: AccountState, now_ns: int = SECOND_NS, hedges: tuple[str, ...] = ()
) -> RiskState:
    record = AccountInput(strategy="demo/btc", routed_ns=now_ns, account=account, hedges=hedges)
    state = risk.apply(record, 2)
    assert state is not None
    return state


def seen(**changes: Any) -> AccountState:
    return account_state(**{"time_ns": SECOND_NS, **changes})


def problems(state: RiskState) -> list[tuple[str, str, str]]:
    return [(item.input, item.code, item.detail) for item in state.problems]


def delta(state: RiskState) -> D:
    (exposure,) = state.exposures
    return exposure.delta


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        ((AccountPart.SPOT,), "-0.5"),
        ((AccountPart.COLLATERAL,), "2"),
        ((AccountPart.DERIVATIVES,), "-1.5"),
        ((AccountPart.LOANS,), "-0.25"),
        ((AccountPart.SPOT, AccountPart.COLLATERAL), "1.5"),
        ((), "-0.25"),
    ],
)
def test_each_part_counts_where_it_is_declared(
    make: Any, count: tuple[AccountPart, ...], expected: str
) -> None:
    owed = (DEBT, msgspec.structs.replace(DEBT, asset="BTC", principal=D("0.2"), interest=D("0.05")))
    state = told(lender(make, account_source(*count)), seen(debts=owed))
    assert (state.ready, state.problems) == (True, ())
    assert delta(state) == D(expected)
    assert state.cause == "account:trading/paper:7"


def test_a_strategy_is_not_ready_until_its_account_was_seen_and_while_it_is_old(make: Any) -> None:
    risk = lender(make)
    unseen = risk.apply(make.mark(PERPETUAL), 2)
    assert unseen is not None
    assert problems(unseen) == [("account:trading/paper", "Missing", "hedge-01 not seen yet")]
    assert told(risk, seen(), 16 * SECOND_NS).ready
    # What is repeated is not made fresh.
    old = told(risk, seen(), 16 * SECOND_NS + 1_000_000)
    assert problems(old) == [("account:trading/paper", "Stale", "15.001 s old, limit 15 s")]
    assert told(risk, seen(sequence=8, time_ns=17 * SECOND_NS), 17 * SECOND_NS).ready


def test_another_account_of_the_venue_is_not_the_declared_one(make: Any) -> None:
    state = told(lender(make), seen(account="hedge-02"))
    assert problems(state) == [("account:trading/paper", "Missing", "hedge-01 not seen yet")]


def test_an_unlisted_contract_on_a_hedged_underlying_is_said_and_others_are_no_concern(make: Any) -> None:
    held = tuple(
        msgspec.structs.replace(POSITION, instrument=symbol) for symbol in ("BTC/USD:BTC", "DOGE/USDT:USDT")
    )
    state = told(lender(make), seen(positions=held, wallet={"DOGE": D(9), "USDT": D(1)}))
    ((name, code, detail),) = problems(state)
    assert (name, code) == ("account:trading/paper", "Unknown")
    assert detail.startswith("holds BTC/USD:BTC; listed are")
    assert delta(state) == 2  # the collateral


amounts = st.decimals(min_value=-1000, max_value=1000, places=8)


def position(symbol: str, quantity: D) -> AccountPosition:
    return msgspec.structs.replace(POSITION, instrument=symbol, quantity=quantity)


@given(wallet=amounts, pledged=amounts.map(abs), perpetual=amounts, owed=amounts.map(abs))
def test_the_parts_add_up(make: Any, wallet: D, pledged: D, perpetual: D, owed: D) -> None:
    """A1."""
    account = seen(
        wallet={"BTC": wallet},
        collateral={"BTC": pledged},
        positions=(position(PERPETUAL, perpetual),),
        debts=(msgspec.structs.replace(DEBT, asset="BTC", principal=owed, interest=ZERO),),
    )
    parts = [delta(told(lender(make, account_source(part)), account)) for part in AccountPart]
    assert sum(parts, ZERO) == delta(told(lender(make), account)) == wallet + pledged + perpetual - owed


@given(wallet=amounts, hedged=amounts)
def test_an_own_hedge_is_not_counted_twice(make: Any, wallet: D, hedged: D) -> None:
    """A2."""
    on_hedge_venue = account_source(venue=HEDGE_VENUE)
    account = seen(
        venue=HEDGE_VENUE,
        wallet={"BTC": wallet},
        collateral={},
        debts=(),
        positions=(position(PERPETUAL, hedged),),
    )
    assert delta(told(lender(make, on_hedge_venue), account)) == wallet


@given(pledged=amounts.map(abs), hedged=amounts)
def test_the_hedge_of_another_strategy_is_no_exposure_of_the_account(
    make: Any, pledged: D, hedged: D
) -> None:
    """A2. What is pledged was no hedge, whatever is hedged with."""
    account = seen(
        wallet={"BTC": hedged},
        collateral={"BTC": pledged},
        debts=(),
        positions=(position(PERPETUAL, hedged),),
    )
    risk = lender(make)
    assert delta(told(risk, account)) == 2 * hedged + pledged
    assert delta(told(risk, account, hedges=(SPOT, PERPETUAL))) == pledged


@given(order=st.permutations([3, 4, 5, 6]))
def test_the_newest_state_wins(make: Any, order: list[int]) -> None:
    """A3."""
    risk = lender(make, account_source(AccountPart.SPOT))
    for sequence in order:
        record = AccountInput(
            strategy="demo/btc",
            routed_ns=SECOND_NS,
            account=seen(sequence=sequence, wallet={"BTC": D(sequence)}),
        )
        risk.apply(record, sequence)
    again = risk.apply(make.mark(PERPETUAL, now_ns=SECOND_NS), 9)
    assert again is not None
    assert delta(again) == 6
    restored = PartitionRisk()
    restored.restore(risk.snapshot())
    assert restored.apply(make.mark(PERPETUAL, now_ns=SECOND_NS), 9) == again
