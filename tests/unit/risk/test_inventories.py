"""What risk tells of an inventory: cost, profit, age and volatility, and what is not known."""

from decimal import Decimal
from typing import Any

import hedge_examples as example
import msgspec
import pytest

from hedgerow.domain.positions import Entry
from hedgerow.risk.partition_risk import PartitionRisk
from hedgerow.risk.problems import MIN_BARS
from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import BookInput
from hedgerow.schemas.risk_state import RiskState

SECOND_NS = 1_000_000_000
SPOT = "BTC/USDT"
PERPETUAL = "BTC/USDT:USDT"
BAR_NS = 2 * SECOND_NS


@pytest.fixture
def config(make: Any) -> Any:
    """Hedges BTC by the risk of the books `clients` and `oms`; bars of 2 s."""
    rule = example.inventory_rule(volatility_bar_ns=BAR_NS)
    return msgspec.structs.replace(make.config(books=("clients", "oms")), bands=(), inventory_risks=(rule,))


@pytest.fixture
def risk(make: Any, config: Any) -> PartitionRisk:
    found = PartitionRisk()
    found.apply(make.generation(config), 0)
    return found


def told(make: Any, name: str, positions: dict[str, str], entries: dict[str, tuple[str, int]]) -> BookInput:
    record: BookInput = make.book(
        {symbol: Decimal(quantity) for symbol, quantity in positions.items()}, book_name=name
    )
    known = {symbol: Entry(price=Decimal(price), since_ns=at) for symbol, (price, at) in entries.items()}
    return msgspec.structs.replace(record, book=msgspec.structs.replace(record.book, entries=known))


def marked(risk: PartitionRisk, make: Any, mid: float = 60_000.0) -> RiskState:
    risk.apply(make.mark(SPOT, sequence=9, mid=mid - 10), 98)
    state = risk.apply(make.mark(PERPETUAL, sequence=9, mid=mid), 99)
    assert state is not None
    return state


def test_each_position_counts_at_its_own_entry_and_its_own_mid(risk: PartitionRisk, make: Any) -> None:
    risk.apply(told(make, "clients", {SPOT: "2"}, {SPOT: ("61000", 5)}), 1)
    risk.apply(
        told(make, "oms", {PERPETUAL: "-0.5", SPOT: "1"}, {PERPETUAL: ("59000", 3), SPOT: ("60000", 4)}), 2
    )
    (inventory,) = marked(risk, make).inventories
    assert inventory.cost == 2 * 61_000 + Decimal("0.5") * 59_000 + 60_000
    # 2 x (59,990 - 61,000), a short that lost 1,000 a coin, and 1 x (59,990 - 60,000).
    assert inventory.profit == -2020 - 500 - 10
    assert (inventory.since_ns, inventory.unknown) == (3, ())


def test_a_position_without_an_entry_is_named_and_not_taken_for_even(risk: PartitionRisk, make: Any) -> None:
    risk.apply(told(make, "clients", {SPOT: "2"}, {}), 1)
    risk.apply(told(make, "oms", {SPOT: "1", PERPETUAL: "0"}, {SPOT: ("60000", 4)}), 2)
    (inventory,) = marked(risk, make).inventories
    assert inventory.unknown == ("BTC/USDT of book:clients",)
    assert inventory.cost == 60_000


def test_an_inventory_without_a_mark_is_not_told(risk: PartitionRisk, make: Any) -> None:
    risk.apply(told(make, "clients", {SPOT: "2"}, {SPOT: ("61000", 5)}), 1)
    state = risk.apply(make.mark(PERPETUAL), 2)
    assert state is not None
    assert state.inventories == ()
    assert not state.ready


def test_it_waits_until_enough_bars_were_seen_and_other_policies_do_not(
    risk: PartitionRisk, make: Any
) -> None:
    risk.apply(make.book({}), 1)
    risk.apply(make.book({}, book_name="oms"), 2)
    for number in range(MIN_BARS + 1):
        at = SECOND_NS + number * BAR_NS
        risk.apply(make.book({}, published_ns=at, now_ns=at), 100 + number)
        risk.apply(make.book({}, book_name="oms", published_ns=at, now_ns=at), 200 + number)
        # A crossed book in between is no price.
        risk.apply(make.mark(sequence=2 * number, time_ns=at - 1, now_ns=at, valid=False), 300 + number)
        mark = make.mark(sequence=2 * number + 1, time_ns=at, now_ns=at, mid=60_000.0 + number % 2)
        state = risk.apply(mark, 400 + number)
        assert state is not None
        wanted = [("volatility:BTC", "Missing", f"{number} of 10 bars of 2 s were seen")]
        assert [(item.input, item.code, item.detail) for item in state.problems] == (
            wanted if number < MIN_BARS else []
        )
    (volatility,) = state.volatilities
    assert volatility.bars == MIN_BARS
    assert 0 < volatility.annualised < 1

    band = PartitionRisk()
    band.apply(make.generation(make.config()), 0)
    state = band.apply(make.mark(), 1)
    assert state is not None
    assert (state.inventories, state.volatilities) == ((), ())


def test_the_same_bytes_after_a_restore_in_the_middle_of_the_bars(make: Any, config: Any) -> None:
    records = [make.generation(config), make.book({}), make.book({}, book_name="oms")]
    records += [
        make.mark(
            sequence=number,
            time_ns=SECOND_NS * number,
            now_ns=SECOND_NS * number,
            mid=60_000.0 + 37.0 * (number % 7),
        )
        for number in range(1, 40)
    ]
    whole, first = PartitionRisk(), PartitionRisk()
    for offset, record in enumerate(records):
        expected = whole.apply(record, offset)
        found = first.apply(record, offset)
        assert encode(found) == encode(expected)
        restored = PartitionRisk()
        restored.restore(first.snapshot())
        first = restored
