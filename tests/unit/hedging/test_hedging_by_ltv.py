"""Hedging along the LTV ladder.

L6  No order takes the hedge above the fraction that the state asks for, nor onto the exposure's own side.
L7  Clips that fill end with less than a lot missing; rounding never turns a side, and no clip is above the cap.
L8  With a target delta an order never goes beyond it.
L9  A decision made again from its stored inputs has the same bytes.
"""

import os
from decimal import Decimal
from typing import Any

import hedge_examples as example
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.domain.orders import Side, TimeInForce, signed
from hedgerow.execution.order_life import IntentState
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import CancelReason, Hedge, Hold, HoldReason
from hedgerow.hedging.exposure import net_exposure
from hedgerow.hedging.ladder import LadderStanding, LtvState
from hedgerow.hedging.snapshot import LedgerSnapshot, OpenIntent, PolicyState
from hedgerow.hedging.standing import state_of
from hedgerow.schemas.codec import encode
from hedgerow.schemas.risk_state import RiskState
from hedgerow.strategy.compiled import Escalation, LoanToValue, LtvTarget, Twap

CASES = 10_000 if os.environ.get("HEDGEROW_BENCH") else 200
NOW_NS, SECOND_NS = example.NOW_NS, example.SECOND_NS
LOT = example.PERPETUAL.lot_size
LARGE = Decimal(10) ** 15
FRACTIONS = {LtvState.NORMAL: 0, LtvState.CAUTION: 30, LtvState.DANGER: 70, LtvState.CRITICAL: 100}

ltvs = st.decimals(min_value=0, max_value="1.2", places=4).map(str)
exposures = st.decimals(min_value=-60, max_value=60, places=8)
lots_held = st.integers(min_value=-80_000, max_value=80_000)
states = st.sampled_from(tuple(LtvState))


def situation(
    ltv: str = "0.7",
    delta: Decimal | str = "2",
    held: Decimal | str = "0",
    state: LtvState | None = None,
    since_ns: int = NOW_NS,
    ladder: LoanToValue | None = None,
    **changes: Any,
) -> tuple[RiskState, LedgerSnapshot]:
    """A loan at this LTV; `state`: what the ledger remembers."""
    config = example.by_ltv(
        ladder, **{"limits": example.limits(max_position_notional=LARGE, max_order_notional=LARGE), **changes}
    )
    remembered = PolicyState(ladder=None if state is None else LadderStanding(state=state, since_ns=since_ns))
    risk = example.risk(str(delta), loan=example.loan(ltv))
    return risk, example.snapshot(str(held), config=config, policy_state=remembered)


@pytest.mark.parametrize(
    ("ltv", "state", "sold"),
    [
        ("0.5", "Normal", []),
        ("0.65", "Caution", ["0.600"]),
        ("0.80", "Danger", ["0.832", "0.568"]),
        ("0.90", "Critical", ["0.832", "0.832", "0.336"]),
    ],
)
def test_the_hedge_follows_the_state_and_goes_in_clips(ltv: str, state: str, sold: list[str]) -> None:
    """2 BTC: 0, 0.6, 1.4 and 2 are wanted, 0.832 is a clip of 50,000. HedgeLock drops what is above its cap."""
    risk, ledger = situation(ltv)
    sizes = []
    for _ in range(5):
        decision = decide(risk, ledger)
        if isinstance(decision, Hold):
            break
        assert decision.policy_state.ladder == LadderStanding(state=LtvState(state), since_ns=NOW_NS)
        for intent in decision.intents:
            sizes.append(str(intent.quantity))
            ledger = _filled(ledger, intent.side, intent.quantity)
        ledger = _later(msgspec.structs.replace(ledger, policy_state=decision.policy_state), 2 * SECOND_NS)
        risk = _again(risk, ledger.read_ns)
    assert sizes == sold


