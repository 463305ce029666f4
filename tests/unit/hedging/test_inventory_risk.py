"""Hedging an inventory by how risky it is to hold.

R1  Each part is within its points, is 0 without its risk, and never falls when its risk grows; the parts' points sum to
    100.
R2  The score never falls when any part of the situation gets worse, and neither does the action.
R3  What is no number, or negative where it cannot be, is refused, and says so.
R4  No order takes the hedge above the fraction of the action, nor onto the exposure's own side.
R5  With a score of 100 an inventory that the venue would take an order for is traded, whatever the cost and the zone.
R6  A score that swings by less than the hysteresis, or faster than the action is re-evaluated, makes at most one
    transition.
R7  While an entry is not known no action is lowered, none is above Partial, and nothing is taken for a loss of 0.
R8  A decision made again from its stored inputs has the same bytes.
"""

import os
from decimal import Decimal
from math import inf, nan
from random import Random
from typing import Any

import hedge_examples as example
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.domain.orders import Side, signed
from hedgerow.hedging.cost import crossing_cost_bps
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Decision, Hedge, Hold, HoldReason
from hedgerow.hedging.exposure import net_exposure
from hedgerow.hedging.inventory import (
    FRACTIONS,
    Action,
    RiskScore,
    Situation,
    Standing,
    action_at,
    next_standing,
    score,
)
from hedgerow.hedging.snapshot import LedgerSnapshot, PolicyState
from hedgerow.hedging.standing import state_of
from hedgerow.schemas.codec import encode
from hedgerow.schemas.risk_state import Exposure, RiskState
from hedgerow.strategy.compiled import InventoryRisk, UnknownEntry

CASES = 10_000 if os.environ.get("HEDGEROW_BENCH") else 500
HOUR_NS = 3600 * example.SECOND_NS
LARGE = Decimal(10) ** 15
LOT = example.PERPETUAL.lot_size
RULE = example.inventory_rule()
# Twenty rules at once, so that 500 examples are 10,000 cases.
_RANDOM = Random(7)
RULES = [
    example.inventory_rule(
        max_loss=Decimal(_RANDOM.randint(1, 1000)) / 1000,
        max_age_ns=_RANDOM.randint(1, 10**6) * example.SECOND_NS,
        max_volatility=Decimal(_RANDOM.randint(1, 3000)) / 1000,
        max_depth_share=Decimal(_RANDOM.randint(1, 3000)) / 1000,
    )
    for _ in range(20)
]
fractions = st.floats(min_value=0, max_value=10)
losses = st.floats(min_value=-2, max_value=2)
ages = st.integers(min_value=0, max_value=10**15)
shares = fractions | st.just(inf)
situations = st.builds(Situation, loss=losses, age_ns=ages, volatility=fractions, depth_share=shares)
totals = st.floats(min_value=0, max_value=100)
exposures = st.decimals(min_value=-60, max_value=60, places=8)
lots_held = st.integers(min_value=-80_000, max_value=80_000)
actions = st.sampled_from(Action)


def worse(one: Situation, other: Situation) -> Situation:
    """The worse of both in each part."""
    names = Situation.__struct_fields__
    return Situation(**{name: max(getattr(one, name), getattr(other, name)) for name in names})


def standing(action: Action, since_ns: int = 0) -> Standing:
    return Standing(underlying="BTC", action=action, since_ns=since_ns)


def world(
    delta: Decimal | str = "2",
    total: float = 100.0,
    held: Decimal | str = "0",
    before: Action | None = None,
    rule: InventoryRisk = RULE,
    **of_risk: Any,
) -> tuple[RiskState, LedgerSnapshot]:
    """An inventory whose score is `total`: of loss first, then of volatility, age and liquidity."""
    loss = min(total, 35.0)
    volatility = min(total - loss, 25.0)
    age = min(total - loss - volatility, 20.0)
    share = total - loss - volatility - age
    price = Decimal("60000.1")
    notional = abs(Decimal(delta)) * price
    depth = float(notional) / (0.5 * share / 20) if share else 1e15
    risk = example.risk(
        str(delta),
        marks=(example.mark(depth_usd=depth, depth_bps=20.0),),
        inventories=(example.inventory(loss=0.05 * loss / 35, age_s=0, since_ns=example.NOW_NS - _age(age)),),
        volatilities=(example.volatility(volatility / 25),),
        **of_risk,
    )
    state = PolicyState() if before is None else PolicyState(standings=(standing(before),))
    config = example.by_risk(rule, limits=example.limits(max_position_notional=LARGE))
    return risk, example.snapshot(str(held), config=config, policy_state=state)


