"""From the venue's answer to a terminal state, and from `Unknown` to the truth."""

import asyncio

import structlog

from hedgerow.adapters.venue import VenueUnavailable
from hedgerow.domain.money import ZERO
from hedgerow.execution.intents import Intent, VenueOrder
from hedgerow.execution.order_life import AT_VENUE, TERMINAL, IntentState
from hedgerow.strategy.compiled import Mode
from hedgerow.streams.steps import reached
from hedgerow.streams.waiting import set_within
from hedgerow_executor.account import Account
from hedgerow_executor.shadow import rest_in_shadow

_log = structlog.get_logger()
FIRST_LOOK_S = 0.005
LONGEST_PAUSE_S = 1.0
RESOLVE_EVERY_S = 0.5


async def follow_order(account: Account, intent: Intent) -> None:
    """Ask the venue until the intent is terminal, ever more slowly, and at once when its stream has news of the order.
    The resolver goes on if this stops."""
    name = str(intent.client_order_id)
    news = account.news.setdefault(name, asyncio.Event())
    pause_s = FIRST_LOOK_S
    try:
        while intent.state not in TERMINAL and not account.context.stopping.is_set():
            news.clear()
            try:
                intent = await look(account, intent)
            except VenueUnavailable as error:
                _log.warning("venue away", intent=intent.id, error=str(error))
            if intent.state not in TERMINAL:
                pause_s = (
                    FIRST_LOOK_S if await set_within(news, pause_s) else min(pause_s * 2, LONGEST_PAUSE_S)
                )
    finally:
        account.news.pop(name, None)


async def look(account: Account, intent: Intent) -> Intent:
    """Ask the venue once for the order and its executions, and write down what it says.

    Raises:
        VenueUnavailable: it did not answer; the intent is as it was.
    """
    asked_ns = account.now_ns()
    order = await account.venue.find_order(intent)
    fills = await account.venue.fills(intent)
    if order is None and fills:
        # Executions prove the order, whatever the order queries hide; its end is not known yet.
        order = VenueOrder(
            client_order_id=str(intent.client_order_id),
            venue_order_id="",
            state=IntentState.ACCEPTED,
            filled_quantity=intent.filled_quantity,
        )
    if order is None:
        return await _absent(account, intent, asked_ns)
    outcome = await account.ledger.record_outcome(intent.id, order, fills, account.now_ns())
    if outcome.changed:
        if outcome.intent.state in TERMINAL:
            reached("executor.concluded")
        account.announce(outcome.intent)
    return outcome.intent


async def _absent(account: Account, intent: Intent, asked_ns: int) -> Intent:
    """The venue shows nothing under this name: final once it could not appear any more, asked after that time.

    A position that the ledger cannot explain speaks against it: the order was filled, and the venue shows it later.
    """
    assert intent.claimed_ns is not None
    final_ns = intent.claimed_ns + account.venue.absence_final_after_ns
    if intent.state is not IntentState.UNKNOWN or asked_ns < final_ns:
        return intent
    at_venue = {held.instrument: held.quantity for held in await account.venue.positions([intent.instrument])}
    if at_venue.get(intent.instrument, ZERO) != await account.ledger.held(intent.instrument):
        return intent
    waited_s = (asked_ns - intent.claimed_ns) / 1e9
    reason = f"{waited_s:.1f} s after the claim the venue has neither the order nor an execution of it"
    outcome = await account.ledger.record_state(intent.id, IntentState.ABANDONED, reason, account.now_ns())
    account.announce(outcome.intent)
    return outcome.intent


async def resolve_loop(account: Account) -> None:
    """Take up every intent at the venue that no task follows: after a crash, an outage, or a missing answer."""
    alarmed: set[int] = set()
    while not account.context.stopping.is_set():
        intents = await account.ledger.open_intents()
        unknown = [intent for intent in intents if intent.state is IntentState.UNKNOWN]
        overdue = [intent for intent in unknown if await _is_overdue(account, intent)]
        for intent in intents:
            if intent.state in AT_VENUE:
                account.follow(intent, _resolve)
        account.metrics.unknown_open.labels(account.name).set(len(unknown))
        account.metrics.unknown_overdue.labels(account.name).set(len(overdue))
        for intent in overdue:
            if intent.id not in alarmed:
                _log.error("unknown past its deadline", intent=intent.id, order=intent.client_order_id)
        alarmed = {intent.id for intent in overdue}
        await asyncio.sleep(RESOLVE_EVERY_S)


async def _is_overdue(account: Account, intent: Intent) -> bool:
    assert intent.claimed_ns is not None
    deadline_ns = await account.ledger.unknown_deadline_ns(intent.strategy_uid)
    return account.now_ns() > intent.claimed_ns + deadline_ns


async def _resolve(account: Account, seen: Intent) -> None:
    intent = await account.ledger.find_intent(seen.id)
    if intent is None or intent.state not in AT_VENUE:
        return
    if intent.mode is Mode.SHADOW and intent.state is IntentState.ACCEPTED:
        await rest_in_shadow(account, intent)
        return
    if intent.state is IntentState.SENDING:
        # Claimed by a process that is gone: whether it sent cannot be known from here.
        outcome = await account.ledger.record_state(
            intent.id, IntentState.UNKNOWN, "the sender is gone", account.now_ns()
        )
        intent = outcome.intent
        account.announce(intent)
    try:
        await look(account, intent)
    except VenueUnavailable as error:
        _log.warning("venue away", intent=intent.id, error=str(error))
