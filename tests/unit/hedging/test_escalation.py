"""Passive, aggressive, next instrument, alert: one step after the other, each for its time.

E1  A passive order is on the tick, on its own side of the market, and never at the other side's price.
E2  The ladder ends: an order that never fills is Unfilled after the rungs' times, having been on each rung.
E3  Shorter times never leave it on a lower rung.
"""

from decimal import Decimal

import hedge_examples as example
import msgspec
import pytest
from hedge_world import LADDER, World, escalating, is_passive, reason_of
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.domain.orders import Side, TimeInForce
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import CancelReason, Decision, Hedge, HoldReason, NewIntent, Rung
from hedgerow.hedging.escalation import climb, rungs_of
from hedgerow.hedging.orders import passive_price
from hedgerow.hedging.snapshot import Pursuit
from hedgerow.strategy.compiled import Escalation

SECOND_NS = example.SECOND_NS
TICK = example.PERPETUAL.tick_size


def only(decision: Decision) -> NewIntent:
    assert isinstance(decision, Hedge), decision
    (intent,) = decision.intents
    return intent


def waiting(legs: int = 1, delta: str = "1.4") -> World:
    """0.4 outside, with a passive order that the venue has."""
    world = World(escalating(legs), delta)
    assert is_passive(world.decide())
    world.accept()
    return world


def cancelled(world: World, reason: CancelReason) -> None:
    decision = world.decide()
    assert isinstance(decision, Hedge)
    assert [item.reason for item in decision.cancels] == [reason]
    assert decision.intents == ()
    assert reason_of(world.decide()) is HoldReason.CANCELLING


def test_it_begins_with_a_post_only_order_at_the_touch() -> None:
    intent = only(World(escalating(), "1.4").decide())
    assert (intent.side, intent.quantity, intent.limit_price) == (
        Side.SELL,
        Decimal("0.400"),
        Decimal("60000.2"),
    )
    assert (intent.time_in_force, intent.rung) == (TimeInForce.POST_ONLY, Rung.PASSIVE)


def test_while_it_waits_its_leg_holds_and_is_looked_at_again_before_its_deadline() -> None:
    world = waiting()
    hold = world.decide()
    assert reason_of(hold) is HoldReason.RESTING
    assert not isinstance(hold, Hedge)
    assert hold.wake_ns is not None
    assert world.now_ns < hold.wake_ns <= world.now_ns + LADDER.passive_ns


def test_what_did_not_fill_is_cancelled_and_then_crosses() -> None:
    world = waiting()
    world.wait(LADDER.passive_ns)
    cancelled(world, CancelReason.DEADLINE)
    world.conclude()
    intent = only(world.decide())
    assert (intent.time_in_force, intent.rung, intent.quantity) == (
        TimeInForce.IOC,
        Rung.AGGRESSIVE,
        Decimal("0.400"),
    )
    assert intent.limit_price == Decimal("59940.0")


def test_a_fill_during_the_cancel_is_counted_before_the_next_order() -> None:
    world = waiting()
    world.wait(LADDER.passive_ns)
    cancelled(world, CancelReason.DEADLINE)
    world.fill(Decimal("0.1"))
    assert reason_of(world.decide()) is HoldReason.CANCELLING
    world.conclude(Decimal("0.15"))
    assert only(world.decide()).quantity == Decimal("0.150")


def test_a_fill_of_everything_during_the_cancel_leaves_nothing_to_do() -> None:
    world = waiting()
    world.wait(LADDER.passive_ns)
    cancelled(world, CancelReason.DEADLINE)
    world.fill_all()
    assert reason_of(world.settle()) is HoldReason.INSIDE_BAND
    assert world.ledger.policy_state.pursuits == ()


def test_a_touch_that_leaves_it_behind_reprices_it_and_keeps_its_deadline() -> None:
    world = waiting()
    world.move_market(-4)
    world.wait(3 * SECOND_NS)
    assert reason_of(world.decide()) is HoldReason.RESTING
    world.move_market(-1)
    cancelled(world, CancelReason.REPRICE)
    world.conclude(Decimal("0.1"))
    again = only(world.decide())
    assert (again.quantity, again.limit_price, again.rung) == (
        Decimal("0.300"),
        Decimal("59999.7"),
        Rung.PASSIVE,
    )
    world.accept()
    world.wait(LADDER.passive_ns - 3 * SECOND_NS)
    cancelled(world, CancelReason.DEADLINE)


