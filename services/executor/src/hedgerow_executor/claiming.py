"""From `Decided` to the venue: claim each intent, then send it once."""

import asyncio

import structlog

from hedgerow.adapters.venue import AlreadyThere, NoAnswer, NotSent, VenueRejected
from hedgerow.execution.claim_facts import VenueView
from hedgerow.execution.intents import Intent
from hedgerow.execution.order_life import IntentState
from hedgerow.strategy.compiled import Mode
from hedgerow.streams.steps import reached
from hedgerow.streams.waiting import set_within
from hedgerow_executor.account import Account
from hedgerow_executor.cancelling import cancel_order
from hedgerow_executor.following import follow_order
from hedgerow_executor.shadow import fill_in_shadow

_log = structlog.get_logger()
POLL_S = 0.25


async def claim_loop(account: Account, woken: asyncio.Event) -> None:
    """Claim what is decided, take back what is to be cancelled: at each notification, and at least every `POLL_S`."""
    while not account.context.stopping.is_set():
        woken.clear()
        intents = await account.ledger.open_intents()
        for intent in intents:
            if intent.state is IntentState.DECIDED:
                account.follow(intent, _claim_and_send)
            elif intent.cancel_requested_ns is not None and intent.mode is not Mode.SHADOW:
                account.take_back(intent, cancel_order)
        await set_within(woken, POLL_S)


async def _claim_and_send(account: Account, decided: Intent) -> None:
    wait_ns = 0 if decided.mode is Mode.SHADOW else account.venue.order_wait_ns()
    if wait_ns > 0:
        # Before the claim: its time is what the order is signed with. The loop takes it up again, or the claim finds
        # the decision too old.
        account.metrics.order_waits.labels(account.name).inc()
        return
    seen = VenueView(
        opened=account.opened,
        tickers=dict(account.tickers),
        liquidation_prices=account.liquidation_prices,
        funds=account.funds,
        market_problems=account.venue.market_problems,
    )
    async with account.claiming:
        taken = await account.ledger.claim(decided.id, seen, account.now_ns())
    if taken is None:
        return
    if taken.refusal is not None:
        account.metrics.refusals.labels(taken.refusal.code.value).inc()
        account.announce(taken.intent)
        return
    reached("executor.claimed")
    assert taken.intent.claimed_ns is not None
    waited_ns = taken.intent.claimed_ns - decided.decided_ns
    account.metrics.claim_seconds.labels(account.name).observe(waited_ns / 1e9)
    if taken.intent.mode is Mode.SHADOW:
        # The claim refuses without a ticker.
        await fill_in_shadow(account, taken.intent, seen.tickers[decided.instrument])
    else:
        await _send_once(account, taken.intent)


async def _send_once(account: Account, intent: Intent) -> None:
    """Send; from here on the order may exist, whatever is heard of it."""
    reached("executor.before-send")
    try:
        venue_order_id = await account.venue.send(intent)
    except VenueRejected as error:
        await _conclude(account, intent, IntentState.REJECTED, str(error))
        return
    except NotSent as error:
        # Known at once to be nowhere, so that its leg need not wait for that; told as Unknown first, which it was.
        account.metrics.not_sent.labels(account.name).inc()
        await _conclude(account, intent, IntentState.UNKNOWN, str(error))
        await _conclude(account, intent, IntentState.ABANDONED, f"the venue took nothing: {error}")
        return
    except AlreadyThere as error:
        await follow_order(account, await _conclude(account, intent, IntentState.UNKNOWN, str(error)))
        return
    except NoAnswer as error:
        await _conclude(account, intent, IntentState.UNKNOWN, str(error))
        return
    answered_ns = account.now_ns()
    assert intent.claimed_ns is not None
    account.metrics.answer_seconds.labels(account.name).observe((answered_ns - intent.claimed_ns) / 1e9)
    reached("executor.answered")
    outcome = await account.ledger.record_answer(intent.id, venue_order_id, "accepted", answered_ns)
    account.announce(outcome.intent)
    await follow_order(account, outcome.intent)


async def _conclude(account: Account, intent: Intent, state: IntentState, reason: str) -> Intent:
    outcome = await account.ledger.record_state(intent.id, state, reason, account.now_ns())
    account.announce(outcome.intent)
    return outcome.intent
