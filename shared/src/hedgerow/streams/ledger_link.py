"""A service's connection to the ledger, which outlives the ledger's absences."""

import asyncpg

from hedgerow.ledger.connection import LEDGER_LOST, LedgerUnreachable, connect
from hedgerow.ledger.migrate import SchemaMismatch, require_current
from hedgerow.streams.context import Context
from hedgerow.streams.server_link import ServerLink

_LOST: tuple[type[Exception], ...] = (LedgerUnreachable, SchemaMismatch, *LEDGER_LOST)


class LedgerLink(ServerLink):
    """See `ServerLink`; the role's condition is `ledger`."""

    def __init__(self, context: Context) -> None:
        async def connected() -> asyncpg.Connection:
            connection = await connect(context.settings.ledger_dsn, f"hedgerow-{context.role}")
            try:
                await require_current(connection)
            except BaseException:
                connection.terminate()
                raise
            return connection

        super().__init__(context, "ledger", connected, _LOST)
