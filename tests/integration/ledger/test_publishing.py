import asyncio
from decimal import Decimal
from uuid import uuid4

import asyncpg
import hedge_examples as example
import msgspec
import pytest
from ledger_desk import Desk

from hedgerow.domain.instruments import LISTINGS
from hedgerow.execution.order_life import IntentState
from hedgerow.ledger.publishers import Publisher
from hedgerow.ledger.strategies import (
    LegConflict,
    PositionOpen,
    ResourceId,
    find_strategy,
    publish_strategy,
    read_strategies,
    remove_strategy,
)
from hedgerow.ledger.venues import VenueInUse, publish_venue, remove_venue
from hedgerow.schemas.records import StrategyPublished
from hedgerow.strategy.compiled import CompiledStrategy, Leg, Mode

NOW_NS = example.NOW_NS
SPOT_LEG = Leg(index=0, venue=example.VENUE, account=example.ACCOUNT, instrument=LISTINGS["BTC/USDT"])


async def _publish(
    pool: asyncpg.Pool, config: CompiledStrategy, revision: str, now_ns: int = NOW_NS
) -> StrategyPublished:
    async with pool.acquire() as connection:
        return await publish_strategy(connection, config, revision, now_ns)


async def test_an_unchanged_revision_keeps_generation_uid_and_time(desk: Desk) -> None:
    before = await desk.everything()
    again = await _publish(desk.pool, desk.config, "r1", NOW_NS + 5)
    assert (again.uid, again.generation, again.published_ns) == (desk.uid, 1, NOW_NS)
    assert await desk.everything() == before


async def test_each_changed_revision_is_the_next_generation_of_the_same_uid(desk: Desk) -> None:
    for generation in (2, 3):
        changed = example.strategy(bands=(example.band("-2", str(generation)),))
        published = await _publish(desk.pool, changed, f"r{generation}")
        assert (published.uid, published.generation) == (desk.uid, generation)
        async with desk.pool.acquire() as connection:
            assert await find_strategy(connection, desk.config.key) == published
    assert await desk.value("select array_agg(generation order by generation) from generations") == [1, 2, 3]


async def test_publishers_that_race_make_one_strategy(pool: asyncpg.Pool) -> None:
    published = await asyncio.gather(*(_publish(pool, example.strategy(), "r1") for _ in range(8)))
    assert {(one.uid, one.generation) for one in published} == {(published[0].uid, 1)}


async def test_publishers_whose_legs_cross_do_not_stop_each_other(pool: asyncpg.Pool) -> None:
    legs = (example.leg(0), msgspec.structs.replace(SPOT_LEG, index=1))
    crossed = tuple(msgspec.structs.replace(leg, index=index) for index, leg in enumerate(reversed(legs)))
    for number in range(10):
        configs = [
            example.strategy(name=f"one-{number}", hedge_with=legs),
            example.strategy(name=f"other-{number}", hedge_with=crossed),
        ]
        results = await asyncio.gather(
            *(_publish(pool, config, "r1") for config in configs), return_exceptions=True
        )
        assert sorted(type(result).__name__ for result in results) == ["LegConflict", "StrategyPublished"]
        async with pool.acquire() as connection:
            for config in configs:
                await remove_strategy(connection, config.key, NOW_NS)


async def test_a_leg_belongs_to_one_strategy_until_that_is_removed(desk: Desk) -> None:
    rival = example.strategy(name="rival")
    before = await desk.everything()
    with pytest.raises(
        LegConflict, match=r"BTC/USDT:USDT on desk/paper account hedge-01 .* strategy desk/btc"
    ):
        await _publish(desk.pool, rival, "r1")
    assert await desk.everything() == before
    async with desk.pool.acquire() as connection:
        removed = await remove_strategy(connection, desk.config.key, NOW_NS)
        assert removed is not None
        assert removed.uid == desk.uid
        assert await remove_strategy(connection, desk.config.key, NOW_NS) is None
    assert (await _publish(desk.pool, rival, "r1")).generation == 1


