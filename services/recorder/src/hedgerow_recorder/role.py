"""recorder: what the topics carry and what the ledger decides, into history; in the way of nothing."""

import asyncio

import asyncpg

from hedgerow.history.connection import HistoryUnreachable, connect
from hedgerow.ledger.connection import LEDGER_LOST
from hedgerow.ledger.migrate import SchemaMismatch
from hedgerow.streams.context import Context, ServiceRole
from hedgerow.streams.server_link import ServerLink
from hedgerow.streams.settings import SettingsError
from hedgerow_recorder.intake import Intake
from hedgerow_recorder.ledger_copy import copy_ledger
from hedgerow_recorder.metrics import RecorderMetrics
from hedgerow_recorder.upkeep import keep_up

# Whatever the server says that no row is to blame for (a full disk, say) is waited out like its absence.
_LOST: tuple[type[Exception], ...] = (HistoryUnreachable, SchemaMismatch, asyncpg.PostgresError, *LEDGER_LOST)


# A server that says nothing for so long counts as away; a whole day's rollups take less.
COMMAND_TIMEOUT_S = 60.0


async def run(context: Context) -> None:
    """Record until asked to stop.

    Raises:
        SettingsError: no history database is named.
    """
    dsn = context.settings.history_dsn
    if dsn is None:
        raise SettingsError("HEDGEROW_HISTORY_DSN is not set; it should name the history's Postgres")
    metrics = RecorderMetrics(context.metrics)
    links = {name: _link(context, name, dsn) for name in ("history", "history-copy", "history-upkeep")}
    work = [
        asyncio.create_task(Intake(context, links["history"], metrics).run()),
        asyncio.create_task(copy_ledger(context, links["history-copy"], metrics)),
        asyncio.create_task(keep_up(context, links["history-upkeep"], metrics)),
    ]
    try:
        await asyncio.gather(*work)
    finally:
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        for link in links.values():
            await link.close()


def _link(context: Context, name: str, dsn: str) -> ServerLink:
    async def connected() -> asyncpg.Connection:
        connection = await connect(dsn, f"hedgerow-{context.role}-{name}", COMMAND_TIMEOUT_S)
        # Rows and the offset they belong to are lost together or not at all, and what is lost is read again.
        await connection.execute("set synchronous_commit = off")
        return connection

    return ServerLink(context, name, connected, _LOST)


role = ServiceRole(name="recorder", run=run)
