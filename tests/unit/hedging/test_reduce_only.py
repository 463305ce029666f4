"""`onStale: ReduceOnly`: what is still done while the exposure is stale.

O1  No order raises the position of its leg or the hedge of its underlying, and neither changes its side, however much
    of the order fills.
O2  An order is one that the last known exposure asks for, were it fresh: the same leg, side and price, and no more.
O3  With Hold nothing is sent. With ReduceOnly nothing is sent while anything else is wrong: missing, invalid, unknown,
    a quote or a score that is old.
O4  Neither the LTV ladder nor an inventory's action moves.
O5  A decision made again from its stored inputs has the same bytes.
"""

import os
from decimal import Decimal
from typing import Any

import hedge_examples as example
import msgspec
import pytest
from hedge_world import SECOND_VENUE, TWAP, escalating
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.domain.orders import Side, TimeInForce, signed
from hedgerow.execution.order_life import IntentState
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import CancelReason, Decision, Hedge, Hold, HoldReason
from hedgerow.hedging.exposure import hedge_of
from hedgerow.hedging.inventory import Action, Standing
from hedgerow.hedging.ladder import LadderStanding, LtvState
from hedgerow.hedging.snapshot import HeldPosition, LedgerSnapshot, OpenIntent, PolicyState
from hedgerow.hedging.standing import state_of
from hedgerow.schemas.codec import encode
from hedgerow.schemas.problem_codes import INVALID, MISSING, STALE, UNKNOWN
from hedgerow.schemas.risk_state import Exposure, InputProblem, RiskState
from hedgerow.strategy.compiled import CompiledStrategy, OnStale

CASES = 10_000 if os.environ.get("HEDGEROW_BENCH") else 300
LARGE = Decimal(10) ** 15
LOT = example.PERPETUAL.lot_size
STALE_BOOK = InputProblem(input="book:clients", code=STALE, detail="9.000 s old, limit 5 s")
STALE_ACCOUNT = InputProblem(input="account:desk/paper", code=STALE, detail="20.000 s old, limit 15 s")
OTHERS = [
    InputProblem(input="book:clients", code=MISSING, detail="not seen yet"),
    InputProblem(input="account:desk/paper", code=UNKNOWN, detail="holds DOGE/USDT"),
    InputProblem(input="quote:BTC/USDT:USDT", code=STALE, detail="4.000 s old, limit 3 s"),
    InputProblem(input="quote:BTC/USDT:USDT", code=INVALID, detail="crossed"),
    InputProblem(input="score:BTC", code=STALE, detail="4.000 s old, limit 3 s"),
    InputProblem(input="volatility:BTC", code=MISSING, detail="3 of 10 bars"),
]

deltas = st.decimals(min_value=-6, max_value=6, places=8)
lots_held = st.integers(min_value=-6_000, max_value=6_000)
ltvs = st.decimals(min_value=0, max_value="1.2", places=3).map(str)
policies = st.sampled_from(["band", "ladder", "curve", "inventory", "escalation", "twap"])


def config_of(policy: str, on_stale: OnStale = OnStale.REDUCE_ONLY, **changes: Any) -> CompiledStrategy:
    made = {
        "band": example.strategy,
        "ladder": example.by_ltv,
        "curve": example.by_score,
        "inventory": example.by_risk,
        "escalation": lambda: escalating(legs=2),
        "twap": lambda: example.strategy(execution=example.execution(twap=TWAP)),
    }[policy]()
    return msgspec.structs.replace(
        made,
        freshness=msgspec.structs.replace(made.freshness, on_stale=on_stale),
        limits=example.limits(max_position_notional=LARGE),
        **changes,
    )


def situation(
    policy: str = "band",
    delta: Decimal | str = "0",
    held: tuple[Decimal | str, ...] = ("0",),
    problems: tuple[InputProblem, ...] = (STALE_BOOK,),
    remembers: PolicyState | None = None,
    ltv: str = "0.7",
    on_stale: OnStale = OnStale.REDUCE_ONLY,
    **changes: Any,
) -> tuple[RiskState, LedgerSnapshot]:
    """`held`: by leg."""
    config = config_of(policy, on_stale)
    risk = example.risk(
        str(delta),
        ready=not problems,
        problems=problems,
        loan=example.loan(ltv),
        scores=(example.score(0.7),),
        inventories=(example.inventory(0.05),),
        volatilities=(example.volatility(0.5),),
        marks=(example.mark(depth_usd=1e7),),
    )
    positions = tuple(
        HeldPosition(venue=venue, account=example.ACCOUNT, instrument=example.SYMBOL, quantity=Decimal(one))
        for venue, one in zip((example.VENUE, SECOND_VENUE), held, strict=False)
    )
    ledger = example.snapshot(
        config=config, positions=positions, policy_state=remembers or standing(policy), **changes
    )
    return risk, ledger


