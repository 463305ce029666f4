"""Copies what the ledger says of intents, executions and decisions, with the place in each chain."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from hedgerow.history.offsets import Moved
from hedgerow.history.tables import DECISIONS, FILLS, ORDERS, Table
from hedgerow.ledger.changes import Changes, Step


async def read_positions(connection: Any) -> dict[str, int]:
    """By strategy uid, the last entry of its chain that history holds."""
    rows = await connection.fetch("select uid, position from ledger_positions")
    return {str(row["uid"]): row["position"] for row in rows}


async def write_changes(connection: Any, known: Mapping[str, int], changes: Changes) -> dict[str, int]:
    """Write what is not there yet; how many rows went into each table.

    Args:
        known: the positions that the changes were read after.

    Raises:
        Moved: somebody else copied these changes meanwhile; nothing was written.
    """
    async with connection.transaction():
        await _move_positions(connection, known, {step.uid: step.position for step in changes.steps})
        orders = (order_row(step, changes.intents[step.entry.intent]) for step in changes.steps)
        strategies = {step.entry.intent: step.strategy for step in changes.steps}
        fills = (
            fill_row(row, strategies[row["intent"]], changes.intents[row["intent"]]) for row in changes.fills
        )
        return {
            ORDERS.name: await _insert_new(connection, ORDERS, orders),
            FILLS.name: await _insert_new(connection, FILLS, fills),
            DECISIONS.name: await _insert_new(connection, DECISIONS, map(decision_row, changes.decisions)),
        }


def order_row(step: Step, intent: Mapping[str, Any]) -> tuple[Any, ...]:
    """One step of an intent's life, and its terms. Its client order id is there once it was claimed."""
    entry = step.entry
    return (
        entry.time_ns,
        step.strategy,
        step.uid,
        step.position,
        entry.intent,
        entry.state.value,
        Decimal(entry.quantity),
        Decimal(entry.filled_quantity),
        entry.reason,
        intent["decision"],
        intent["generation"],
        intent["leg"],
        intent["mode"],
        intent["venue"],
        intent["account"],
        intent["instrument"],
        intent["side"],
        intent["limit_price"],
        intent["time_in_force"],
        intent["client_order_id"],
    )


def fill_row(fill: Mapping[str, Any], strategy: str, intent: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        fill["time_ns"],
        strategy,
        str(intent["strategy_uid"]),
        fill["intent"],
        fill["venue"],
        fill["account"],
        fill["execution_id"],
        intent["instrument"],
        intent["side"],
        fill["quantity"],
        fill["price"],
        fill["fee"],
        fill["recorded_ns"],
    )


def decision_row(decision: Mapping[str, Any]) -> tuple[Any, ...]:
    """What was decided and why. The inputs stay in the ledger, which can make the decision again."""
    return (
        decision["decided_ns"],
        decision["key"],
        str(decision["strategy_uid"]),
        decision["id"],
        decision["version"],
        decision["generation"],
        decision["cause"],
        decision["decision"].decode(),
        decision["traceparent"],
    )


async def _move_positions(connection: Any, known: Mapping[str, int], to: Mapping[str, int]) -> None:
    await connection.execute(
        "insert into ledger_positions (uid, position) select uid, 0 from unnest($1::uuid[]) as n (uid) "
        "on conflict do nothing",
        list(to),
    )
    moved = await connection.fetch(
        "update ledger_positions p set position = n.position "
        "from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as n (uid, was, position) "
        "where p.uid = n.uid and p.position = n.was returning 1",
        list(to),
        [known.get(uid, 0) for uid in to],
        list(to.values()),
    )
    if len(moved) != len(to):
        raise Moved("the ledger's changes were copied by somebody else")


async def _insert_new(connection: Any, table: Table, rows: Iterable[tuple[Any, ...]]) -> int:
    """Insert those that are not there. An execution is told again with each later step of its intent."""
    columns = ", ".join(table.columns)
    values = ", ".join(f"${number}" for number in range(1, len(table.columns) + 1))
    statement = await connection.prepare(
        f"insert into {table.name} ({columns}) values ({values}) on conflict do nothing returning 1"
    )
    return len([row for row in rows if await statement.fetchval(*row) is not None])
