"""A decision is committed only on the ledger that it was made from."""

import asyncio
from decimal import Decimal

import asyncpg
import hedge_examples as example
import hedge_world
import msgspec
import pytest
from ledger_desk import TRACE, Desk

from hedgerow.domain.orders import TimeInForce
from hedgerow.execution.order_life import IntentState
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Hedge
from hedgerow.ledger.audit import find_decision, replay_decisions
from hedgerow.ledger.chain import verify_chain
from hedgerow.ledger.connection import allow_silence
from hedgerow.ledger.decisions import INTENTS_CHANNEL, commit_decision
from hedgerow.ledger.halts import HaltTarget, place_halt, release_halts
from hedgerow.ledger.outcomes import record_answer
from hedgerow.ledger.snapshot import read_snapshot
from hedgerow.ledger.strategies import publish_strategy, remove_strategy
from hedgerow.schemas.codec import encode


async def test_a_committed_decision_is_there_whole(desk: Desk) -> None:
    risk, ledger = desk.risk("1.4"), await desk.snapshot()
    committed = await desk.commit(risk, ledger)
    assert committed is not None
    intent = await desk.intent(committed.intents[0])
    assert (intent.state, intent.quantity, intent.side) == (IntentState.DECIDED, Decimal("0.400"), "Sell")
    assert (intent.generation, intent.decision, intent.leg) == (1, committed.decision, 0)
    async with desk.pool.acquire() as connection:
        stored = await find_decision(connection, committed.decision)
        assert await find_decision(connection, committed.decision + 1) is None
    assert stored is not None
    assert (stored.risk_state, stored.snapshot) == (encode(risk), encode(ledger))
    assert stored.decision == encode(decide(risk, ledger))
    after = await desk.snapshot()
    assert after.version == ledger.version + 1
    assert after.policy_state.last_decided_ns == ledger.read_ns
    assert [open_intent.id for open_intent in after.open_intents] == list(committed.intents)


@pytest.mark.parametrize("workers", [2, 8])
async def test_of_many_commits_on_one_version_exactly_one_wins(desk: Desk, workers: int) -> None:
    for number in range(6):
        desk.now_ns += desk.config.execution.cooldown_ns
        ledger = await desk.snapshot()
        risk = desk.risk(f"{1.2 + number / 10:.1f}")
        outcomes = await asyncio.gather(*(desk.commit(risk, ledger) for _ in range(workers)))
        (won,) = [outcome for outcome in outcomes if outcome is not None]
        assert await desk.value("select count(*) from decisions") == number + 1
        assert await desk.value("select count(*) from intents") == number + 1
        async with desk.pool.acquire() as connection:
            await connection.execute("update intents set state = 'Refused' where id = $1", won.intents[0])


async def _fill(desk: Desk) -> None:
    await desk.conclude(1, example.order(IntentState.PARTIALLY_FILLED, "0.1"), example.fill("x1", "0.1"))


async def _publish_next(desk: Desk) -> None:
    async with desk.pool.acquire() as connection:
        changed = example.strategy(bands=(example.band("-1", "1.1"),))
        await publish_strategy(connection, changed, "r2", desk.now_ns)


async def _halt(desk: Desk) -> None:
    async with desk.pool.acquire() as connection:
        await place_halt(connection, HaltTarget(kind="All"), "cli", "drill", desk.now_ns)


async def _halt_venue(desk: Desk) -> None:
    async with desk.pool.acquire() as connection:
        target = HaltTarget(kind="Venue", name=example.VENUE)
        await place_halt(connection, target, "cli", "drill", desk.now_ns)


async def _remove(desk: Desk) -> None:
    async with desk.pool.acquire() as connection:
        await remove_strategy(connection, desk.config.key, desk.now_ns)


async def _decide_elsewhere(desk: Desk) -> None:
    await desk.decide("1.3")


@pytest.mark.parametrize("came_first", [_publish_next, _halt, _halt_venue, _remove, _decide_elsewhere])
async def test_a_decision_loses_to_whatever_came_first(desk: Desk, came_first) -> None:
    risk, ledger = desk.risk("1.4"), await desk.snapshot()
    await came_first(desk)
    before = await desk.everything()
    assert await desk.commit(risk, ledger) is None
    assert await desk.everything() == before


async def test_a_decision_loses_to_a_fill(desk: Desk) -> None:
    sent = await desk.send("1.4")
    desk.now_ns += desk.config.execution.cooldown_ns
    # A worker that does not know of the open intent: its snapshot is from before it was claimed.
    stale = msgspec.structs.replace(await desk.snapshot(), open_intents=())
    await _fill(desk)
    before = await desk.everything()
    assert await desk.commit(desk.risk("1.4"), stale) is None
    assert await desk.everything() == before
    assert (await desk.intent(sent.id)).state is IntentState.PARTIALLY_FILLED