def standing(policy: str, state: LtvState = LtvState.CAUTION, action: Action = Action.PARTIAL) -> PolicyState:
    """What a policy that goes by steps remembers."""
    if policy == "ladder":
        return PolicyState(ladder=LadderStanding(state=state, since_ns=example.NOW_NS))
    if policy == "inventory":
        return PolicyState(standings=(Standing(underlying="BTC", action=action, since_ns=example.NOW_NS),))
    return PolicyState()


def hold_of(decision: Decision) -> Hold:
    assert isinstance(decision, Hold)
    return decision


@settings(max_examples=CASES, deadline=None)
@given(policies, deltas, lots_held, lots_held, ltvs, st.sampled_from(tuple(LtvState)))
def test_o1_o2_o4_what_is_sent_only_reduces_as_the_last_known_exposure_asks(
    policy: str, delta: Decimal, lots: int, others: int, ltv: str, state: LtvState
) -> None:
    held = (lots * LOT, others * LOT) if policy == "escalation" else (lots * LOT,)
    risk, ledger = situation(policy, delta, held, remembers=standing(policy, state), ltv=ltv)
    decision = decide(risk, ledger)
    if isinstance(decision, Hold):
        assert decision.reason in (HoldReason.NOT_READY, HoldReason.REDUCE_ONLY)
        assert "book:clients: Stale" in decision.detail
        return
    assert decision.policy_state.ladder == ledger.policy_state.ladder
    assert decision.policy_state.standings == ledger.policy_state.standings
    fresh = decide(msgspec.structs.replace(risk, ready=True, problems=()), ledger)
    assert isinstance(fresh, Hedge)
    for intent, wanted in zip(decision.intents, fresh.intents, strict=True):
        before = ledger.positions[intent.leg].quantity
        _assert_nearer(before, before + signed(intent.side, intent.quantity))
        hedge = hedge_of("BTC", ledger)
        _assert_nearer(hedge, hedge + signed(intent.side, intent.quantity))
        assert 0 < intent.quantity <= wanted.quantity
        assert msgspec.structs.replace(intent, quantity=wanted.quantity) == wanted


def _assert_nearer(before: Decimal, after: Decimal) -> None:
    assert abs(after) < abs(before)
    assert after * before >= 0


@settings(max_examples=CASES, deadline=None)
@given(policies, deltas, lots_held, st.lists(st.sampled_from(OTHERS), max_size=2))
def test_o3_with_hold_or_with_anything_else_wrong_nothing_is_sent(
    policy: str, delta: Decimal, lots: int, others: list[InputProblem]
) -> None:
    on_stale = OnStale.REDUCE_ONLY if others else OnStale.HOLD
    problems = (STALE_BOOK, *others)
    risk, ledger = situation(policy, delta, (lots * LOT,), problems, on_stale=on_stale)
    held = hold_of(decide(risk, ledger))
    assert held.reason is HoldReason.NOT_READY
    assert held.detail == "; ".join(f"{item.input}: {item.code} ({item.detail})" for item in problems)


@settings(max_examples=CASES, deadline=None)
@given(policies, deltas, lots_held)
def test_o5_a_decision_made_again_has_the_same_bytes(policy: str, delta: Decimal, lots: int) -> None:
    risk, ledger = situation(policy, delta, (lots * LOT,))
    stored = msgspec.json.decode(encode(ledger), type=LedgerSnapshot)
    assert stored == ledger
    again = decide(msgspec.json.decode(encode(risk), type=RiskState), stored)
    assert encode(again) == encode(decide(risk, ledger))