@settings(max_examples=CASES, deadline=None)
@given(ltvs, states, exposures, lots_held)
def test_l6_no_order_hedges_more_than_the_state_asks_for(
    ltv: str, state: LtvState, delta: Decimal, lots: int
) -> None:
    held = lots * LOT
    risk, ledger = situation(ltv, delta, held, state)
    decision = decide(risk, ledger)
    if not isinstance(decision, Hedge) or not decision.intents:
        return
    assert decision.policy_state.ladder is not None
    wanted = abs(delta) * FRACTIONS[decision.policy_state.ladder.state] / 100
    (intent,) = decision.intents
    after = held + signed(intent.side, intent.quantity)
    against = -1 if delta >= 0 else 1
    hedged = after * against
    if intent.side.sign == against:
        assert hedged <= wanted
    else:
        assert hedged > wanted - LOT
        assert hedged >= 0
    assert after % LOT == 0


@settings(max_examples=CASES, deadline=None)
@given(ltvs, st.decimals(min_value=-6, max_value=6, places=8), st.integers(6_000, 100_000))
def test_l7_clips_that_fill_leave_less_than_a_lot(ltv: str, delta: Decimal, clip: int) -> None:
    execution = example.execution(clip_notional=Decimal(clip))
    risk, ledger = situation(ltv, delta, execution=execution)
    for _ in range(80):
        decision = decide(risk, ledger)
        if isinstance(decision, Hold):
            break
        for intent in decision.intents:
            assert (intent.side is Side.SELL) == (delta > 0)
            assert intent.quantity * intent.limit_price <= clip
            ledger = _filled(ledger, intent.side, intent.quantity)
        ledger = msgspec.structs.replace(ledger, policy_state=decision.policy_state)
        ledger = _later(ledger, ledger.config.execution.cooldown_ns)
        risk = _again(risk, ledger.read_ns)
    assert isinstance(decision, Hold)
    assert ledger.policy_state.ladder is not None
    wanted = abs(delta) * FRACTIONS[ledger.policy_state.ladder.state] / 100
    assert decision.reason is HoldReason.INSIDE_BAND
    assert 0 <= wanted - abs(ledger.positions[0].quantity) < LOT


@settings(max_examples=CASES, deadline=None)
@given(exposures, st.decimals(min_value=-5, max_value=5, places=4), lots_held)
def test_l8_an_order_never_goes_beyond_the_target_delta(delta: Decimal, target: Decimal, lots: int) -> None:
    held = lots * LOT
    ladder = example.ladder(caution=example.ltv_step("0.65", target_delta=str(target)))
    risk, ledger = situation("0.7", delta, held, ladder=ladder)
    decision = decide(risk, ledger)
    if not isinstance(decision, Hedge) or not decision.intents:
        return
    (intent,) = decision.intents
    before, after = delta + held, delta + held + signed(intent.side, intent.quantity)
    assert abs(after - target) < abs(before - target) + LOT
    # It ends on the side that it came from, or less than a lot beyond.
    assert (after - target) * (before - target) >= 0 or abs(after - target) < LOT


def test_l9_a_decision_made_again_has_the_same_bytes_and_tells_its_numbers() -> None:
    risk, ledger = situation("0.82", state=LtvState.CAUTION)
    again = (
        msgspec.json.decode(encode(risk), type=RiskState),
        msgspec.json.decode(msgspec.json.encode(ledger), type=LedgerSnapshot),
    )
    assert msgspec.json.encode(decide(*again)) == msgspec.json.encode(decide(risk, ledger))
    (rule,) = ledger.config.rules
    assert net_exposure(rule, risk, ledger).rule == (
        "LTV 0.8200 (debt 82,000.00 / collateral 100,000.00) is Danger -> 70.00% of 2 BTC hedged; "
        "risk score 63.40, urgency High"
    )


