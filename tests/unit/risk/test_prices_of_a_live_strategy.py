"""Nobody trades real money on other prices than those of where it is traded."""

from decimal import Decimal
from typing import Any

import hedge_examples as example
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.domain.price_sources import TAPE, venue_prices
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Decision, Hedge, Hold, HoldReason
from hedgerow.hedging.snapshot import HeldPosition
from hedgerow.risk.partition_risk import PartitionRisk
from hedgerow.schemas.risk_state import RiskState
from hedgerow.strategy.compiled import CompiledStrategy, Mode

SPOT, PERPETUAL = "BTC/USDT", "BTC/USDT:USDT"
SECOND_NS = 1_000_000_000
TESTNET = venue_prices("bybit", "Testnet")
OTHERS = [
    TAPE,
    venue_prices("bybit", "Mainnet"),
    venue_prices("binance", "Testnet"),
    f"{TESTNET} by way of http://x",
]


def live(make: Any) -> CompiledStrategy:
    config: CompiledStrategy = make.config()
    at_once = example.execution(cooldown_ns=0)
    return msgspec.structs.replace(config, mode=Mode.LIVE, priced_by=TESTNET, execution=at_once)


def priced(make: Any, source: str, symbol: str = PERPETUAL, **changes: Any) -> Any:
    record = make.mark(symbol, **changes)
    return msgspec.structs.replace(record, quote=msgspec.structs.replace(record.quote, source=source))


def states(config: CompiledStrategy, *records: Any, make: Any) -> list[RiskState]:
    """The risk state after each."""
    risk = PartitionRisk()
    found = [risk.apply(item, offset) for offset, item in enumerate([make.generation(config), *records])]
    return [state for state in found if state is not None]


def decided(state: RiskState, config: CompiledStrategy, held: str = "0") -> Decision:
    position = HeldPosition(venue="v", account="a", instrument=PERPETUAL, quantity=Decimal(held))
    return decide(state, example.snapshot(config=config, read_ns=state.time_ns, positions=(position,)))


def test_at_its_venues_own_prices_it_trades(make: Any) -> None:
    config = live(make)
    *_, last = states(
        config,
        make.book({SPOT: Decimal(5)}),
        priced(make, TESTNET, SPOT),
        priced(make, TESTNET),
        make=make,
    )
    assert last.ready
    assert isinstance(decided(last, config), Hedge)


@pytest.mark.parametrize("source", OTHERS, ids=["tape", "mainnet", "another venue", "another address"])
@pytest.mark.parametrize("foreign", [SPOT, PERPETUAL], ids=["of what is held", "of its leg"])
def test_one_price_from_elsewhere_and_nothing_is_decided(make: Any, source: str, foreign: str) -> None:
    config = live(make)
    own = PERPETUAL if foreign == SPOT else SPOT
    *_, last = states(
        config,
        make.book({SPOT: Decimal(5)}),
        priced(make, TESTNET, own),
        priced(make, source, foreign),
        make=make,
    )
    (problem,) = last.problems
    assert (problem.input, problem.code) == (f"quote:{foreign}", "Invalid")
    assert f"prices of {source or 'a tape'}, and mode Live on bybit Testnet" in problem.detail
    held = decided(last, config)
    assert isinstance(held, Hold)
    assert held.reason is HoldReason.NOT_READY


def test_a_hedge_is_not_even_taken_off_at_other_prices(make: Any) -> None:
    config = msgspec.structs.replace(live(make), flatten=True)
    *_, last = states(config, make.book({}), priced(make, TAPE), make=make)
    (mark,) = last.marks
    assert not mark.valid
    found = decided(last, config, held="-1")
    assert isinstance(found, Hold)
    assert "prices of a tape" in found.detail


@given(source=st.text(max_size=12))
def test_a_strategy_that_is_not_live_takes_any_prices(make: Any, source: str) -> None:
    *_, last = states(
        make.config(),
        make.book({SPOT: Decimal(5)}),
        priced(make, source, SPOT),
        priced(make, source),
        make=make,
    )
    assert last.ready


def test_what_was_seen_at_other_prices_is_forgotten_when_a_strategy_goes_live(make: Any) -> None:
    *_, before, after = states(
        make.config(),
        make.book({}),
        priced(make, TAPE),
        make.generation(live(make), number=2, now_ns=SECOND_NS),
        make=make,
    )
    assert before.ready
    assert [(item.input, item.code) for item in after.problems] == [(f"quote:{PERPETUAL}", "Missing")]
