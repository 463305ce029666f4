"""What the venue tells, in whatever order and how often, is booked once."""

import asyncio
import random
from decimal import Decimal

import hedge_examples as example
import pytest
from ledger_desk import Desk

from hedgerow.domain.money import ZERO
from hedgerow.execution.conclusion import Contradiction
from hedgerow.execution.intents import VenueFill, VenueOrder
from hedgerow.execution.order_life import IllegalTransition, IntentState
from hedgerow.ledger.chain import verify_chain
from hedgerow.ledger.outcomes import Outcome, read_fills, record_answer, record_state

S = IntentState


async def _position(desk: Desk) -> Decimal:
    ledger = await desk.snapshot()
    return sum((held.quantity for held in ledger.positions), ZERO)


async def _state(desk: Desk, intent: int, state: IntentState, reason: str = "said so") -> Outcome:
    async with desk.pool.acquire() as connection:
        return await record_state(connection, intent, state, reason, desk.now_ns)


async def _answer(desk: Desk, intent: int, venue_order_id: str = "v-1") -> Outcome:
    async with desk.pool.acquire() as connection:
        return await record_answer(connection, intent, venue_order_id, "accepted", desk.now_ns)


async def _version(desk: Desk) -> int:
    return (await desk.snapshot()).version


def _split(quantity: Decimal, parts: int, dice: random.Random) -> list[VenueFill]:
    lots = int(quantity * 1000)
    cuts = sorted(dice.sample(range(1, lots), parts - 1))
    sizes = [high - low for low, high in zip([0, *cuts], [*cuts, lots], strict=True)]
    prices = [str(60_000 + dice.randrange(-50, 50) / 10) for _ in sizes]
    return [
        example.fill(f"x{number}", str(Decimal(size) / 1000), price)
        for number, (size, price) in enumerate(zip(sizes, prices, strict=True))
    ]


def _order(state: IntentState, fills: list[VenueFill]) -> VenueOrder:
    return example.order(state, format(sum((fill.quantity for fill in fills), ZERO), "f"))


@pytest.mark.parametrize("seed", range(6))
async def test_fills_count_once_however_often_in_what_order_and_over_how_many_calls_they_are_told(
    desk: Desk, seed: int
) -> None:
    dice = random.Random(seed)
    sent = await desk.send("1.4")
    fills = _split(sent.quantity, 5, dice)
    for _ in range(6):
        told = dice.choices(fills, k=dice.randrange(1, 8))
        await desk.conclude(sent.id, example.order(S.PARTIALLY_FILLED, "0"), *told)
    await desk.conclude(sent.id, _order(S.FILLED, fills), *dice.sample(fills, len(fills)))
    final = await desk.intent(sent.id)
    assert (final.state, final.filled_quantity) == (S.FILLED, sent.quantity)
    assert await _position(desk) == -sent.quantity
    async with desk.pool.acquire() as connection:
        booked = await read_fills(connection, sent.id)
        row = await connection.fetchrow("select * from positions")
        assert (await verify_chain(connection, desk.uid)).breaks == []
    assert sorted(booked, key=str) == sorted(fills, key=str)
    worth = sum((fill.quantity * fill.price for fill in fills), ZERO)
    assert abs(row["entry_price"] * sent.quantity - worth) < Decimal("1e-15")
    assert row["fees"] == sum((fill.fee for fill in fills), ZERO)
    before = await desk.everything()
    assert (await desk.conclude(sent.id, _order(S.FILLED, fills), *fills)).changed is False
    assert await desk.everything() == before


async def test_two_tellers_at_once_book_a_fill_once(desk: Desk) -> None:
    sent = await desk.send("1.4")
    fills = _split(sent.quantity, 3, random.Random(1))
    outcomes = await asyncio.gather(
        *(desk.conclude(sent.id, _order(S.FILLED, fills), *fills) for _ in range(6))
    )
    assert sum(outcome.changed for outcome in outcomes) == 1
    assert await _position(desk) == -sent.quantity


