"""Makes rollups anew and drops what is old; of several workers one does it."""

import time
from typing import Any

import structlog

from hedgerow.history.retention import drop_old
from hedgerow.history.rollups import refresh_rollups
from hedgerow.streams.context import Context
from hedgerow.streams.server_link import ServerLink
from hedgerow.streams.waiting import stopped_within
from hedgerow_recorder.metrics import RecorderMetrics

_log = structlog.get_logger(__name__)

REFRESH_EVERY_S = 5.0
DROP_EVERY_S = 3_600.0
# Of the session that does the upkeep, for as long as it lives.
UPKEEP_LOCK = 0x6865_6467_6852


async def keep_up(context: Context, history: ServerLink, metrics: RecorderMetrics) -> None:
    """Work every few seconds until asked to stop."""
    dropped_s: float | None = None
    while not context.stopping.is_set():
        if await history.until_done(_is_mine):
            while minutes := await history.until_done(refresh_rollups):
                metrics.minutes.inc(minutes)
            if dropped_s is None or time.monotonic() - dropped_s > DROP_EVERY_S:
                await history.until_done(lambda connection: _drop(connection, context))
                dropped_s = time.monotonic()
        await stopped_within(context.stopping, REFRESH_EVERY_S)


async def _is_mine(connection: Any) -> bool:
    mine: bool = await connection.fetchval("select pg_try_advisory_lock($1)", UPKEEP_LOCK)
    return mine


async def _drop(connection: Any, context: Context) -> None:
    settings = context.settings
    moved = await drop_old(connection, settings.history_days, settings.history_rollup_days, time.time_ns())
    if moved:
        _log.info("old history dropped", before_ns=moved)