def _age(points: float) -> int:
    return int(8 * HOUR_NS * points / 20)


def standing_after(decision: Decision, ledger: LedgerSnapshot) -> Action:
    state = decision.policy_state if isinstance(decision, Hedge) else ledger.policy_state
    (found,) = state.standings
    return found.action


@settings(max_examples=500)
@given(situations)
def test_r1_each_part_is_within_its_points(situation: Situation) -> None:
    for rule in RULES:
        found = score(rule, situation)
        assert found.loss is not None
        assert 0 <= found.loss <= 35
        assert 0 <= found.age <= 20
        assert 0 <= found.volatility <= 25
        assert 0 <= found.liquidity <= 20
        assert 0 <= found.total <= 100
    nothing = score(RULE, Situation(loss=-0.1, age_ns=0, volatility=0.0, depth_share=0.0))
    everything = score(RULE, Situation(loss=0.05, age_ns=8 * HOUR_NS, volatility=1.0, depth_share=0.5))
    assert (nothing.total, everything.total) == (0, 100)


@settings(max_examples=500)
@given(situations, situations)
def test_r2_neither_score_nor_action_falls_when_the_situation_gets_worse(
    one: Situation, other: Situation
) -> None:
    for rule in RULES:
        better, worst = score(rule, one), score(rule, worse(one, other))
        for name in RiskScore.__struct_fields__:
            assert getattr(better, name) <= getattr(worst, name)
        assert better.total <= worst.total
        assert action_at(better.total).rank <= action_at(worst.total).rank


@pytest.mark.parametrize("name", ["age_ns", "volatility", "depth_share"])
@pytest.mark.parametrize("value", [nan, -0.5])
def test_r3_what_is_no_number_is_refused(name: str, value: float) -> None:
    situation = Situation(loss=0.0, age_ns=0, volatility=0.0, depth_share=0.0)
    with pytest.raises(ValueError, match=f"{name} is .*; it is a number that is not negative"):
        score(RULE, msgspec.structs.replace(situation, **{name: value}))


@pytest.mark.parametrize("loss", [nan, inf, -inf])
def test_r3_what_is_no_loss_is_refused(loss: float) -> None:
    with pytest.raises(ValueError, match=r"loss is .*; a loss is a finite number"):
        score(RULE, Situation(loss=loss, age_ns=0, volatility=0.0, depth_share=0.0))


@settings(max_examples=CASES)
@given(exposures, totals, lots_held, st.none() | actions, st.integers(min_value=0, max_value=100_000))
def test_r4_no_order_hedges_more_than_the_action_does(
    delta: Decimal, total: float, lots: int, before: Action | None, zone: int
) -> None:
    held = lots * LOT
    rule = example.inventory_rule(no_trade_notional=Decimal(zone))
    risk, ledger = world(delta, total, held, before, rule)
    decision = decide(risk, ledger)
    if not isinstance(decision, Hedge) or not decision.intents:
        return
    (intent,) = decision.intents
    after = held + signed(intent.side, intent.quantity)
    against = -1 if delta >= 0 else 1
    hedged = after * against
    wanted = abs(delta) * Decimal(repr(FRACTIONS[standing_after(decision, ledger)]))
    if intent.side.sign == against:
        assert hedged <= wanted
    else:
        assert hedged >= 0
        assert hedged > wanted - LOT - zone / risk.exposures[0].mark
    assert after % LOT == 0


@settings(max_examples=CASES)
@given(
    exposures.filter(lambda delta: abs(delta) >= Decimal("0.002")),
    st.none() | actions,
    st.integers(min_value=1, max_value=10_000),
    st.integers(min_value=1, max_value=10**9),
)
def test_r5_a_score_of_100_is_acted_on_at_any_cost(
    delta: Decimal, before: Action | None, spread_ticks: int, zone: int
) -> None:
    rule = example.inventory_rule(no_trade_notional=Decimal(zone), max_cost_bps=Decimal(1))
    risk, ledger = world(delta, 100.0, before=before, rule=rule)
    dear = example.mark(ask=Decimal(60_000) + spread_ticks * Decimal("0.1"), depth_usd=0.0, depth_bps=20.0)
    risk = msgspec.structs.replace(risk, marks=(dear,))
    decision = decide(risk, ledger)
    assert isinstance(decision, Hedge)
    assert [item.side for item in decision.intents] == [Side.SELL if delta > 0 else Side.BUY]
    assert standing_after(decision, ledger) is Action.LIQUIDATE