def test_hedgelocks_target_deltas_are_kept_by_state() -> None:
    """0 / 0.02 / 0 / -0.1 BTC."""
    ladder = example.ladder(
        normal=LtvTarget(target_delta=Decimal(0)),
        caution=example.ltv_step("0.65", target_delta="0.02"),
        danger=example.ltv_step("0.80", target_delta="0"),
        critical=example.ltv_step("0.90", target_delta="-0.1"),
    )
    edges = []
    for ltv in ("0.5", "0.7", "0.85", "0.95"):
        risk, ledger = situation(ltv, "0.5", ladder=ladder)
        exposure = net_exposure(ledger.config.rules[0], risk, ledger)
        edges.append((str(exposure.lower), str(exposure.upper)))
    assert [Decimal(lower) for lower, _ in edges] == [
        Decimal(0),
        Decimal("0.02"),
        Decimal(0),
        Decimal("-0.1"),
    ]
    assert all(lower == upper for lower, upper in edges)


def test_the_state_survives_a_restart_in_the_ledger() -> None:
    """LTV 0.649 by itself is Normal; after Caution it is Caution still, whoever decides."""
    risk, fresh = situation("0.649")
    _, remembering = situation("0.649", state=LtvState.CAUTION)
    stored = msgspec.json.decode(msgspec.json.encode(remembering), type=LedgerSnapshot)
    decided = [decide(risk, ledger) for ledger in (fresh, stored)]
    assert [bool(isinstance(item, Hedge) and item.intents) for item in decided] == [False, True]


def test_coming_back_waits_for_the_stay_and_wakes_by_itself() -> None:
    risk, ledger = situation("0.6", held="-0.6", state=LtvState.CAUTION, since_ns=NOW_NS)
    waits = decide(risk, ledger)
    assert isinstance(waits, Hold)
    assert (waits.reason, waits.wake_ns) == (HoldReason.INSIDE_BAND, NOW_NS + 30 * SECOND_NS)
    ledger = _later(ledger, 30 * SECOND_NS)
    comes_back = decide(_again(risk, ledger.read_ns), ledger)
    assert isinstance(comes_back, Hedge)
    assert comes_back.policy_state.ladder == LadderStanding(state=LtvState.NORMAL, since_ns=ledger.read_ns)
    assert [(item.side, item.quantity) for item in comes_back.intents] == [(Side.BUY, Decimal("0.6"))]


def test_a_transition_without_an_order_is_remembered_once() -> None:
    risk, ledger = situation("0.7", delta="0")
    first = decide(risk, ledger)
    assert isinstance(first, Hedge)
    assert first.intents == ()
    again = decide(risk, msgspec.structs.replace(ledger, policy_state=first.policy_state))
    assert isinstance(again, Hold)
    assert again.reason is HoldReason.INSIDE_BAND


def test_a_hedge_that_is_missing_less_than_the_zone_is_left() -> None:
    ladder = example.ladder(no_trade_notional=Decimal(7_000))
    inside = decide(*situation("0.7", held="-0.5", state=LtvState.CAUTION, ladder=ladder))
    assert isinstance(inside, Hold)
    outside = decide(*situation("0.7", held="-0.4", state=LtvState.CAUTION, ladder=ladder))
    assert isinstance(outside, Hedge)
    too_much = decide(*situation("0.7", held="-0.7", state=LtvState.CAUTION, ladder=ladder))
    assert isinstance(too_much, Hedge)
    assert too_much.intents[0].side is Side.BUY


STYLES = [
    {"twap": Twap(duration_ns=600 * SECOND_NS, slices=20)},
    {
        "escalation": Escalation(
            passive_ns=10 * SECOND_NS,
            inside_ticks=0,
            reprice_ticks=5,
            aggressive_ns=10 * SECOND_NS,
            second_instrument_ns=10 * SECOND_NS,
            retry_ns=60 * SECOND_NS,
        )
    },
]


