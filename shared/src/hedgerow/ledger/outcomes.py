"""What became of an order: each answer changes intent, position, version and chain in one transaction."""

from collections.abc import Sequence
from typing import Any

import msgspec

from hedgerow.execution.conclusion import Conclusion
from hedgerow.execution.intents import Intent, VenueFill, VenueOrder
from hedgerow.execution.order_life import TERMINAL, IntentState
from hedgerow.execution.recording import answered, booked_elsewhere, stated, step, told
from hedgerow.ledger import chain
from hedgerow.ledger.hedge_positions import book_position
from hedgerow.ledger.intents import OPEN_STATES, find_intent
from hedgerow.ledger.trading_days import count_turnover

# One round trip: the intent's row, its strategy's version, and the chain.
_MOVE = f"""
    with moved as (
        update intents set state = $5, filled_quantity = $6, reason = $7, concluded_ns = $8 where id = $4
    ), changed as (
        update strategies set version = version + 1 where uid = $1
    )
    {chain.APPEND}
"""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The intent after its change. `changed` is False when the venue told nothing new."""

    intent: Intent
    changed: bool


async def lock_intent(connection: Any, intent: int) -> Intent:
    """Hold the strategy's row until the transaction ends: whoever changes one of its intents holds it.

    Raises:
        LookupError: there is no such intent.
    """
    await connection.execute(
        "select 1 from strategies where uid = (select strategy_uid from intents where id = $1) for update",
        intent,
    )
    # A statement of its own, so that it sees what the last holder committed.
    found = await find_intent(connection, intent)
    if found is None:
        raise LookupError(f"the ledger has no intent {intent}")
    return found


async def move(
    connection: Any,
    intent: Intent,
    conclusion: Conclusion,
    now_ns: int,
    fills: Sequence[VenueFill] | None = None,
) -> Intent:
    """Take one legal step of an intent's life; the caller holds its lock.

    Args:
        fills: all executions known of its order, when the venue told of them.

    Raises:
        IllegalTransition: its life has no such step.
    """
    moved = step(intent, conclusion)
    entry = chain.entry_of_step(moved, now_ns, fills)
    await connection.execute(
        _MOVE,
        intent.strategy_uid,
        msgspec.json.encode(entry),
        chain.GENESIS,
        intent.id,
        conclusion.state.value,
        conclusion.filled_quantity,
        conclusion.reason,
        now_ns if conclusion.state in TERMINAL else None,
    )
    return moved


async def record_answer(
    connection: Any, intent_id: int, venue_order_id: str, answer: str, now_ns: int
) -> Outcome:
    """The venue took the order. Its fills are asked for separately."""
    async with connection.transaction():
        intent = await lock_intent(connection, intent_id)
        await connection.execute(
            "update orders set venue_order_id = $2, answered_ns = coalesce(answered_ns, $3), answer = $4 "
            "where intent = $1",
            intent_id,
            venue_order_id,
            now_ns,
            answer,
        )
        accepted = answered(intent)
        if accepted is None:
            return Outcome(intent=intent, changed=False)
        return Outcome(intent=await move(connection, intent, accepted, now_ns), changed=True)


async def record_state(
    connection: Any, intent_id: int, state: IntentState, reason: str, now_ns: int
) -> Outcome:
    """An outcome without fills: Rejected, Unknown, Abandoned, Refused or Expired. What is no news changes nothing.

    Raises:
        IllegalTransition: its life has no such step.
    """
    async with connection.transaction():
        intent = await lock_intent(connection, intent_id)
        conclusion = stated(intent, state, reason)
        if conclusion is None:
            return Outcome(intent=intent, changed=False)
        await connection.execute(
            "update orders set answer = $2, answered_ns = case when $3 then $4 else answered_ns end "
            "where intent = $1",
            intent_id,
            f"{state}: {reason}",
            state is IntentState.REJECTED,
            now_ns,
        )
        return Outcome(intent=await move(connection, intent, conclusion, now_ns), changed=True)


async def request_cancel(connection: Any, intent_id: int, reason: str, now_ns: int) -> Intent:
    """Have the executor take an order back; a step of the intent's chain, and its state stays what it is.

    The caller's transaction holds the strategy's row, at the version in which the intent was open.

    Raises:
        LookupError: there is no such intent.
    """
    intent = await lock_intent(connection, intent_id)
    await connection.execute(
        "update intents set cancel_requested_ns = coalesce(cancel_requested_ns, $2) where id = $1",
        intent_id,
        now_ns,
    )
    same = Conclusion(state=intent.state, filled_quantity=intent.filled_quantity, reason=reason)
    moved = await move(connection, intent, same, now_ns)
    return msgspec.structs.replace(moved, cancel_requested_ns=now_ns)


async def record_outcome(
    connection: Any, intent_id: int, order: VenueOrder, fills: Sequence[VenueFill], now_ns: int
) -> Outcome:
    """What the venue says of an order and its executions. An execution counts once, however often it is told.

    Args:
        fills: all executions of this order that the venue shows.

    Raises:
        Contradiction: the venue's order and executions cannot both be true of the intent; nothing was changed.
    """
    async with connection.transaction():
        intent = await lock_intent(connection, intent_id)
        await connection.execute(
            "update orders set venue_order_id = coalesce(venue_order_id, nullif($2, '')) where intent = $1",
            intent_id,
            order.venue_order_id,
        )
        known = await read_fills(connection, intent_id)
        leg_taken = intent.state is IntentState.ABANDONED and await _leg_taken(connection, intent)
        news = told(intent, known, order, fills, leg_taken)
        for fill in news.new:
            await _insert_fill(connection, intent, fill, now_ns)
        if news.conclusion is None:
            return Outcome(intent=intent, changed=False)
        moved = await move(connection, intent, news.conclusion, now_ns, news.executions)
        return Outcome(intent=moved, changed=True)


async def read_fills(connection: Any, intent: int) -> list[VenueFill]:
    """Every execution of an intent that the ledger holds."""
    rows = await connection.fetch(
        "select execution_id, quantity, price, fee, time_ns from fills where intent = $1 "
        "order by time_ns, execution_id",
        intent,
    )
    return [VenueFill(**dict(row)) for row in rows]


async def _leg_taken(connection: Any, intent: Intent) -> bool:
    taken: bool = await connection.fetchval(
        "select exists (select 1 from intents where strategy_uid = $1 and leg = $2 and state = any($3))",
        intent.strategy_uid,
        intent.leg,
        OPEN_STATES,
    )
    return taken


async def _insert_fill(connection: Any, intent: Intent, fill: VenueFill, now_ns: int) -> None:
    inserted = await connection.fetchval(
        "insert into fills (venue, account, execution_id, intent, quantity, price, fee, time_ns, recorded_ns) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing returning intent",
        intent.venue,
        intent.account,
        fill.execution_id,
        intent.id,
        fill.quantity,
        fill.price,
        fill.fee,
        fill.time_ns,
        now_ns,
    )
    if inserted is None:
        raise booked_elsewhere(intent, fill)
    place = (intent.strategy_uid, intent.mode.value, intent.venue, intent.account, intent.instrument)
    before, _ = await book_position(connection, place, intent.side, fill.quantity, fill.price, fill.fee)
    await count_turnover(connection, intent, before, fill, now_ns)