async def test_position_and_version_change_with_the_intent_in_one_transaction(desk: Desk) -> None:
    sent = await desk.send("1.4")
    version = await _version(desk)
    await desk.conclude(sent.id, example.order(S.PARTIALLY_FILLED, "0.1"), example.fill("x1", "0.1"))
    ledger = await desk.snapshot()
    assert ledger.version == version + 1
    assert ledger.positions[0].quantity == Decimal("-0.1")
    assert [(one.filled_quantity, one.state) for one in ledger.open_intents] == [
        (Decimal("0.1"), S.PARTIALLY_FILLED)
    ]


async def test_an_end_waits_for_its_executions(desk: Desk) -> None:
    sent = await desk.send("1.4")
    whole = format(sent.quantity, "f")
    early = await desk.conclude(sent.id, example.order(S.FILLED, whole))
    assert early.intent.state is S.PARTIALLY_FILLED
    assert await _position(desk) == 0
    late = await desk.conclude(sent.id, example.order(S.FILLED, whole), example.fill("x1", whole))
    assert late.intent.state is S.FILLED
    assert await _position(desk) == -sent.quantity


async def test_an_older_look_after_the_end_changes_nothing(desk: Desk) -> None:
    sent = await desk.send("1.4")
    await desk.conclude(sent.id, example.order(S.CANCELLED, "0.1"), example.fill("x1", "0.1"))
    before = await desk.everything()
    for stale in (example.order(S.ACCEPTED), example.order(S.PARTIALLY_FILLED, "0.1")):
        assert (await desk.conclude(sent.id, stale)).changed is False
        assert (await desk.conclude(sent.id, stale, example.fill("x1", "0.1"))).changed is False
    assert await desk.everything() == before


@pytest.mark.parametrize(
    ("end", "filled"), [(S.FILLED, "0.400"), (S.CANCELLED, "0.1"), (S.CANCELLED, "0"), (S.ACCEPTED, "0")]
)
async def test_an_unknown_order_is_resolved_to_what_the_venue_shows(
    desk: Desk, end: IntentState, filled: str
) -> None:
    sent = await desk.send("1.4")
    assert (await _state(desk, sent.id, S.UNKNOWN, "timeout")).intent.state is S.UNKNOWN
    fills = [example.fill("x1", filled)] if Decimal(filled) else []
    resolved = await desk.conclude(sent.id, example.order(end, filled), *fills)
    assert (resolved.changed, resolved.intent.state) == (True, end)
    assert await _position(desk) == -Decimal(filled)


async def _abandon(desk: Desk) -> int:
    sent = await desk.send("1.4")
    await _state(desk, sent.id, S.UNKNOWN, "timeout")
    await _state(desk, sent.id, S.ABANDONED, "not there")
    return sent.id


async def test_what_was_abandoned_and_shows_up_late_is_booked(desk: Desk) -> None:
    late = await _abandon(desk)
    outcome = await desk.conclude(late, example.order(S.CANCELLED, "0.1"), example.fill("x1", "0.1"))
    assert outcome.intent.state is S.CANCELLED
    assert await _position(desk) == Decimal("-0.1")


async def test_an_order_that_shows_up_late_and_open_takes_its_leg_back_when_that_is_free(desk: Desk) -> None:
    late = await _abandon(desk)
    outcome = await desk.conclude(late, example.order(S.ACCEPTED))
    assert outcome.intent.state is S.ACCEPTED
    assert [one.id for one in (await desk.snapshot()).open_intents] == [late]


async def test_an_order_that_shows_up_late_on_a_leg_that_is_taken_counts_its_fills_all_the_same(
    desk: Desk,
) -> None:
    late = await _abandon(desk)
    current = await desk.send("1.4")
    version = await _version(desk)
    open_order = example.order(S.PARTIALLY_FILLED, "0.1")
    outcome = await desk.conclude(late, open_order, example.fill("x1", "0.1"))
    assert (outcome.intent.state, outcome.intent.filled_quantity) == (S.ABANDONED, Decimal("0.1"))
    assert await _position(desk) == Decimal("-0.1")
    assert await _version(desk) == version + 1
    assert [one.id for one in (await desk.snapshot()).open_intents] == [current.id]
    whole = example.order(S.FILLED, "0.400")
    ended = await desk.conclude(late, whole, example.fill("x1", "0.1"), example.fill("x2", "0.300"))
    assert ended.intent.state is S.FILLED
    assert await _position(desk) == Decimal("-0.4")


