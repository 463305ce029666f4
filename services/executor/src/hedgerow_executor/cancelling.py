"""Taking an order back: asked of the venue until the order has ended, whatever it filled meanwhile."""

import asyncio

import structlog

from hedgerow.adapters.venue import VenueUnavailable
from hedgerow.execution.intents import Intent
from hedgerow.execution.order_life import TERMINAL
from hedgerow.streams.steps import reached
from hedgerow_executor.account import Account
from hedgerow_executor.following import LONGEST_PAUSE_S, look

_log = structlog.get_logger()
FIRST_PAUSE_S = 0.05


async def cancel_order(account: Account, intent: Intent) -> None:
    """Cancel at the venue, then ask what became of the order; again, ever more slowly, until it has ended."""
    pause_s = FIRST_PAUSE_S
    while not account.context.stopping.is_set():
        reached("executor.before-cancel")
        try:
            await account.venue.cancel(intent)
        except VenueUnavailable as error:
            _log.warning("cancel without an answer", intent=intent.id, error=str(error))
        try:
            intent = await look(account, intent)
        except VenueUnavailable as error:
            _log.warning("venue away", intent=intent.id, error=str(error))
        if intent.state in TERMINAL:
            assert intent.cancel_requested_ns is not None
            took_s = (account.now_ns() - intent.cancel_requested_ns) / 1e9
            account.metrics.cancel_seconds.labels(account.name).observe(took_s)
            return
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