@pytest.mark.parametrize("problem", [STALE_BOOK, STALE_ACCOUNT])
def test_too_large_a_hedge_comes_down_and_too_small_a_one_waits(problem: InputProblem) -> None:
    """The band is [-1, 1]."""
    risk, ledger = situation(delta="0.5", held=("-2",), problems=(problem,))
    decision = decide(risk, ledger)
    assert isinstance(decision, Hedge)
    assert [(item.side, item.quantity) for item in decision.intents] == [(Side.BUY, Decimal("0.5"))]
    risk, ledger = situation(delta="3.5", held=("-2",), problems=(problem,))
    held = hold_of(decide(risk, ledger))
    assert held.reason is HoldReason.REDUCE_ONLY
    assert held.detail.startswith(
        "Sell 0.500 BTC/USDT:USDT is wanted by the last known exposure; of the position of -2 it may take off 0"
    )
    assert state_of(held, ledger.policy_state) == "Stale"


def test_a_hedge_on_the_wrong_side_is_taken_off_and_not_turned() -> None:
    """Clients bought 3 BTC before their book grew stale: without limits the hedge of 0.3 would turn into -1.7."""
    risk, ledger = situation(delta="3", held=("0.3",))
    (intent,) = _intents(decide(risk, ledger))
    assert (intent.side, intent.quantity) == (Side.SELL, Decimal("0.3"))


def test_a_leg_that_grows_is_not_traded_though_the_hedge_of_all_legs_shrinks() -> None:
    """The hedge of -2 is on the second Venue, and the order would go to the first."""
    risk, ledger = situation("escalation", delta="0", held=("0", "-2"))
    assert hold_of(decide(risk, ledger)).reason is HoldReason.REDUCE_ONLY


def test_a_leg_that_shrinks_does_not_turn_the_hedge_of_all_legs() -> None:
    """-2 and 1.5 are -0.5 together; the first leg alone could take 2."""
    risk, ledger = situation("escalation", delta="-4", held=("-2", "1.5"))
    (intent,) = _intents(decide(risk, ledger))
    assert (intent.leg, intent.side, intent.quantity) == (0, Side.BUY, Decimal("0.5"))


def test_what_is_left_out_of_an_order_is_left_out_of_its_aim() -> None:
    """An escalation goes to its next rung when an order did not fill, and this one will have filled."""
    risk, ledger = situation("escalation", delta="-4", held=("-2", "1.5"))
    decision = decide(risk, ledger)
    assert isinstance(decision, Hedge)
    (pursuit,) = decision.policy_state.pursuits
    assert pursuit.aim == 0


@pytest.mark.parametrize(("side", "stays"), [(Side.BUY, True), (Side.SELL, False)])
def test_an_order_that_waits_stays_only_if_it_reduces(side: Side, stays: bool) -> None:
    price = Decimal("60000.0") if side is Side.BUY else Decimal("60000.2")
    order = OpenIntent(
        id=41,
        leg=0,
        side=side,
        quantity=Decimal("0.5"),
        filled_quantity=Decimal(0),
        state=IntentState.ACCEPTED,
        limit_price=price,
        time_in_force=TimeInForce.POST_ONLY,
    )
    delta, aim = ("0.5", "-1.5") if side is Side.BUY else ("3.5", "-2.5")
    first = decide(*situation("escalation", delta, ("-2",), problems=()))
    assert isinstance(first, Hedge)
    assert [item.side for item in first.intents] == [side]
    assert str(first.policy_state.pursuits[0].aim) == f"{aim}00"
    risk, ledger = situation(
        "escalation", delta, ("-2",), remembers=first.policy_state, open_intents=(order,)
    )
    decision = decide(risk, ledger)
    if stays:
        assert "Resting: intent 41 waits" in hold_of(decision).detail
        assert hold_of(decision).wake_ns is not None
        return
    assert isinstance(decision, Hedge)
    assert [(item.intent, item.reason) for item in decision.cancels] == [(41, CancelReason.CANNOT_WATCH)]


def test_a_ladder_that_would_step_down_stays_and_asks_for_no_wake() -> None:
    """Less hedge is wanted below; but what the loan is now nobody knows."""
    long_ago = PolicyState(ladder=LadderStanding(state=LtvState.DANGER, since_ns=0))
    risk, ledger = situation("ladder", delta="2", held=("-1.4",), remembers=long_ago, ltv="0.7")
    held = hold_of(decide(risk, ledger))
    assert held.reason is HoldReason.REDUCE_ONLY
    assert "would go to another step" in held.detail
    assert held.wake_ns is None


