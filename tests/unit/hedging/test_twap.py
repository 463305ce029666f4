"""A hedge in equal shares over time.

T1  With a target that stands still and orders that fill, the slices add up to what a single order would have been.
T2  At no time is more sent than is due, but for what is too small to be sent alone.
T3  A target that moves is never overshot.
T4  After the last slice, less than one lot of the excess is left.
"""

from decimal import Decimal

import hedge_examples as example
import msgspec
import pytest
from hedge_world import MS_NS, TWAP, World, over_time, reason_of
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.domain.instruments import Instrument
from hedgerow.domain.money import ceil_to_step
from hedgerow.hedging.band import Size
from hedgerow.hedging.decision import Hedge, HoldReason
from hedgerow.hedging.twap import due_quantity, slices_due
from hedgerow.strategy.compiled import Twap

SLICE_NS = TWAP.duration_ns // TWAP.slices
LOT = example.PERPETUAL.lot_size


def run(world: World, seconds: int) -> None:
    """A look each second; every order fills at once."""
    for _ in range(seconds):
        world.settle()
        world.fill_all()
        world.wait(example.SECOND_NS)


def test_each_slice_is_sent_at_its_time() -> None:
    world = World(over_time(), "1.4")
    sent = []
    for _ in range(110):
        decision = world.settle()
        if isinstance(decision, Hedge):
            sent.append(((world.now_ns - example.NOW_NS) // example.SECOND_NS, decision.intents[0].quantity))
        world.fill_all()
        world.wait(example.SECOND_NS)
    assert sent == [(10 * number, Decimal("0.040")) for number in range(10)]
    assert reason_of(world.settle()) is HoldReason.INSIDE_BAND


def test_between_slices_it_says_when_the_next_is_due() -> None:
    world = World(over_time(), "1.4")
    world.settle()
    world.fill_all()
    world.wait(3 * example.SECOND_NS)
    hold = world.decide()
    assert reason_of(hold) is HoldReason.WAITING_FOR_SLICE
    assert not isinstance(hold, Hedge)
    assert hold.wake_ns == example.NOW_NS + SLICE_NS
    assert "1 of 10 slices are due, which is 0.040 contracts done and 0.360 to go" in hold.detail


def test_what_a_halt_kept_back_is_caught_up_with_and_not_more() -> None:
    world = World(over_time(), "1.4")
    world.settle()
    world.fill_all()
    world.wait(5 * SLICE_NS)
    decision = world.settle()
    assert isinstance(decision, Hedge)
    assert decision.intents[0].quantity == Decimal("0.200")


def test_a_slice_that_filled_in_part_is_completed_by_the_next() -> None:
    world = World(over_time(), "1.4")
    world.settle()
    world.conclude(Decimal("0.015"))
    world.wait(SLICE_NS)
    decision = world.settle()
    assert isinstance(decision, Hedge)
    assert decision.intents[0].quantity == Decimal("0.065")


def test_slices_too_small_to_be_sent_are_sent_together_when_they_are_not() -> None:
    """0.004 in ten slices is 0.0004 each; the lot is 0.001."""
    world = World(over_time(), "1.004")
    run(world, 110)
    assert [intent.quantity for intent in world.intents] == [Decimal("0.001")] * 4
    assert reason_of(world.settle()) is HoldReason.INSIDE_BAND


def test_a_book_that_comes_back_ends_it_and_another_excess_begins_anew() -> None:
    world = World(over_time(), "1.4")
    run(world, 25)
    world.delta = Decimal("0.2")
    assert reason_of(world.settle()) is HoldReason.INSIDE_BAND
    world.delta = Decimal("2.12")
    decision = world.settle()
    assert isinstance(decision, Hedge)
    assert decision.intents[0].quantity == Decimal("0.100")


def test_an_excess_on_the_other_side_begins_anew() -> None:
    world = World(over_time(), "1.4")
    run(world, 25)
    world.delta = Decimal("-1.88")
    decision = world.settle()
    assert isinstance(decision, Hedge)
    assert (decision.intents[0].side, decision.intents[0].quantity) == ("Buy", Decimal("0.100"))


def test_a_slice_above_the_clip_goes_in_clips() -> None:
    world = World(over_time(clip_notional=Decimal(1_200)), "1.4")
    run(world, 140)
    assert max(intent.quantity for intent in world.intents) == Decimal("0.019")
    assert sum(intent.quantity for intent in world.intents) == Decimal("0.400")


plans = st.builds(
    Twap, duration_ns=st.integers(1, 600).map(lambda s: s * example.SECOND_NS), slices=st.integers(2, 60)
)
excesses = st.integers(1, 30_000).map(lambda units: Decimal(units) / 10_000)


@given(plans, excesses)
def test_t1_slices_add_up_to_the_whole(plan: Twap, excess: Decimal) -> None:
    world = World(over_time(plan, cooldown_ns=0, clip_notional=Decimal(50_000)), format(1 + excess, "f"))
    for number in range(plan.slices + 8):
        world.settle()
        world.fill_all()
        world.ledger = msgspec.structs.replace(
            world.ledger,
            read_ns=max(
                example.NOW_NS + -(-(number + 1) * plan.duration_ns // plan.slices), world.now_ns + MS_NS
            ),
        )
    assert sum(intent.quantity for intent in world.intents) == ceil_to_step(excess, LOT)
    assert world.net.excess == 0


sizes = st.tuples(st.integers(0, 5_000), st.integers(1, 5_000), st.integers(1, 40), st.integers(1, 5_000))


@given(sizes, plans, st.integers(0, 1200))
def test_t2_no_more_than_is_due(numbers: tuple[int, int, int, int], plan: Twap, elapsed_s: int) -> None:
    done, wanted, smallest, largest = (number * LOT for number in numbers)
    size = Size(wanted=max(wanted, smallest), smallest=smallest, largest=max(largest, smallest))
    due = slices_due(elapsed_s * example.SECOND_NS, plan)
    quantity = due_quantity(done, size, due, plan.slices, LOT)
    assert 1 <= due <= plan.slices
    assert 0 <= quantity <= min(size.wanted, size.largest)
    schedule = (done + size.wanted) * due / plan.slices
    assert quantity <= max(schedule - done, 0) or quantity == size.wanted
    if elapsed_s * example.SECOND_NS >= plan.duration_ns:
        assert quantity == min(size.wanted, size.largest)


moves = st.lists(
    st.tuples(st.integers(-40_000, 40_000), st.integers(0, 100), st.integers(0, 30)), min_size=1, max_size=25
)


@given(moves)
def test_t3_a_target_that_moves_is_never_overshot(steps: list[tuple[int, int, int]]) -> None:
    """Each step: where the book's delta goes, how much of an order fills in percent, and for how long to wait."""
    world = World(over_time(), "1.4")
    for delta, percent, seconds in steps:
        world.delta = Decimal(delta) / 10_000
        before = world.net.excess
        decision = world.settle()
        if isinstance(decision, Hedge):
            (intent,) = decision.intents
            filled = (intent.quantity * percent / 100).quantize(LOT)
            world.conclude(filled)
            assert world.net.excess * before >= 0
            assert abs(world.net.excess) <= abs(before)
        world.wait(seconds * example.SECOND_NS)


@pytest.mark.parametrize("excess", ["0.4", "0.40049", "0.0004", "1.23456789"])
def test_t4_after_the_last_slice_less_than_a_lot_is_left(excess: str) -> None:
    world = World(over_time(), format(1 + Decimal(excess), "f"))
    run(world, 140)
    assert abs(world.net.excess) < Instrument.delta(example.PERPETUAL, LOT)
