"""What a halt does to orders that are already at the venue: they are cancelled, also while the ledger is away."""

import asyncio
import contextlib
from collections.abc import Iterable

import structlog

from hedgerow.adapters.venue import VenueClient, VenueUnavailable
from hedgerow.execution.intents import Intent
from hedgerow.execution.order_life import AT_VENUE
from hedgerow.ledger.connection import LEDGER_LOST, LedgerUnreachable, connect
from hedgerow.ledger.halts import Halt
from hedgerow.strategy.compiled import Mode
from hedgerow.streams.waiting import set_within
from hedgerow_executor.account import Account

_log = structlog.get_logger()
LOOK_EVERY_S = 0.5
# How long the ledger may be away before orders that nobody watches are taken back.
LEDGER_GRACE_S = 5.0
RETRY_S = 0.5


async def halt_loop(account: Account, woken: asyncio.Event) -> None:
    """Cancel what is open under a halt, at each notification and at least every `LOOK_EVERY_S`, until it is gone."""
    while not account.context.stopping.is_set():
        woken.clear()
        halts = await account.ledger.standing_halts()
        for intent in halted(await account.ledger.open_intents(), halts) if halts else ():
            await _cancel(account, intent)
        await set_within(woken, LOOK_EVERY_S)


def halted(intents: Iterable[Intent], halts: Iterable[Halt]) -> list[Intent]:
    """Intents whose order the venue may hold though a halt stands against them. Pure."""
    standing = list(halts)
    return [
        intent
        for intent in intents
        if intent.state in AT_VENUE
        and intent.mode is not Mode.SHADOW
        and any(_stands_against(halt, intent) for halt in standing)
    ]


async def cancel_without_ledger(
    venue: VenueClient, instruments: list[str], ledger_dsn: str, stopping: asyncio.Event
) -> bool:
    """Once the ledger has been away for `LEDGER_GRACE_S`, or nobody will wait for it, cancel every order of the account
    at the venue, and know that it is done.

    Returns:
        Whether anything was asked of the venue; False when the ledger came back in time.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + LEDGER_GRACE_S
    while loop.time() < deadline and not stopping.is_set():
        if await _is_back(ledger_dsn):
            return False
        await asyncio.sleep(RETRY_S)
    while True:
        try:
            cancelled = await venue.cancel_all(instruments)
        except VenueUnavailable as error:
            _log.error("ledger away, and the venue does not cancel", error=str(error))
            if stopping.is_set() or await _is_back(ledger_dsn):
                return True
            await asyncio.sleep(RETRY_S)
            continue
        _log.error(
            "ledger away: cancelled everything at the venue", orders=cancelled, instruments=instruments
        )
        return True


def _stands_against(halt: Halt, intent: Intent) -> bool:
    match halt.target.kind:
        case "All":
            return True
        case "Venue":
            return halt.target.name == intent.venue
        case "Strategy":
            return halt.target.name == intent.strategy


async def _cancel(account: Account, intent: Intent) -> None:
    try:
        await account.venue.cancel(intent)
    except VenueUnavailable as error:
        _log.error("halted, and the venue does not cancel", intent=intent.id, error=str(error))
        return
    account.metrics.cancels.labels(account.name).inc()
    _log.warning("halted: cancel sent", intent=intent.id, order=intent.client_order_id)


async def _is_back(ledger_dsn: str) -> bool:
    try:
        connection = await connect(ledger_dsn, "hedgerow-executor-probe")
    except LedgerUnreachable:
        return False
    with contextlib.suppress(*LEDGER_LOST):
        await connection.close()
    return True