def test_a_ladder_on_its_step_takes_off_what_sold_collateral_leaves_too_much() -> None:
    """The loans are stale; the treasury's book is fresh and says that 1 of 2 BTC are gone."""
    problem = InputProblem(input="book:loans", code=STALE, detail="9.000 s old, limit 5 s")
    remembers = standing("ladder", LtvState.DANGER)
    risk, ledger = situation("ladder", "1", ("-1.4",), (problem,), remembers, ltv="0.85")
    (intent,) = _intents(decide(risk, ledger))
    assert (intent.side, intent.quantity) == (Side.BUY, Decimal("0.7"))


def test_an_inventory_that_would_be_rated_calmer_keeps_its_hedge() -> None:
    """Without loss, age and volatility its action would be Hold, and all of the hedge would come off."""
    remembers = PolicyState(standings=(Standing(underlying="BTC", action=Action.FULL, since_ns=0),))
    risk, ledger = situation("inventory", "1", ("-1",), remembers=remembers)
    calm = msgspec.structs.replace(
        risk, inventories=(example.inventory(),), volatilities=(example.volatility(),)
    )
    held = hold_of(decide(calm, ledger))
    assert held.reason is HoldReason.REDUCE_ONLY
    assert "would go to another step" in held.detail
    fresh = decide(msgspec.structs.replace(calm, ready=True, problems=()), ledger)
    assert [item.side for item in _intents(fresh)] == [Side.BUY]


def test_before_its_first_step_a_ladder_waits() -> None:
    risk, ledger = situation("ladder", "1", ("-1.4",), remembers=PolicyState(last_decided_ns=1))
    assert hold_of(decide(risk, ledger)).reason is HoldReason.REDUCE_ONLY


def test_inside_the_band_it_says_what_is_stale() -> None:
    risk, ledger = situation(delta="2.5", held=("-2",))
    held = hold_of(decide(risk, ledger))
    assert held.reason is HoldReason.NOT_READY
    assert held.detail.startswith("book:clients: Stale (9.000 s old, limit 5 s); InsideBand: net delta 0.5")


def test_the_cooldown_still_counts() -> None:
    waiting = PolicyState(last_decided_ns=example.NOW_NS - 1)
    risk, ledger = situation(delta="0.5", held=("-2",), remembers=waiting)
    held = hold_of(decide(risk, ledger))
    assert "Cooldown" in held.detail
    assert held.wake_ns is not None


def test_legs_that_go_together_wait_for_the_one_that_may_not_go() -> None:
    ether = msgspec.structs.replace(example.PERPETUAL, symbol="ETH/USDT:USDT", underlying="ETH")
    config = config_of(
        "band",
        hedge_with=(example.leg(), msgspec.structs.replace(example.leg(1), instrument=ether)),
        bands=(example.band(), msgspec.structs.replace(example.band(), underlying="ETH")),
        execution=example.execution(together=True),
    )
    risk, ledger = situation(delta="0.5", held=("-2",))
    beside = Exposure(underlying="ETH", delta=Decimal(9), mark=Decimal(3_000), notional=Decimal(27_000))
    risk = msgspec.structs.replace(
        risk,
        exposures=(*risk.exposures, beside),
        marks=(*risk.marks, example.mark(instrument=ether.symbol, bid=Decimal(3_000), ask=Decimal("3000.1"))),
    )
    held = hold_of(decide(risk, msgspec.structs.replace(ledger, config=config)))
    assert held.reason is HoldReason.LEGS_TOGETHER
    assert "ReduceOnly" in held.detail


def _intents(decision: Decision) -> tuple[Any, ...]:
    assert isinstance(decision, Hedge)
    return decision.intents


def test_the_properties_reach_orders_of_every_policy() -> None:
    """Each policy has a situation in which something is sent, so that O1 and O2 are about something."""
    for policy in ("band", "ladder", "curve", "inventory", "escalation", "twap"):
        risk, ledger = situation(policy, "0.1", ("-3",), ltv="0.7")
        assert _intents(decide(risk, ledger)), policy
