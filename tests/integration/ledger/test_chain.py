"""Whatever is changed behind the ledger's back is found."""

import random
from decimal import Decimal

import asyncpg
import hedge_examples as example
import pytest
from ledger_desk import Desk

from hedgerow.execution.order_life import IntentState
from hedgerow.ledger.chain import count_entries, verify_chain
from hedgerow.ledger.outcomes import record_state

S = IntentState


async def _breaks(desk: Desk, uid: str | None = None) -> list[str]:
    async with desk.pool.acquire() as connection:
        return (await verify_chain(connection, uid)).breaks


async def _one_life(desk: Desk, dice: random.Random) -> None:
    """One intent, from its decision to an end by some way."""
    number = await desk.decide(dice.choice(["1.4", "-1.7", "2.2"]))
    if dice.random() < 0.2:
        await desk.claim(number, bid="1", ask="2")
        return
    taken = await desk.claim(number)
    assert taken is not None
    quantity = taken.intent.quantity
    if dice.random() < 0.3:
        async with desk.pool.acquire() as connection:
            await record_state(connection, number, S.UNKNOWN, "timeout", desk.now_ns)
            if dice.random() < 0.5:
                await record_state(connection, number, S.ABANDONED, "not there", desk.now_ns)
                return
    part = Decimal(dice.randrange(1, int(quantity * 1000))) / 1000
    parts = [example.fill(f"{number}-1", format(part, "f"), fee="-0.02")]
    await desk.conclude(number, example.order(S.PARTIALLY_FILLED, format(part, "f")), *parts)
    if dice.random() < 0.5:
        await desk.conclude(number, example.order(S.CANCELLED, format(part, "f"), "killed"), *parts)
        return
    parts.append(example.fill(f"{number}-2", format(quantity - part, "f")))
    await desk.conclude(number, example.order(S.FILLED, format(quantity, "f")), *parts)


