"""One strategy's row that this version cannot read: the others go on, and applying it again brings it back."""

import hedge_examples as example
import pytest
from ledger_desk import Desk

from hedgerow.domain.instruments import LISTINGS
from hedgerow.execution.claim_facts import RefusalCode
from hedgerow.execution.order_life import IntentState
from hedgerow.hedging.snapshot import PolicyState
from hedgerow.ledger.halts import HaltTarget, release_halts, standing_halts
from hedgerow.ledger.overview import read_overview
from hedgerow.ledger.quarantine import quarantine_venues
from hedgerow.ledger.snapshot import read_snapshot
from hedgerow.ledger.strategies import (
    PositionOpen,
    find_readable_strategy,
    read_strategies,
    require_publishable,
    strategy_keys,
)
from hedgerow.ledger.venues import find_venues, publish_venue, read_venues
from hedgerow.strategy.compiled import Leg

SPOT = Leg(index=0, venue=example.VENUE, account=example.ACCOUNT, instrument=LISTINGS["BTC/USDT"])
UNREADABLE = '{"mode": 7'


async def hold_a_hedge(desk: Desk) -> None:
    sent = await desk.send()
    quantity = format(sent.quantity, "f")
    await desk.conclude(sent.id, example.order(IntentState.FILLED, quantity), example.fill("x1", quantity))


@pytest.mark.parametrize("column", ["config", "policy_state"])
async def test_what_cannot_be_read_stops_no_other_and_is_read_again_once_it_is_applied(
    desk: Desk, column: str
) -> None:
    other = await Desk(desk.pool).open(example.strategy(name="other", hedge_with=(SPOT,)))
    await hold_a_hedge(desk)
    await desk.execute(f"update strategies set {column} = '{UNREADABLE}' where uid = '{desk.uid}'")
    async with desk.pool.acquire() as connection:
        overview = await read_overview(connection, desk.now_ns)
        assert [item.config.key for item in overview.strategies] == [other.config.key]
        assert await strategy_keys(connection) == ["desk/btc", "desk/other"]
        readable = column == "policy_state"
        assert [item.config.key for item in await read_strategies(connection)] == [
            *(["desk/btc"] if readable else []),
            "desk/other",
        ]
        assert (await find_readable_strategy(connection, "desk/btc") is not None) is readable

        # The same again, which would change nothing could what is there be read.
        before = desk.generation
        await desk.open()
        snapshot = await read_snapshot(connection, desk.uid, desk.now_ns)
        (kept,) = await connection.fetch("select key, bytes from quarantine")
        (halt,) = await standing_halts(connection)
    assert snapshot is not None
    assert (snapshot.generation, snapshot.config) == (before + 1, desk.config)
    assert snapshot.policy_state == PolicyState()
    assert [held.instrument for held in snapshot.positions] == [example.SYMBOL]
    assert (kept["key"], kept["bytes"]) == ("desk/btc", UNREADABLE.encode())
    assert (halt.target.name, halt.source) == ("desk/btc", "quarantine")


async def test_a_hedge_is_not_left_behind_by_a_config_that_takes_the_place_of_an_unreadable_one(
    desk: Desk,
) -> None:
    declared = desk.config
    await hold_a_hedge(desk)
    await desk.execute(f"update strategies set config = '{UNREADABLE}' where uid = '{desk.uid}'")
    moved = example.strategy(hedge_with=(SPOT,))
    async with desk.pool.acquire() as connection:
        with pytest.raises(PositionOpen, match="is on no leg of this one"):
            await require_publishable(connection, moved)
        await require_publishable(connection, declared)
    with pytest.raises(PositionOpen, match="is on no leg of this one"):
        await desk.open(moved, revision="r2")
    assert (await desk.open(declared)).generation == 2


async def test_a_venue_that_cannot_be_read_is_kept_and_halted_and_stops_no_other(desk: Desk) -> None:
    elsewhere = example.venue(name="other", account="hedge-02")
    leg = example.leg(venue=elsewhere.key, account="hedge-02")
    other = await Desk(desk.pool).open(example.strategy(name="other", hedge_with=(leg,)), elsewhere)
    number = await desk.decide()
    await desk.execute(f"update venues set config = '{UNREADABLE}' where key = '{example.VENUE}'")
    refused = await desk.claim(number)
    assert refused is not None
    assert refused.refusal is not None
    assert refused.refusal.code is RefusalCode.UNREADABLE
    assert "Venue: DecodeError" in refused.refusal.detail
    async with desk.pool.acquire() as connection:
        assert await read_venues(connection) == [elsewhere]
        assert await find_venues(connection, [example.VENUE]) == []
        for _ in range(2):
            await quarantine_venues(connection, desk.now_ns)
        (kept,) = await connection.fetch("select source, key, bytes from quarantine")
        (halt,) = await standing_halts(connection)
        assert (kept["source"], kept["key"], kept["bytes"]) == ("venues", example.VENUE, UNREADABLE.encode())
        assert (halt.target, halt.source) == (HaltTarget(kind="Venue", name=example.VENUE), "quarantine")
        assert (await other.send()).state is IntentState.SENDING

        await publish_venue(connection, example.venue(), desk.now_ns)
        await release_halts(connection, halt.target, halt.source, "a person", desk.now_ns)
    assert (await desk.send()).state is IntentState.SENDING