async def test_a_conflict_on_a_later_generation_keeps_the_last_good_one(desk: Desk) -> None:
    spot = example.strategy(name="spot", hedge_with=(SPOT_LEG,))
    await _publish(desk.pool, spot, "r1")
    before = await desk.everything()
    with pytest.raises(LegConflict):
        await _publish(desk.pool, example.strategy(name="spot", hedge_with=(example.leg(),)), "r2")
    assert await desk.everything() == before


MOVED = [example.strategy(mode=Mode.SHADOW), example.strategy(hedge_with=(SPOT_LEG,))]


@pytest.mark.parametrize("moved", MOVED, ids=["mode", "hedgeWith"])
async def test_mode_and_legs_stay_while_a_position_or_an_intent_is_open(
    desk: Desk, moved: CompiledStrategy
) -> None:
    sent = await desk.send("1.4")
    with pytest.raises(PositionOpen, match=f"intent {sent.id} is open"):
        await _publish(desk.pool, moved, "r2")
    quantity = format(sent.quantity, "f")
    await desk.conclude(sent.id, example.order(IntentState.FILLED, quantity), example.fill("x1", quantity))
    before = await desk.everything()
    with pytest.raises(PositionOpen, match=f"holds -{quantity} contracts of BTC/USDT:USDT"):
        await _publish(desk.pool, moved, "r2")
    assert await desk.everything() == before


@pytest.mark.parametrize("moved", MOVED, ids=["mode", "hedgeWith"])
async def test_they_move_once_the_strategy_is_flat(desk: Desk, moved: CompiledStrategy) -> None:
    assert (await _publish(desk.pool, moved, "r2")).generation == 2


async def test_what_moves_no_leg_is_published_over_an_open_position(desk: Desk) -> None:
    await desk.send("1.4")
    changed = example.strategy(bands=(example.band("-2", "2"),))
    assert (await _publish(desk.pool, changed, "r2")).generation == 2


async def test_a_removed_strategy_is_gone_from_reading_and_its_next_life_has_a_new_uid(desk: Desk) -> None:
    async with desk.pool.acquire() as connection:
        await remove_strategy(connection, desk.config.key, NOW_NS)
        assert await find_strategy(connection, desk.config.key) is None
        assert await read_strategies(connection) == []
    reborn = await _publish(desk.pool, desk.config, "r1")
    assert reborn.generation == 1
    assert reborn.uid != desk.uid


async def test_a_resource_whose_strategy_was_withdrawn_though_it_stands_brings_it_back_under_its_uid(
    pool: asyncpg.Pool,
) -> None:
    resource = ResourceId(uid=str(uuid4()), generation=3)
    config = example.strategy()
    async with pool.acquire() as connection:
        await publish_strategy(connection, config, "r1", NOW_NS, resource)
        await remove_strategy(connection, config.key, NOW_NS + 1, Publisher.CLUSTER)
        back = await publish_strategy(connection, config, "r1", NOW_NS + 2, resource)
        # A later one than any that was acknowledged, so that who waits for it sees it run.
        assert (back.uid, back.generation) == (resource.uid, 4)
        assert await find_strategy(connection, config.key) == back
        assert await publish_strategy(connection, config, "r1", NOW_NS + 3, resource) == back
        owners = await connection.fetch("select strategy_uid::text from leg_owners")
    assert [row["strategy_uid"] for row in owners] == [resource.uid]


async def test_a_venue_stays_while_a_strategy_hedges_on_it(desk: Desk) -> None:
    async with desk.pool.acquire() as connection:
        with pytest.raises(VenueInUse, match="used by strategy desk/btc"):
            await remove_venue(connection, example.VENUE)
        await remove_strategy(connection, desk.config.key, NOW_NS)
        assert await remove_venue(connection, example.VENUE) is True
        assert await remove_venue(connection, example.VENUE) is False


async def test_a_venue_is_published_over_itself(desk: Desk) -> None:
    decided = await desk.decide()
    async with desk.pool.acquire() as connection:
        await publish_venue(connection, example.venue(max_gross_notional=Decimal(1)), NOW_NS)
    assert await desk.value("select count(*) from venues") == 1
    taken = await desk.claim(decided)
    assert taken is not None
    assert taken.refusal is not None
    assert taken.refusal.code.value == "GrossNotional"