@pytest.mark.parametrize("seed", range(3))
async def test_after_a_random_walk_the_chain_holds_and_every_step_is_in_it(desk: Desk, seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(15):
        await _one_life(desk, dice)
    async with desk.pool.acquire() as connection:
        report = await verify_chain(connection, desk.uid)
        assert report == await verify_chain(connection, None)
        seen: list[None] = []
        assert report == await verify_chain(connection, None, lambda: seen.append(None))
        assert len(seen) == report.entries == await count_entries(connection, desk.uid)
    assert report.breaks == []
    assert report.entries == await desk.value("select version from strategies")
    assert report.entries > 30
    assert await desk.value("select count(distinct state) from intents") >= 3


@pytest.fixture
async def history(desk: Desk) -> Desk:
    """Intent 1 filled, 2 cancelled, 3 refused, 4 decided; entries 1-4, 5-7, 8-9, 10."""
    first = await desk.send("1.4")
    part, whole = example.fill("x1", "0.1"), format(first.quantity, "f")
    await desk.conclude(first.id, example.order(S.PARTIALLY_FILLED, "0.1"), part)
    await desk.conclude(first.id, example.order(S.FILLED, whole), part, example.fill("x2", "0.300"))
    second = await desk.send("1.2")
    await desk.conclude(second.id, example.order(S.CANCELLED))
    await desk.claim(await desk.decide("1.3"), bid="1", ask="2")
    await desk.decide("1.3")
    assert await desk.value("select array_agg(state order by id) from intents") == [
        "Filled",
        "Cancelled",
        "Refused",
        "Decided",
    ]
    assert await desk.value("select count(*) from chain") == 10
    assert await _breaks(desk) == []
    return desk


@pytest.mark.parametrize(
    "statement",
    [
        "update chain set payload = payload where position = 1",
        "update chain set hash = ''",
        "delete from chain where position = 10",
        "delete from chain where false",
        "truncate chain",
    ],
)
async def test_the_chain_refuses_every_change(history: Desk, statement: str) -> None:
    before = await history.everything()
    with pytest.raises(asyncpg.RaiseError, match="chain is append-only"):
        await history.execute(statement)
    assert await history.everything() == before


CHAIN_TAMPERED = {
    "a quantity in a payload": (
        "update chain set payload = replace(convert_from(payload, 'UTF8'), '0.1', '0.2')::bytea where position = 3",
        "entry 3 does not match its hash",
    ),
    "one byte of a payload": (
        "update chain set payload = set_byte(payload, 20, get_byte(payload, 20) # 1) where position = 6",
        "entry 6 does not match its hash",
    ),
    "a payload that is no text": (
        "update chain set payload = '\\xff00' where position = 6",
        "entry 6 cannot be read",
    ),
    "a payload of another shape": (
        "update chain set payload = '{}' where position = 6",
        "entry 6 cannot be read",
    ),
    "a hash": (
        "update chain set hash = set_byte(hash, 0, get_byte(hash, 0) # 1) where position = 10",
        "entry 10 does not match its hash",
    ),
    "a payload with its hash made anew": (
        "update chain c set payload = new.payload, hash = sha256(p.hash || new.payload) from chain p, "
        "(select replace(convert_from(payload, 'UTF8'), '0.1', '0.2')::bytea as payload from chain where position = 3)"
        " new where c.position = 3 and p.position = 2",
        "entry 4 does not match its hash",
    ),
    "the first entry gone": ("delete from chain where position = 1", "entry 1 is missing, 2 follows"),
    "an entry gone": ("delete from chain where position = 6", "entry 6 is missing, 7 follows"),
    "the last entry gone": ("delete from chain where position = 10", "intent 4 is not in the chain"),
    "the newest step of an intent gone": (
        "delete from chain where position > 8",
        "intent 3: state is 'Refused'",
    ),
    "all gone": ("delete from chain", "intent 1 is not in the chain"),
    "two entries exchanged": (
        "update chain c set payload = o.payload, hash = o.hash from chain o "
        "where (c.position, o.position) in ((5, 6), (6, 5))",
        "entry 5 does not match its hash",
    ),
    "an entry added": (
        "insert into chain select strategy_uid, 11, payload, hash from chain where position = 10",
        "entry 11 does not match its hash",
    ),
}


@pytest.mark.parametrize("name", list(CHAIN_TAMPERED))
async def test_an_edited_chain_is_found(history: Desk, name: str) -> None:
    statement, words = CHAIN_TAMPERED[name]
    await history.execute("alter table chain disable trigger all", statement)
    found = await _breaks(history)
    assert any(words in line for line in found), found


EDITED = {
    "state": ("update intents set state = 'Cancelled' where id = 1", "intent 1: state is 'Cancelled'"),
    "quantity": ("update intents set quantity = 0.5 where id = 1", "intent 1: quantity is '0.5'"),
    "filled": ("update intents set filled_quantity = 0.3 where id = 1", "filled_quantity is '0.3'"),
    "side": ("update intents set side = 'Buy' where id = 1", "side is 'Buy', the chain says 'Sell'"),
    "price": ("update intents set limit_price = 1 where id = 1", "limit_price is '1'"),
    "instrument": ("update intents set instrument = 'BTC/USDT' where id = 1", "instrument is 'BTC/USDT'"),
    "venue": ("update intents set venue = 'desk/other' where id = 1", "venue is 'desk/other'"),
    "account": ("update intents set account = 'hedge-02' where id = 1", "account is 'hedge-02'"),
    "mode": ("update intents set mode = 'Shadow' where id = 1", "mode is 'Shadow'"),
    "leg": ("update intents set leg = 3 where id = 1", "leg is 3, the chain says 0"),
    "generation": ("update intents set generation = 2 where id = 1", "generation is 2"),
    "decision": ("update intents set decision = 2 where id = 1", "decision is 2"),
    "time": ("update intents set decided_ns = 1 where id = 1", "decided_ns is 1,"),
    "time in force": ("update intents set time_in_force = 'GTC' where id = 1", "time_in_force is 'GTC'"),
    "reason": ("update intents set reason = '' where id = 3", "intent 3: reason is ''"),
    "gone": ("delete from intents where id = 4", "intent 4 is in the chain and gone from the table"),
    "added": (
        "insert into intents (decision, strategy_uid, generation, leg, mode, venue, account, instrument, side, "
        "quantity, limit_price, time_in_force, state, decided_ns) select decision, strategy_uid, generation, leg, "
        "mode, venue, account, instrument, side, quantity, limit_price, time_in_force, 'Filled', decided_ns "
        "from intents where id = 1",
        "intent 5 is not in the chain",
    ),
    "fill quantity": ("update fills set quantity = 0.2 where execution_id = 'x1'", "intent 1: executions is"),
    "fill price": ("update fills set price = price + 1 where execution_id = 'x2'", "intent 1: executions is"),
    "fill fee": ("update fills set fee = 0 where execution_id = 'x2'", "intent 1: executions is"),
    "fill gone": ("delete from fills where execution_id = 'x2'", "intent 1: executions is"),
    "fill moved": ("update fills set intent = 2 where execution_id = 'x2'", "intent 2: executions is"),
    "fill of nobody": (
        "insert into fills select venue, account, 'x9', 3, quantity, price, fee, time_ns, recorded_ns from fills "
        "where execution_id = 'x1'",
        "intent 3: executions is",
    ),
    "the decision's risk state": (
        "update decisions set risk_state = replace(convert_from(risk_state, 'UTF8'), '60000', '50000')::bytea "
        "where id = 2",
        "intent 2: decision_digest is",
    ),
    "the decision's snapshot": (
        "update decisions set snapshot = replace(convert_from(snapshot, 'UTF8'), 'IOC', 'GTC')::bytea where id = 2",
        "intent 2: decision_digest is",
    ),
    "the decision": (
        "update decisions set decision = replace(convert_from(decision, 'UTF8'), 'Sell', 'Buy')::bytea where id = 2",
        "intent 2: decision_digest is",
    ),
}


@pytest.mark.parametrize("name", list(EDITED))
async def test_an_edited_row_is_found(history: Desk, name: str) -> None:
    statement, words = EDITED[name]
    before = await history.everything()
    await history.execute(statement)
    assert await history.everything() != before
    found = await _breaks(history, history.uid)
    assert any(words in line for line in found), found


async def test_each_strategy_has_its_own_chain(desk: Desk) -> None:
    venue = example.venue(name="second")
    other = await Desk(desk.pool).open(
        example.strategy(name="other", hedge_with=(example.leg(venue=venue.key),)), venue
    )
    dice = random.Random(7)
    for _ in range(4):
        await _one_life(desk, dice)
        await _one_life(other, dice)
    assert await _breaks(desk) == []
    await desk.execute(
        "alter table chain disable trigger all",
        f"delete from chain where strategy_uid = '{other.uid}' and position = 2",
    )
    assert await _breaks(desk, desk.uid) == []
    assert any(other.uid in line for line in await _breaks(desk, other.uid))
    assert await _breaks(desk) == await _breaks(desk, other.uid)
