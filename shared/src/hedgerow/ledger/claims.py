"""The claim: one transaction that checks every control and takes the right to send, once."""

from decimal import Decimal
from typing import Any

import msgspec

from hedgerow.domain.ids import client_order_id
from hedgerow.domain.instruments import find_instrument
from hedgerow.domain.money import ZERO
from hedgerow.domain.orders import Side, signed
from hedgerow.execution.conclusion import Conclusion
from hedgerow.execution.controls import MINUTE_NS, SECOND_NS, ClaimFacts, Refusal, RefusalCode, check
from hedgerow.execution.intents import Intent, Ticker
from hedgerow.execution.order_life import AT_VENUE, IntentState
from hedgerow.ledger.connection import ledger_id, take_halt_gate
from hedgerow.ledger.halts import halts_against
from hedgerow.ledger.outcomes import lock_intent, move
from hedgerow.ledger.strategies import decode_config, hold_venue
from hedgerow.strategy.compiled import CompiledVenue, Mode

_AT_VENUE = sorted(AT_VENUE)


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a claim: the intent, now `Sending`, or refused and why."""

    intent: Intent
    refusal: Refusal | None


async def claim(connection: Any, intent_id: int, ticker: Ticker | None, now_ns: int) -> Claim | None:
    """Take the right to send an intent's one order, or refuse it for good.

    Args:
        ticker: the venue's own touch, from the executor's poll.
        now_ns: becomes the claim time, which the request is signed with.

    Returns:
        None when the intent is not `Decided` any more: somebody else has claimed it.
    """
    async with connection.transaction():
        await take_halt_gate(connection)
        intent = await lock_intent(connection, intent_id)
        if intent.state is not IntentState.DECIDED:
            return None
        venue = await hold_venue(connection, intent.venue)
        if venue is None:
            refusal: Refusal | None = Refusal(
                code=RefusalCode.NOT_PERMITTED, detail=f"venue {intent.venue} is not in the ledger"
            )
        else:
            refusal = check(await _facts(connection, intent, venue, ticker, now_ns))
        if refusal is not None:
            return Claim(intent=await _refuse(connection, intent, refusal, now_ns), refusal=refusal)
        return Claim(intent=await _take(connection, intent, now_ns), refusal=None)


async def _refuse(connection: Any, intent: Intent, refusal: Refusal, now_ns: int) -> Intent:
    state = IntentState.EXPIRED if refusal.code is RefusalCode.STALE_DECISION else IntentState.REFUSED
    conclusion = Conclusion(state=state, filled_quantity=ZERO, reason=f"{refusal.code}: {refusal.detail}")
    return await move(connection, intent, conclusion, now_ns)


async def _take(connection: Any, intent: Intent, now_ns: int) -> Intent:
    name = client_order_id(await ledger_id(connection), intent.id)
    await connection.execute(
        "insert into orders (client_order_id, intent, venue, account, claimed_ns) values ($1, $2, $3, $4, $5)",
        name,
        intent.id,
        intent.venue,
        intent.account,
        now_ns,
    )
    sending = Conclusion(state=IntentState.SENDING, filled_quantity=ZERO, reason="")
    moved = await move(connection, intent, sending, now_ns)
    return msgspec.structs.replace(moved, client_order_id=name, claimed_ns=now_ns)


async def _facts(
    connection: Any, intent: Intent, venue: CompiledVenue, ticker: Ticker | None, now_ns: int
) -> ClaimFacts:
    strategy = await connection.fetchrow(
        "select generation, config, deleted_ns from strategies where uid = $1", intent.strategy_uid
    )
    return ClaimFacts(
        intent=intent,
        instrument=find_instrument(intent.instrument),
        config=None if strategy["deleted_ns"] is not None else decode_config(strategy["config"]),
        generation=strategy["generation"],
        venue=venue,
        halts=await halts_against(connection, intent.strategy, [intent.venue]),
        ticker=ticker,
        position=await _position(connection, intent),
        at_venue=await _at_venue(connection, intent),
        account_gross_notional=await _gross_notional(connection, intent),
        orders_last_minute=await _strategy_orders(connection, intent, now_ns - MINUTE_NS),
        orders_last_second=await _account_orders(connection, intent, now_ns - SECOND_NS),
        now_ns=now_ns,
    )


async def _position(connection: Any, intent: Intent) -> Decimal:
    quantity: Decimal | None = await connection.fetchval(
        "select quantity from positions where strategy_uid = $1 and mode = $2 and venue = $3 and account = $4 "
        "and instrument = $5",
        intent.strategy_uid,
        intent.mode.value,
        intent.venue,
        intent.account,
        intent.instrument,
    )
    return ZERO if quantity is None else quantity


async def _at_venue(connection: Any, intent: Intent) -> Decimal:
    rows = await connection.fetch(
        "select side, quantity - filled_quantity as open from intents where strategy_uid = $1 and mode = $2 "
        "and venue = $3 and account = $4 and instrument = $5 and id <> $6 and state = any($7)",
        intent.strategy_uid,
        intent.mode.value,
        intent.venue,
        intent.account,
        intent.instrument,
        intent.id,
        _AT_VENUE,
    )
    return sum((signed(Side(row["side"]), row["open"]) for row in rows), ZERO)


async def _gross_notional(connection: Any, intent: Intent) -> Decimal:
    # Positions at their entry price, orders at their limit: the account's own marks are not in the ledger.
    rows = await connection.fetch(
        "select instrument, quantity, entry_price as price from positions "
        "where venue = $1 and account = $2 and (mode = 'Shadow') = $3 "
        "union all select instrument, quantity - filled_quantity, limit_price from intents "
        "where venue = $1 and account = $2 and (mode = 'Shadow') = $3 and id <> $4 and state = any($5)",
        intent.venue,
        intent.account,
        intent.mode is Mode.SHADOW,
        intent.id,
        _AT_VENUE,
    )
    return sum(
        (find_instrument(row["instrument"]).notional(row["quantity"], row["price"]) for row in rows), ZERO
    )


async def _strategy_orders(connection: Any, intent: Intent, since_ns: int) -> int:
    count: int = await connection.fetchval(
        "select count(*) from orders o join intents i on i.id = o.intent "
        "where i.strategy_uid = $1 and o.claimed_ns > $2",
        intent.strategy_uid,
        since_ns,
    )
    return count


async def _account_orders(connection: Any, intent: Intent, since_ns: int) -> int:
    count: int = await connection.fetchval(
        "select count(*) from orders where venue = $1 and account = $2 and claimed_ns > $3",
        intent.venue,
        intent.account,
        since_ns,
    )
    return count