@pytest.mark.parametrize(
    ("order", "fills"),
    [
        (example.order(S.PARTIALLY_FILLED, "0.3"), [example.fill("x1", "0.3"), example.fill("x2", "0.2")]),
        (example.order(S.REJECTED), [example.fill("x1", "0.1")]),
        (example.order(S.CANCELLED, "0.1"), [example.fill("x1", "0.1"), example.fill("x2", "0.1")]),
        (example.order(S.FILLED, "0.1"), [example.fill("x1", "0.1")]),
        (example.order(S.PARTIALLY_FILLED, "0.1"), [example.fill("x0", "0.06")]),
        (example.order(S.PARTIALLY_FILLED, "0.1"), [example.fill("x0", "0.05", price="59999.9")]),
    ],
    ids=["too much", "rejected", "more than its end", "not whole", "other quantity", "other price"],
)
async def test_a_contradiction_changes_nothing(desk: Desk, order: VenueOrder, fills: list[VenueFill]) -> None:
    sent = await desk.send("1.4")
    await desk.conclude(sent.id, example.order(S.PARTIALLY_FILLED, "0.05"), example.fill("x0", "0.05"))
    before = await desk.everything()
    with pytest.raises(Contradiction, match=f"intent {sent.id}"):
        await desk.conclude(sent.id, order, *fills)
    assert await desk.everything() == before


async def test_an_execution_of_another_intent_is_a_contradiction(desk: Desk) -> None:
    first = await desk.send("1.4")
    await desk.conclude(first.id, example.order(S.CANCELLED, "0.1"), example.fill("x1", "0.1"))
    second = await desk.send("1.4")
    before = await desk.everything()
    with pytest.raises(Contradiction, match="x1 was booked before, for another intent"):
        await desk.conclude(second.id, example.order(S.CANCELLED, "0.1"), example.fill("x1", "0.1"))
    assert await desk.everything() == before


async def test_an_answer_makes_it_accepted_once_and_never_takes_an_end_back(desk: Desk) -> None:
    sent = await desk.send("1.4")
    assert (await _answer(desk, sent.id)).intent.state is S.ACCEPTED
    assert (await _answer(desk, sent.id)).changed is False
    await desk.conclude(sent.id, example.order(S.CANCELLED))
    assert (await _answer(desk, sent.id)).intent.state is S.CANCELLED
    assert await desk.value("select venue_order_id from orders") == "v-1"


async def test_a_look_that_does_not_know_the_venues_number_leaves_room_for_it(desk: Desk) -> None:
    sent = await desk.send("1.4")
    nameless = VenueOrder(client_order_id="", venue_order_id="", state=S.ACCEPTED, filled_quantity=Decimal(0))
    await desk.conclude(sent.id, nameless)
    assert await desk.value("select venue_order_id from orders") is None
    await desk.conclude(sent.id, example.order(S.CANCELLED))
    assert await desk.value("select venue_order_id from orders") == "v-1"


async def test_a_state_that_is_told_twice_changes_nothing_the_second_time(desk: Desk) -> None:
    sent = await desk.send("1.4")
    assert (await _state(desk, sent.id, S.REJECTED, "no margin")).changed is True
    before = await desk.everything()
    assert (await _state(desk, sent.id, S.REJECTED, "no margin")).changed is False
    assert await desk.everything() == before


@pytest.mark.parametrize("state", [S.DECIDED, S.REFUSED, S.ABANDONED])
async def test_an_illegal_step_changes_nothing(desk: Desk, state: IntentState) -> None:
    sent = await desk.send("1.4")
    before = await desk.everything()
    with pytest.raises(IllegalTransition):
        await _state(desk, sent.id, state)
    assert await desk.everything() == before


async def test_an_intent_that_was_never_sent_cannot_have_an_order(desk: Desk) -> None:
    number = await desk.decide()
    before = await desk.everything()
    with pytest.raises(IllegalTransition):
        await desk.conclude(number, example.order(S.ACCEPTED))
    assert await desk.everything() == before
