"""Fills that are virtual: at the touch that the executor polls, and nothing is sent."""

import asyncio
from decimal import Decimal

from hedgerow.domain.money import ZERO
from hedgerow.execution.intents import Intent, Ticker, VenueFill, VenueOrder
from hedgerow.execution.order_life import TERMINAL, IntentState
from hedgerow.execution.virtual import reaches, touch_of
from hedgerow_executor.account import Account

LOOK_S = 0.2


async def fill_in_shadow(account: Account, intent: Intent, ticker: Ticker) -> None:
    """An order that crosses fills at the touch, or not at all when its limit does not reach it; one that is post-only
    waits, unless it would take."""
    touch = touch_of(intent.side, ticker)
    trades = reaches(intent.side, intent.limit_price, ticker)
    if not intent.time_in_force.rests:
        reason = "" if trades else f"the touch {touch:f} is beyond the limit {intent.limit_price:f}"
        await _end(account, intent, touch if trades else None, reason)
    elif trades:
        await _end(account, intent, None, "a post-only order would take")
    else:
        outcome = await account.ledger.record_answer(
            intent.id, _name(intent), "accepted in shadow", account.now_ns()
        )
        account.announce(outcome.intent)
        await rest_in_shadow(account, outcome.intent)


async def rest_in_shadow(account: Account, intent: Intent) -> None:
    """Wait until the other side's touch comes to the order's price, which fills it there, or it is to be cancelled.

    That is later than a real order in the queue would begin to fill, and never earlier.
    """
    while not account.context.stopping.is_set():
        newest = await account.ledger.find_intent(intent.id)
        if newest is None or newest.state in TERMINAL:
            return
        ticker = account.tickers.get(intent.instrument)
        assert newest.claimed_ns is not None
        is_later = ticker is not None and ticker.time_ns > newest.claimed_ns
        if ticker is not None and is_later and reaches(newest.side, newest.limit_price, ticker):
            await _end(account, newest, newest.limit_price, "")
            return
        if newest.cancel_requested_ns is not None:
            await _end(account, newest, None, newest.reason)
            return
        await asyncio.sleep(LOOK_S)


def _name(intent: Intent) -> str:
    return f"shadow-{intent.id}"


async def _end(account: Account, intent: Intent, price: Decimal | None, reason: str) -> None:
    """Filled whole at this price, or cancelled."""
    now_ns = account.now_ns()
    order = VenueOrder(
        client_order_id=str(intent.client_order_id),
        venue_order_id=_name(intent),
        state=IntentState.CANCELLED if price is None else IntentState.FILLED,
        filled_quantity=ZERO if price is None else intent.quantity,
        reason=reason,
    )
    fills = [] if price is None else [_fill(intent, price, now_ns)]
    outcome = await account.ledger.record_outcome(intent.id, order, fills, now_ns)
    account.announce(outcome.intent)


def _fill(intent: Intent, price: Decimal, now_ns: int) -> VenueFill:
    return VenueFill(
        execution_id=f"shadow-{intent.client_order_id}",
        quantity=intent.quantity,
        price=price,
        fee=ZERO,
        time_ns=now_ns,
    )