@pytest.mark.parametrize("style", STYLES, ids=["Twap", "Escalation"])
def test_danger_crosses_at_once_whatever_the_style(style: dict[str, Any]) -> None:
    calm, urgent = (decide(*situation(ltv, execution=example.execution(**style))) for ltv in ("0.7", "0.85"))
    assert isinstance(calm, Hedge)
    assert isinstance(urgent, Hedge)
    assert calm.policy_state.pursuits
    assert not urgent.policy_state.pursuits
    (patient,), (crossing,) = calm.intents, urgent.intents
    assert crossing.time_in_force is TimeInForce.IOC
    assert crossing.quantity > patient.quantity
    assert crossing.rung is None


def test_an_order_that_waits_is_taken_back_when_it_becomes_urgent() -> None:
    risk, ledger = situation("0.85", state=LtvState.CAUTION, execution=example.execution(**STYLES[1]))
    waiting = OpenIntent(
        id=5,
        leg=0,
        side=Side.SELL,
        quantity=Decimal("0.6"),
        filled_quantity=Decimal(0),
        state=IntentState.ACCEPTED,
        limit_price=Decimal("60000.2"),
        time_in_force=TimeInForce.POST_ONLY,
    )
    decision = decide(risk, msgspec.structs.replace(ledger, open_intents=(waiting,)))
    assert isinstance(decision, Hedge)
    (cancel,) = decision.cancels
    assert (cancel.intent, cancel.reason) == (5, CancelReason.URGENT)


@pytest.mark.parametrize(
    ("ltv", "held", "shown"),
    [
        ("0.5", "0", "Normal"),
        ("0.7", "-0.6", "Caution"),
        ("0.85", "-1.4", "Danger"),
        ("0.95", "-2", "Critical"),
    ],
)
def test_the_column_shows_where_the_ladder_stands(ltv: str, held: str, shown: str) -> None:
    risk, ledger = situation(ltv, held=held, state=LtvState(shown))
    assert state_of(decide(risk, ledger), ledger.policy_state) == shown
    climbing = situation(ltv, held="1", state=LtvState.NORMAL)
    assert state_of(decide(*climbing), climbing[1].policy_state) == shown


def test_what_stops_it_is_shown_before_the_ladder() -> None:
    risk, ledger = situation("0.95", state=LtvState.CRITICAL)
    halted = msgspec.structs.replace(ledger, halts=("All halted by cli: drill",))
    assert state_of(decide(risk, halted), halted.policy_state) == "Halted"


def test_a_loan_that_cannot_be_valued_holds_and_never_stands_for_anything() -> None:
    risk, ledger = situation("0.95", state=LtvState.CAUTION)
    blind = msgspec.structs.replace(risk, ready=False, loan=None)
    decision = decide(blind, ledger)
    assert isinstance(decision, Hold)
    assert decision.reason is HoldReason.NOT_READY


def test_a_flattened_hedge_asks_no_ladder() -> None:
    risk, ledger = situation("0.95", held="-0.5", flatten=True)
    decision = decide(msgspec.structs.replace(risk, ready=False, loan=None), ledger)
    assert isinstance(decision, Hedge)
    assert [(item.side, item.quantity) for item in decision.intents] == [(Side.BUY, Decimal("0.5"))]


def _filled(ledger: LedgerSnapshot, side: Side, quantity: Decimal) -> LedgerSnapshot:
    (held,) = ledger.positions
    after = msgspec.structs.replace(held, quantity=held.quantity + signed(side, quantity))
    return msgspec.structs.replace(ledger, version=ledger.version + 2, positions=(after,))


def _later(ledger: LedgerSnapshot, elapsed_ns: int) -> LedgerSnapshot:
    return msgspec.structs.replace(ledger, read_ns=ledger.read_ns + elapsed_ns)


def _again(risk: RiskState, now_ns: int) -> RiskState:
    """The same, seen anew."""
    marks = tuple(msgspec.structs.replace(mark, time_ns=now_ns) for mark in risk.marks)
    return msgspec.structs.replace(risk, time_ns=now_ns, marks=marks)