@settings(max_examples=CASES)
@given(
    st.sampled_from([40.0, 55.0, 70.0, 85.0]),
    st.lists(st.floats(min_value=-1.4, max_value=1.4), min_size=2, max_size=20),
    st.integers(min_value=0, max_value=3600),
)
def test_r6_a_score_that_flickers_at_a_threshold_makes_one_transition(
    threshold: float, offsets: list[float], seconds: int
) -> None:
    known, transitions = None, 0
    for number, offset in enumerate(offsets):
        found = RiskScore(loss=threshold + offset, age=0.0, volatility=0.0, liquidity=0.0)
        now = next_standing(RULE, found, known, (number + 1) * seconds * example.SECOND_NS)
        transitions += known is not None and now.action is not known.action
        known = now
    assert transitions <= 1


def test_r6_an_action_is_lowered_once_it_was_re_evaluated_and_not_before() -> None:
    calm = RiskScore(loss=10.0, age=0.0, volatility=0.0, liquidity=0.0)
    before = standing(Action.FULL, since_ns=1)
    minute_ns = 60 * example.SECOND_NS
    assert next_standing(RULE, calm, before, minute_ns) == before
    assert next_standing(RULE, calm, before, minute_ns + 1) == standing(Action.HOLD, minute_ns + 1)


@settings(max_examples=CASES)
@given(situations, actions, st.integers(min_value=0, max_value=10**15))
def test_r7_nothing_is_lowered_and_nothing_assumed_while_the_loss_is_not_known(
    situation: Situation, before: Action, now_ns: int
) -> None:
    unknown = score(RULE, msgspec.structs.replace(situation, loss=None))
    after = next_standing(RULE, unknown, standing(before), now_ns)
    assert after.action.rank >= before.rank
    assert next_standing(RULE, unknown, None, now_ns).action in (Action.REDUCE, Action.PARTIAL)
    assert unknown.words.startswith("at least ")


def test_r7_an_unknown_entry_holds_or_reduces_as_declared() -> None:
    unknown = (example.inventory(unknown=("BTC/USDT of book:oms",)),)
    risk, ledger = world(total=0.0)
    risk = msgspec.structs.replace(risk, inventories=unknown)
    decision = decide(risk, ledger)
    assert isinstance(decision, Hold)
    assert decision.reason is HoldReason.UNKNOWN_ENTRY
    assert decision.detail == (
        "it is not known what was paid for BTC/USDT of book:oms, so no loss can be scored"
    )
    reduces = example.by_risk(example.inventory_rule(on_unknown_entry=UnknownEntry.REDUCE))
    decision = decide(risk, msgspec.structs.replace(ledger, config=reduces))
    assert isinstance(decision, Hedge)
    assert [(item.side, item.quantity) for item in decision.intents] == [(Side.SELL, Decimal("0.5"))]


def test_r8_a_decision_made_again_has_the_same_bytes_and_the_numbers_are_told() -> None:
    risk, ledger = world("2", 62.0)
    again = (
        msgspec.json.decode(encode(risk), type=RiskState),
        msgspec.json.decode(msgspec.json.encode(ledger), type=LedgerSnapshot),
    )
    assert msgspec.json.encode(decide(*again)) == msgspec.json.encode(decide(risk, ledger))
    exposure = net_exposure(ledger.config.inventory_risks[0], risk, ledger)
    assert exposure.rule == (
        "risk score 62.0 (loss 35.0 + age 2.0 + volatility 25.0 + liquidity 0.0) -> Partial: 50% of 2 BTC hedged"
    )
    assert (exposure.lower, exposure.upper) == (Decimal(1), Decimal(1))


