"""A strategy that is being deleted takes its hedge off.

I1  every order brings the position nearer to zero and never across it, whatever the exposure is
I2  repeated until nothing is held, it ends flat, each order within the clip
I3  what says stop still stops it; what only concerns the exposure does not
I4  no clip leaves a rest that is too small to be sold where a smaller clip would not
"""

from decimal import Decimal

import hedge_examples as example
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.domain.orders import signed
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Hedge, Hold, HoldReason
from hedgerow.hedging.snapshot import LedgerSnapshot, PolicyState
from hedgerow.hedging.standing import state_of
from hedgerow.schemas.risk_state import InputProblem, RiskState

LEAVING = example.strategy(flatten=True)
NOT_READY = example.risk(
    ready=False, problems=(InputProblem(input="book:clients", code="Stale", detail="old"),), exposures=()
)


def leaving(held: str, **changes: object) -> LedgerSnapshot:
    return example.snapshot(held, config=LEAVING, **changes)


lots = st.integers(-3000, 3000).filter(bool).map(lambda lots: Decimal(lots) / 1000)


@given(held=lots, delta=st.integers(-50, 50))
def test_it_goes_to_zero_clip_by_clip(held: Decimal, delta: int) -> None:
    """I1, I2"""
    risk = example.risk(str(delta))
    for _ in range(10):
        decision = decide(risk, leaving(str(held)))
        if isinstance(decision, Hold):
            break
        (intent,) = decision.intents
        after = held + signed(intent.side, intent.quantity)
        assert abs(after) < abs(held)
        assert after == 0 or (after > 0) == (held > 0)
        assert intent.quantity * intent.limit_price <= LEAVING.execution.clip_notional
        held = after
    assert held == 0
    assert isinstance(decision, Hold)
    assert decision.reason is HoldReason.FLAT
    assert state_of(decision, PolicyState()) == "Flat"


@given(clip=st.integers(1, 800), extra=st.integers(0, 40), min_notional=st.integers(5, 1_500))
def test_no_clip_leaves_what_cannot_be_sold(clip: int, extra: int, min_notional: int) -> None:
    """I4: held is one clip and some lots more."""
    instrument = msgspec.structs.replace(example.PERPETUAL, min_notional=Decimal(min_notional))
    dearest = Decimal("60000.2") * Decimal("1.001")
    config = msgspec.structs.replace(
        LEAVING,
        hedge_with=(msgspec.structs.replace(example.leg(), instrument=instrument),),
        execution=example.execution(clip_notional=clip * instrument.lot_size * dearest),
    )
    held = (clip + extra) * instrument.lot_size
    smallest = instrument.smallest_quantity(Decimal("59940"))
    decision = decide(example.risk(), example.snapshot(format(held, "f"), config=config))
    if isinstance(decision, Hold):
        assert decision.reason is HoldReason.BELOW_MINIMUM
        assert clip * instrument.lot_size < smallest
        return
    rest = held - decision.intents[0].quantity
    assert decision.intents[0].quantity >= smallest
    assert rest == 0 or rest >= smallest or held < 2 * smallest


def test_what_is_off_the_lot_stays_and_is_said() -> None:
    decision = decide(example.risk(), leaving("0.5004"))
    assert isinstance(decision, Hedge)
    assert decision.intents[0].quantity == Decimal("0.500")


@pytest.mark.parametrize("risk", [NOT_READY, example.risk("0"), example.risk("-9")])
def test_books_and_suspension_do_not_keep_a_hedge_on(risk: RiskState) -> None:
    """I3"""
    config = msgspec.structs.replace(LEAVING, suspend=True)
    decision = decide(risk, example.snapshot("-0.5", config=config))
    assert isinstance(decision, Hedge)
    assert decision.intents[0].quantity == Decimal("0.5")


@pytest.mark.parametrize(
    ("risk", "ledger", "reason"),
    [
        (example.risk(), leaving("1", halts=("All halted by cli: drill",)), HoldReason.HALTED),
        (example.risk(), leaving("1", generation=2), HoldReason.GENERATION_PENDING),
        (example.risk(marks=()), leaving("1"), HoldReason.INVALID_QUOTE),
        (example.risk(), leaving("0.0001"), HoldReason.BELOW_MINIMUM),
    ],
)
def test_what_says_stop_stops_it(risk: RiskState, ledger: LedgerSnapshot, reason: HoldReason) -> None:
    """I3"""
    decision = decide(risk, ledger)
    assert isinstance(decision, Hold)
    assert decision.reason is reason


def test_every_reason_but_one_shows_a_state() -> None:
    shown = {reason: state_of(Hold(reason=reason, detail=""), PolicyState()) for reason in HoldReason}
    assert {reason for reason, state in shown.items() if state is None} == {HoldReason.GENERATION_PENDING}