def test_a_touch_that_comes_towards_it_does_not() -> None:
    world = waiting()
    world.move_market(50)
    world.wait(3 * SECOND_NS)
    assert reason_of(world.decide()) is HoldReason.RESTING


@pytest.mark.parametrize("delta", ["0.9", "-2"])
def test_a_book_that_came_back_takes_it_away(delta: str) -> None:
    world = waiting()
    world.delta = Decimal(delta)
    cancelled(world, CancelReason.TARGET_MOVED)


def test_an_order_that_would_leave_the_band_on_the_other_side_is_taken_back() -> None:
    world = World(escalating(), "3.4")
    only(world.decide())
    world.accept()
    world.ledger = msgspec.structs.replace(
        world.ledger, config=msgspec.structs.replace(world.ledger.config, bands=(example.band("0.9", "1"),))
    )
    world.delta = Decimal("1.2")
    cancelled(world, CancelReason.TARGET_MOVED)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"halts": ("All halted by cli: drill",)}, "Halted: All halted by cli: drill"),
        ({"generation": 2}, "GenerationPending"),
    ],
)
def test_what_nobody_can_watch_does_not_wait(change: dict[str, object], words: str) -> None:
    world = waiting()
    risk = world.risk()
    world.ledger = msgspec.structs.replace(world.ledger, **change)
    decision = decide(risk, world.ledger)
    assert isinstance(decision, Hedge)
    (cancel,) = decision.cancels
    assert cancel.reason is CancelReason.CANNOT_WATCH
    assert words in cancel.detail


def test_another_style_takes_the_waiting_order_back_first() -> None:
    world = waiting()
    world.ledger = msgspec.structs.replace(world.ledger, config=example.strategy())
    cancelled(world, CancelReason.STYLE_CHANGED)
    world.conclude()
    world.wait(2 * SECOND_NS)
    assert only(world.decide()).time_in_force is TimeInForce.IOC


def climb_to_the_end(world: World) -> list[Rung | None]:
    """The rungs of the orders that were decided, none of which fills, until a person is called."""
    for _ in range(200):
        decision = world.settle()
        if reason_of(decision) is HoldReason.UNFILLED:
            return [intent.rung for intent in world.intents]
        if world.open and world.open[0].cancel_requested_ns is not None:
            world.conclude()
        world.accept()
        world.conclude_crossing()
        world.wait(SECOND_NS)
    raise AssertionError("the ladder does not end")


@pytest.mark.parametrize("legs", [1, 2, 3])
def test_e2_what_never_fills_is_on_each_rung_and_then_unfilled(legs: int) -> None:
    world = World(escalating(legs), "1.4")
    began_ns = world.now_ns
    rungs = climb_to_the_end(world)
    assert list(dict.fromkeys(rungs)) == list(dict.fromkeys(rungs_of(legs)))
    assert {intent.leg for intent in world.intents} == set(range(legs))
    times = LADDER.passive_ns + LADDER.aggressive_ns + (legs - 1) * LADDER.second_instrument_ns
    # One look a second, and a cooldown of 2 s before each new rung, may come on top.
    assert world.now_ns - began_ns <= times + (legs + 1) * 3 * SECOND_NS


def test_after_the_alert_the_legs_are_tried_again_with_an_order_that_crosses() -> None:
    world = World(escalating(), "1.4")
    climb_to_the_end(world)
    hold = world.decide()
    assert not isinstance(hold, Hedge)
    assert hold.wake_ns is not None
    world.wait(hold.wake_ns - world.now_ns)
    assert only(world.decide()).rung is Rung.AGGRESSIVE


def test_back_inside_the_band_the_ladder_begins_at_its_foot() -> None:
    world = World(escalating(), "1.4")
    climb_to_the_end(world)
    world.delta = Decimal("0.5")
    assert reason_of(world.settle()) is HoldReason.INSIDE_BAND
    world.delta = Decimal("1.6")
    assert only(world.decide()).rung is Rung.PASSIVE