async def test_a_released_halt_lets_the_next_decision_through(desk: Desk) -> None:
    await _halt(desk)
    async with desk.pool.acquire() as connection:
        await release_halts(connection, HaltTarget(kind="All"), "cli", "desk", desk.now_ns)
    assert await desk.commit(desk.risk("1.4"), await desk.snapshot()) is not None


async def test_the_database_itself_holds_a_leg_to_one_open_intent(desk: Desk) -> None:
    await desk.decide("1.4")
    desk.now_ns += desk.config.execution.cooldown_ns
    blind = msgspec.structs.replace(await desk.snapshot(), open_intents=())
    before = await desk.everything()
    with pytest.raises(asyncpg.UniqueViolationError, match="intents_open_leg"):
        await desk.commit(desk.risk("1.4"), blind)
    assert await desk.everything() == before


async def test_the_executor_is_told_of_the_venue_after_the_commit_and_not_without_one(desk: Desk) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with desk.pool.acquire() as listener:

        def hear(_connection: object, _process: int, _channel: str, payload: str) -> None:
            heard.put_nowait(payload)

        await listener.add_listener(INTENTS_CHANNEL, hear)
        ledger = await desk.snapshot()
        stale = msgspec.structs.replace(ledger, version=ledger.version + 5)
        assert await desk.commit(desk.risk("1.4"), stale) is None
        assert await desk.commit(desk.risk("1.4"), ledger) is not None
        assert await heard.get() == example.VENUE
        assert heard.empty()
        await listener.remove_listener(INTENTS_CHANNEL, hear)


async def test_a_strategy_that_is_not_there_has_no_snapshot(desk: Desk) -> None:
    async with desk.pool.acquire() as connection:
        assert await read_snapshot(connection, example.UID, desk.now_ns) is None
        await remove_strategy(connection, desk.config.key, desk.now_ns)
        assert await read_snapshot(connection, desk.uid, desk.now_ns) is None


async def test_a_commit_that_is_cut_off_leaves_nothing(desk: Desk) -> None:
    risk, ledger = desk.risk("1.4"), await desk.snapshot()
    decision = decide(risk, ledger)
    assert isinstance(decision, Hedge)
    before = await desk.everything()
    async with desk.pool.acquire() as blocker, desk.pool.acquire() as connection:
        transaction = blocker.transaction()
        await transaction.start()
        await allow_silence(blocker)
        await blocker.execute("lock table chain in share mode")
        commit = asyncio.create_task(commit_decision(connection, risk, ledger, decision, TRACE))
        await desk.until_waiting(1, commit)
        process = connection.get_server_pid()
        await blocker.execute("select pg_terminate_backend($1)", process)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError)):
            await commit
        await transaction.rollback()
    assert await desk.everything() == before


async def test_a_cancel_is_a_step_of_the_intents_chain_and_is_written_also_while_a_halt_stands(
    desk: Desk,
) -> None:
    config = msgspec.structs.replace(desk.config, execution=example.execution(escalation=hedge_world.LADDER))
    await desk.open(config, revision="r2")
    intent = await desk.send()
    assert intent.time_in_force is TimeInForce.POST_ONLY
    async with desk.pool.acquire() as connection:
        await record_answer(connection, intent.id, "v-1", "accepted", desk.now_ns)
        target = HaltTarget(kind="Strategy", name=desk.config.key)
        await place_halt(connection, target, "cli", "drill", desk.now_ns)
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with desk.pool.acquire() as listener:

        def hear(_connection: object, _process: int, _channel: str, payload: str) -> None:
            heard.put_nowait(payload)

        await listener.add_listener(INTENTS_CHANNEL, hear)
        committed = await desk.commit(desk.risk("1.4"), await desk.snapshot())
        assert await heard.get() == example.VENUE
        await listener.remove_listener(INTENTS_CHANNEL, hear)
    assert committed is not None
    assert committed.intents == ()
    asked = await desk.intent(intent.id)
    assert (asked.state, asked.cancel_requested_ns) == (IntentState.ACCEPTED, desk.now_ns)
    assert asked.reason.startswith("cancel decided: CannotWatch: Halted")
    (open_now,) = (await desk.snapshot()).open_intents
    assert open_now.cancel_requested_ns == desk.now_ns
    fill = example.fill("e-1", "0.1", price="60000.2")
    ended = await desk.conclude(intent.id, example.order(IntentState.CANCELLED, "0.1"), fill)
    assert (ended.intent.state, ended.intent.filled_quantity) == (IntentState.CANCELLED, Decimal("0.1"))
    async with desk.pool.acquire() as connection:
        assert (await verify_chain(connection, desk.uid)).breaks == []
        assert (await replay_decisions(connection, desk.uid)).differences == ()
