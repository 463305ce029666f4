"""Reading intents."""

from typing import Any

from hedgerow.domain.orders import Side, TimeInForce
from hedgerow.execution.intents import Intent
from hedgerow.execution.order_life import OPEN, IntentState
from hedgerow.strategy.compiled import Mode

OPEN_STATES = sorted(OPEN)

_SELECT = (
    "select i.*, s.key as strategy, o.client_order_id, o.claimed_ns from intents i "
    "join strategies s on s.uid = i.strategy_uid left join orders o on o.intent = i.id "
)


def read_intent(row: Any) -> Intent:
    """An intent from its row, with the strategy's key as `strategy` and the order's name and claim time."""
    return Intent(
        id=row["id"],
        strategy_uid=str(row["strategy_uid"]),
        strategy=row["strategy"],
        generation=row["generation"],
        decision=row["decision"],
        leg=row["leg"],
        mode=Mode(row["mode"]),
        venue=row["venue"],
        account=row["account"],
        instrument=row["instrument"],
        side=Side(row["side"]),
        quantity=row["quantity"],
        limit_price=row["limit_price"],
        time_in_force=TimeInForce(row["time_in_force"]),
        state=IntentState(row["state"]),
        filled_quantity=row["filled_quantity"],
        decided_ns=row["decided_ns"],
        claimed_ns=row["claimed_ns"],
        client_order_id=row["client_order_id"],
        reason=row["reason"],
        cancel_requested_ns=row["cancel_requested_ns"],
    )


async def select_intents(connection: Any, tail: str, *arguments: Any) -> list[Intent]:
    """Intents (`i`, with `strategies s` and `orders o`) that a `where … order by …` picks."""
    return [read_intent(row) for row in await connection.fetch(_SELECT + tail, *arguments)]


async def unknown_intents(connection: Any) -> list[Intent]:
    """Every intent that is Unknown, oldest first."""
    return await select_intents(
        connection, "where i.state = any($1) order by i.id", [IntentState.UNKNOWN.value]
    )


async def find_intent(connection: Any, intent: int) -> Intent | None:
    """One intent as it stands."""
    row = await connection.fetchrow(_SELECT + "where i.id = $1", intent)
    return None if row is None else read_intent(row)


async def recent_intents(connection: Any, uid: str, limit: int) -> list[Intent]:
    """The newest intents of a strategy, newest first."""
    rows = await connection.fetch(
        _SELECT + "where i.strategy_uid = $1 order by i.id desc limit $2", uid, limit
    )
    return [read_intent(row) for row in rows]


async def lately_sent(connection: Any, venue: str, account: str, since_ns: int) -> list[Intent]:
    """Intents of the account that were claimed later than this, and are not open any more."""
    return await select_intents(
        connection,
        "where o.venue = $1 and o.account = $2 and o.claimed_ns > $3 and i.state <> all($4) order by i.id",
        venue,
        account,
        since_ns,
        OPEN_STATES,
    )


async def open_intents(connection: Any, venue: str, account: str) -> list[Intent]:
    """Every intent on the account whose outcome is not known yet, oldest first."""
    rows = await connection.fetch(
        _SELECT + "where i.venue = $1 and i.account = $2 and i.state = any($3) order by i.id",
        venue,
        account,
        OPEN_STATES,
    )
    return [read_intent(row) for row in rows]