@pytest.mark.parametrize(
    ("total", "action", "hedged"),
    [
        (39.9, Action.HOLD, "0"),
        (40.0, Action.REDUCE, "0.1"),
        (54.9, Action.REDUCE, "0.1"),
        (55.0, Action.PARTIAL, "0.2"),
        (70.0, Action.FULL, "0.4"),
        (84.9, Action.FULL, "0.4"),
        (85.0, Action.LIQUIDATE, "0.4"),
        (100.0, Action.LIQUIDATE, "0.4"),
    ],
)
def test_hedge_engines_thresholds(total: float, action: Action, hedged: str) -> None:
    assert action_at(total) is action
    risk, ledger = world("0.4", total)
    exposure = net_exposure(ledger.config.inventory_risks[0], risk, ledger)
    assert exposure.unhedged - exposure.upper == Decimal(hedged)


def test_a_lower_action_takes_the_hedge_back() -> None:
    decision = decide(*world("0.4", 45.0, held="-0.4", before=Action.FULL))
    assert isinstance(decision, Hedge)
    assert [(item.side, item.quantity) for item in decision.intents] == [(Side.BUY, Decimal("0.3"))]


def test_a_change_of_action_is_remembered_though_nothing_is_sent_and_shows_as_state() -> None:
    risk, ledger = world("0.4", 75.0, held="-0.4", before=Action.LIQUIDATE)
    decision = decide(risk, ledger)
    assert isinstance(decision, Hedge)
    assert decision.intents == ()
    assert state_of(decision, ledger.policy_state) == "Full"
    after = msgspec.structs.replace(ledger, policy_state=decision.policy_state)
    held = decide(risk, after)
    assert isinstance(held, Hold)
    assert held.reason is HoldReason.INSIDE_BAND
    assert held.wake_ns == example.NOW_NS + 60 * example.SECOND_NS
    assert state_of(held, after.policy_state) == "Full"


@pytest.mark.parametrize(
    ("total", "held", "sent"),
    [
        (45.0, "0", False),
        (60.0, "0", False),
        (75.0, "0", True),
        (100.0, "0", True),
        # Too much is hedged, or the hedge stands on the exposure's own side: taking that back is never too dear.
        (45.0, "-2.5", True),
        (45.0, "0.5", True),
        (10.0, "-1", False),
    ],
)
def test_the_cost_keeps_only_what_need_not_be_sent(total: float, held: str, sent: bool) -> None:
    """hedge-engine holds at a score of 100 when the cost is above its veto."""
    risk, ledger = world("2", total, held, before=action_at(total))
    dear = msgspec.structs.replace(risk.marks[0], bid=Decimal(59_000), ask=Decimal(61_000))
    decision = decide(msgspec.structs.replace(risk, marks=(dear,)), ledger)
    if sent:
        assert isinstance(decision, Hedge)
        assert len(decision.intents) == 1
    else:
        assert isinstance(decision, Hold)
        assert decision.reason is HoldReason.TOO_DEAR
        assert "would cost 166." in decision.detail
        assert "maxCostBps is 50" in decision.detail


def test_the_cost_is_half_the_spread_and_the_way_through_the_book() -> None:
    mark = example.mark(depth_usd=2e6, depth_bps=20.0)
    spread = float(Decimal("0.1") / Decimal("60000.1")) * 1e4
    assert crossing_cost_bps(mark, Decimal(0)) == pytest.approx(spread)
    assert crossing_cost_bps(mark, Decimal(500_000)) == pytest.approx(spread + 5)
    assert crossing_cost_bps(example.mark(), Decimal(1)) == inf


def test_an_inventory_of_nothing_is_no_risk_of_loss_and_an_empty_market_is_the_worst() -> None:
    risk, ledger = world("2", 0.0)
    risk = msgspec.structs.replace(
        risk,
        inventories=(example.inventory(cost=Decimal(0), profit=Decimal(0), since_ns=None),),
        marks=(example.mark(depth_usd=0.0),),
    )
    exposure = net_exposure(ledger.config.inventory_risks[0], risk, ledger)
    assert exposure.rule.startswith("risk score 20.0 (loss 0.0 + age 0.0 + volatility 0.0 + liquidity 20.0)")
    flat = (Exposure(underlying="BTC", delta=Decimal(0), mark=Decimal(60_000), notional=Decimal(0)),)
    exposure = net_exposure(
        ledger.config.inventory_risks[0], msgspec.structs.replace(risk, exposures=flat), ledger
    )
    assert exposure.rule.startswith("risk score 0.0 ")
