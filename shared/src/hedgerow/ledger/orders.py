"""Reading intents with what was sent for them and what was executed."""

from typing import Any

import msgspec

from hedgerow.execution.intents import Intent, VenueFill
from hedgerow.ledger.intents import OPEN_STATES, select_intents


class OrderHistory(msgspec.Struct, frozen=True, kw_only=True):
    """One intent, its order and its executions. The order's fields are None until the venue told them."""

    intent: Intent
    venue_order_id: str | None
    answered_ns: int | None
    answer: str | None
    concluded_ns: int | None
    fills: list[VenueFill]


async def read_orders(
    connection: Any, strategy: str | None, limit: int, only_open: bool
) -> list[OrderHistory]:
    """The newest intents, newest first.

    Args:
        strategy: `namespace/name`, earlier strategies of this name included; None for all that ever were.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        intents = await select_intents(
            connection,
            "where ($1::text is null or s.key = $1) and ($2::bool is false or i.state = any($3)) "
            "order by i.id desc limit $4",
            strategy,
            only_open,
            OPEN_STATES,
            limit,
        )
        numbers = [intent.id for intent in intents]
        rows = await connection.fetch(
            "select i.id, i.concluded_ns, o.venue_order_id, o.answered_ns, o.answer from intents i "
            "left join orders o on o.intent = i.id where i.id = any($1)",
            numbers,
        )
        fills = await connection.fetch(
            "select intent, execution_id, quantity, price, fee, time_ns from fills where intent = any($1) "
            "order by time_ns, execution_id",
            numbers,
        )
    sent = {row["id"]: row for row in rows}
    executed: dict[int, list[VenueFill]] = {}
    for row in fills:
        intent, *values = row.values()
        executed.setdefault(intent, []).append(
            VenueFill(**dict(zip(VenueFill.__struct_fields__, values, strict=True)))
        )
    return [
        OrderHistory(
            intent=intent,
            venue_order_id=sent[intent.id]["venue_order_id"],
            answered_ns=sent[intent.id]["answered_ns"],
            answer=sent[intent.id]["answer"],
            concluded_ns=sent[intent.id]["concluded_ns"],
            fills=executed.get(intent.id, []),
        )
        for intent in intents
    ]
