"""I6, second half: each stored decision, made again from its stored inputs, is byte-equal."""

import random

import hedge_examples as example
import pytest
from ledger_desk import Desk

from hedgerow.execution.order_life import IntentState
from hedgerow.ledger.audit import (
    ReplayReport,
    count_decisions,
    decisions_there,
    find_decision,
    find_decision_of_intent,
    replay_decisions,
)


async def _replay(desk: Desk, uid: str | None = None) -> ReplayReport:
    async with desk.pool.acquire() as connection:
        return await replay_decisions(connection, uid)


@pytest.fixture
async def decided(desk: Desk) -> Desk:
    """Twelve decisions at different exposures, holding and filling what was decided before."""
    dice = random.Random(3)
    for number in range(12):
        sent = await desk.send(f"{dice.choice([1, -1]) * (1.01 + dice.random() * 3):.6f}")
        filled = format(sent.quantity, "f")
        fill = example.fill(f"x{number}", filled, str(60_000 + dice.randrange(-99, 99) / 10))
        await desk.conclude(sent.id, example.order(IntentState.FILLED, filled), fill)
    return desk


async def test_every_decision_comes_out_as_it_was_stored(decided: Desk) -> None:
    assert await _replay(decided) == ReplayReport(decisions=12, differences=())
    assert await _replay(decided, decided.uid) == ReplayReport(decisions=12, differences=())
    assert await _replay(decided, example.UID) == ReplayReport(decisions=0, differences=())


async def test_those_who_wait_are_told_of_each_decision_and_of_how_many_there_are(decided: Desk) -> None:
    seen: list[None] = []
    async with decided.pool.acquire() as connection:
        await replay_decisions(connection, decided.uid, lambda: seen.append(None))
        assert len(seen) == await count_decisions(connection, decided.uid) == 12
        assert await count_decisions(connection, example.UID) == 0


async def test_an_empty_ledger_has_nothing_to_replay(desk: Desk) -> None:
    assert await _replay(desk) == ReplayReport(decisions=0, differences=())


def _replaced(column: str, old: str, new: str) -> str:
    return f"{column} = replace(convert_from({column}, 'UTF8'), '{old}', '{new}')::bytea"


@pytest.mark.parametrize(
    ("change", "replayed"),
    [
        (_replaced("decision", '"leg":0', '"leg":1'), '"leg":0'),
        (_replaced("snapshot", '"suspend":false', '"suspend":true'), "Suspended"),
        (_replaced("risk_state", '"ready":true', '"ready":false'), "NotReady"),
        ("risk_state = '\\xff'", "cannot be decided again"),
        ("snapshot = '{}'", "cannot be decided again"),
        (_replaced("snapshot", '"underlying":"BTC"', '"underlying":"ETH"'), "cannot be decided again"),
    ],
    ids=["result", "snapshot", "risk state", "no text", "other shape", "nothing to decide on"],
)
async def test_a_decision_that_comes_out_otherwise_is_named_and_hides_no_other(
    decided: Desk, change: str, replayed: str
) -> None:
    await decided.execute(f"update decisions set {change} where id in (5, 11)")
    report = await _replay(decided)
    assert report.decisions == 12
    assert [difference.decision for difference in report.differences] == [5, 11]
    for difference in report.differences:
        assert replayed in difference.replayed
        assert difference.stored != difference.replayed


async def test_one_decision_is_found_with_its_intents_and_made_again_to_the_byte(decided: Desk) -> None:
    async with decided.pool.acquire() as connection:
        found = await find_decision(connection, 7)
        assert found is not None
        assert (found.id, found.strategy, found.generation) == (7, decided.config.key, 1)
        assert (found.cause, found.intents) == ("book:clients:3", (7,))
        assert found.replayed() == found.decision
        assert await find_decision_of_intent(connection, 7) == 7
        assert await find_decision(connection, 13) is None
        assert await find_decision_of_intent(connection, 13) is None
        assert await decisions_there(connection) == (1, 12)


async def test_an_empty_ledger_has_no_decision_to_find(desk: Desk) -> None:
    async with desk.pool.acquire() as connection:
        assert await decisions_there(connection) is None
