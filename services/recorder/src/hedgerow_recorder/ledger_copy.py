"""Copies what the ledger says into history: intents, executions, decisions, client orders and their fills.

The ledger is the truth; hints are not needed.
"""

from collections.abc import Mapping

import structlog

from hedgerow.history.client_copying import read_client_position, write_client_changes
from hedgerow.history.copying import read_positions, write_changes
from hedgerow.history.offsets import Moved
from hedgerow.ledger.changes import read_changes
from hedgerow.ledger.client_changes import read_client_changes
from hedgerow.streams.context import Context
from hedgerow.streams.ledger_link import LedgerLink
from hedgerow.streams.server_link import ServerLink
from hedgerow.streams.waiting import stopped_within
from hedgerow_recorder.metrics import RecorderMetrics

_log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
STEPS_AT_ONCE = 500
CLIENT_CHANGES_AT_ONCE = 5_000


async def copy_ledger(context: Context, history: ServerLink, metrics: RecorderMetrics) -> None:
    """Look into the ledger every second until asked to stop."""
    ledger = LedgerLink(context)
    try:
        while not context.stopping.is_set():
            more = await _copy_steps(context, ledger, history, metrics)
            more |= await _copy_client_changes(ledger, history, metrics)
            if not more:
                await stopped_within(context.stopping, LOOK_EVERY_S)
    finally:
        await ledger.close()


async def _copy_steps(
    context: Context, ledger: LedgerLink, history: ServerLink, metrics: RecorderMetrics
) -> bool:
    """Copy the next steps; whether there may be more."""
    known = await history.until_done(read_positions)
    if known is None:
        return False
    changes = await ledger.until_done(lambda connection: read_changes(connection, known, STEPS_AT_ONCE))
    if changes is None:
        return False
    broken = "; ".join(f"{strategy}: {why}" for strategy, why in changes.unreadable.items())
    context.readiness.set("chains", not broken, f"{broken}; history ends before it" if broken else "")
    if not changes.steps:
        return False
    try:
        written = await history.until_done(lambda connection: write_changes(connection, known, changes))
    except Moved as moved:
        _log.info("copied by somebody else", detail=str(moved))
        return False
    _count(metrics, written)
    return len(changes.steps) >= STEPS_AT_ONCE


async def _copy_client_changes(ledger: LedgerLink, history: ServerLink, metrics: RecorderMetrics) -> bool:
    """Copy the next changes of client orders and fills; whether there may be more."""
    known = await history.until_done(read_client_position)
    if known is None:
        return False
    changes = await ledger.until_done(
        lambda connection: read_client_changes(connection, known, CLIENT_CHANGES_AT_ONCE)
    )
    if not changes:
        return False
    try:
        written = await history.until_done(
            lambda connection: write_client_changes(connection, known, changes)
        )
    except Moved as moved:
        _log.info("copied by somebody else", detail=str(moved))
        return False
    _count(metrics, written)
    return len(changes) >= CLIENT_CHANGES_AT_ONCE


def _count(metrics: RecorderMetrics, written: Mapping[str, int] | None) -> None:
    for table, rows in (written or {}).items():
        metrics.rows.labels(table).inc(rows)