def test_a_clip_that_fills_gives_its_rung_the_time_anew() -> None:
    world = World(escalating(), "3.4")
    first = only(world.decide())
    world.accept()
    world.wait(9 * SECOND_NS)
    world.fill(first.quantity)
    assert only(world.decide()).rung is Rung.PASSIVE
    world.accept()
    world.wait(9 * SECOND_NS)
    assert reason_of(world.decide()) is HoldReason.RESTING


def test_a_halt_in_between_skips_no_rung() -> None:
    world = waiting()
    world.ledger = msgspec.structs.replace(world.ledger, halts=("All halted by cli: drill",))
    world.decide()
    world.conclude()
    world.wait(600 * SECOND_NS)
    assert reason_of(world.decide()) is HoldReason.HALTED
    world.ledger = msgspec.structs.replace(world.ledger, halts=())
    assert only(world.decide()).rung is Rung.AGGRESSIVE


def test_a_leg_at_its_position_limit_gives_way_to_the_next() -> None:
    config = msgspec.structs.replace(
        escalating(2), limits=example.limits(max_position_notional=Decimal(20_000))
    )
    world = World(config, "1.3")
    intent = only(world.decide())
    assert (intent.leg, intent.rung) == (0, Rung.PASSIVE)
    world.accept()
    world.fill_all()
    world.delta = Decimal("1.6")
    world.wait(3 * SECOND_NS)
    intent = only(world.settle())
    assert (intent.leg, intent.rung) == (1, Rung.SECOND_INSTRUMENT)


def test_while_it_waits_after_a_crossing_order_that_found_too_little_it_says_so() -> None:
    world = waiting()
    world.wait(LADDER.passive_ns)
    world.decide()
    world.conclude()
    only(world.decide())
    world.conclude(Decimal("0.1"))
    hold = world.decide()
    assert reason_of(hold) is HoldReason.SLIPPAGE_GUARD
    assert not isinstance(hold, Hedge)
    assert "within 10 bps of the touch" in hold.detail


markets = st.tuples(st.integers(10, 2_000_000), st.integers(1, 50)).map(
    lambda bid_and_spread: (bid_and_spread[0] * TICK, sum(bid_and_spread) * TICK)
)


@given(markets, st.sampled_from(list(Side)), st.integers(0, 100))
def test_e1_a_passive_order_never_takes(
    market: tuple[Decimal, Decimal], side: Side, inside_ticks: int
) -> None:
    bid, ask = market
    mark = example.mark(bid=bid, ask=ask, mid=(bid + ask) / 2)
    price = passive_price(side, mark, example.PERPETUAL, inside_ticks)
    assert example.PERPETUAL.is_on_tick(price)
    if side is Side.BUY:
        assert bid <= price < ask
    else:
        assert bid < price <= ask


seconds = st.integers(1, 40).map(lambda count: count * SECOND_NS)


@st.composite
def ladders(draw: st.DrawFn) -> tuple[Escalation, Escalation]:
    """Two, the second with no longer a time on any rung; neither comes to its retry."""
    times = [draw(seconds) for _ in range(3)]
    shorter = [draw(st.integers(1, time)) for time in times]
    names = ("passive_ns", "aggressive_ns", "second_instrument_ns")
    retry = {"retry_ns": 10_000 * SECOND_NS}
    return (
        msgspec.structs.replace(LADDER, **retry, **dict(zip(names, times, strict=True))),
        msgspec.structs.replace(LADDER, **retry, **dict(zip(names, shorter, strict=True))),
    )


@given(ladders(), st.integers(1, 3), st.integers(0, 3), seconds, st.booleans())
def test_e3_shorter_times_never_leave_it_on_a_lower_rung(
    pair: tuple[Escalation, Escalation], legs: int, rung: int, waited_ns: int, reached: bool
) -> None:
    pursuit = Pursuit(
        underlying="BTC",
        side=Side.SELL,
        started_ns=0,
        hedge=Decimal(0),
        aim=Decimal(0),
        rung=min(rung, legs),
        rung_since_ns=0,
    )
    longer, shorter = (climb(pursuit, reached, legs, ladder, waited_ns) for ladder in pair)
    past_the_end = len(rungs_of(legs))
    assert (past_the_end if shorter is None else shorter) >= (past_the_end if longer is None else longer)
