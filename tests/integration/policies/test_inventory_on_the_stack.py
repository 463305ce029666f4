"""The example of an inventory's risk, applied and run: real Kafka, ledger, exchange and workers."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from faults.rig import Rig
from policy_stack import PATIENCE_S, change, hedge_is, metric, problem_is, risk_of, running, sell

from hedgerow.strategy.compiled import CompiledStrategy

TINY = Decimal("1e-9")


@pytest.fixture
async def rig(own_kafka: str, ledger_dsn: str, redis_cluster: str, tmp_path: Path) -> AsyncIterator[Rig]:
    async with running(
        "inventory-risk.yaml", own_kafka, ledger_dsn, redis_cluster, tmp_path / "rig"
    ) as found:
        yield found


async def test_the_hedge_follows_the_risk_of_what_clients_left(rig: Rig) -> None:
    (strategy,) = rig.strategies
    await rig.until(lambda: sell(rig, "0.4"), "a client sells to the desk", PATIENCE_S)
    await rig.until(lambda: problem_is(rig, "volatility:BTC", "Missing"), "it waits for bars", PATIENCE_S)
    assert await rig.ledger.fetchval("select count(*) from intents") == 0

    await change(rig, scaled(strategy, volatility_bar_ns=100_000_000))
    await rig.until(lambda: action_is(rig, "Hold"), "what is young and even is held", PATIENCE_S)
    risk = await risk_of(rig)
    assert risk is not None
    (inventory,) = risk.inventories
    assert (inventory.unknown, inventory.cost > 0, inventory.since_ns is not None) == ((), True, True)
    assert await hedge_is(rig, "0")

    worst = {"max_age_ns": 1, "max_volatility": TINY, "max_depth_share": TINY}
    await change(rig, scaled(strategy, volatility_bar_ns=100_000_000, no_trade_notional=Decimal(0), **worst))
    await rig.until(lambda: hedge_is(rig, "0.2"), "old, in a wild and thin market: a half", PATIENCE_S)
    assert await action_is(rig, "Partial")

    await set_entry(rig, "entry_price * 2")
    await rig.until(lambda: hedge_is(rig, "0.4"), "half of it lost: all of it is hedged", PATIENCE_S)
    assert await action_is(rig, "Liquidate")

    await set_entry(rig, "null, since_ns = null")
    await rig.until(lambda: held_times(rig) > 0, "without an entry nothing is decided", PATIENCE_S)
    intents = await rig.ledger.fetchval("select count(*) from intents")
    assert await sell(rig, "0.4")
    await rig.until(lambda: exposure_is(rig, "0.8"), "risk knows the larger book", PATIENCE_S)
    before = held_times(rig)
    await rig.until(lambda: held_times(rig) > before + 5, "it is decided on again and again", PATIENCE_S)
    assert await rig.ledger.fetchval("select count(*) from intents") == intents


def scaled(strategy: CompiledStrategy, **changes: Any) -> CompiledStrategy:
    """The same with other scales, by which a test can make any score."""
    (rule,) = strategy.inventory_risks
    return msgspec.structs.replace(strategy, inventory_risks=(msgspec.structs.replace(rule, **changes),))


async def action_is(rig: Rig, action: str) -> bool:
    """Whether this is what the ledger remembers."""
    state = await rig.ledger.fetchval("select policy_state from strategies")
    found = msgspec.json.decode(state)
    return [item["action"] for item in found.get("standings", [])] == [action]


async def set_entry(rig: Rig, price: str) -> None:
    """As if the position had been opened at another price; the book is told again within a second."""
    connection = await rig.ledger.connection()
    await connection.execute(f"update book_positions set entry_price = {price}")


async def exposure_is(rig: Rig, delta: str) -> bool:
    risk = await risk_of(rig)
    return risk is not None and [item.delta for item in risk.exposures] == [Decimal(delta)]


def held_times(rig: Rig) -> float:
    """How often an unknown entry was what kept it from deciding."""
    try:
        return metric(rig, 'hedgerow_decisions_total{outcome="UnknownEntry"}')
    except StopIteration:
        return 0.0
