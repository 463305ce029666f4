"""`hedgerow migrate`: the schemas of ledger and history."""

from hedgerow.cli.exits import ExitCode
from hedgerow.cli.servers import Servers, read_history_dsn
from hedgerow.history import connection as history
from hedgerow.history.migrate import upgrade as upgrade_history
from hedgerow.ledger.connection import connect
from hedgerow.ledger.migrate import upgrade
from hedgerow.streams.settings import SettingsError


async def migrate(servers: Servers) -> ExitCode:
    """Bring both to what this version knows; a history is optional.

    Raises:
        LedgerUnreachable, HistoryUnreachable: a server does not answer.
    """
    # Asked first, so that a server that does not answer is named instead of traced.
    await (await connect(servers.ledger_dsn, "hedgerow-cli")).close()
    upgrade(servers.ledger_dsn)
    print("the ledger's schema is current")
    try:
        dsn = read_history_dsn()
    except SettingsError:
        return ExitCode.OK
    await (await history.open_server(dsn, "hedgerow-cli")).close()
    upgrade_history(dsn)
    connection = await history.connect(dsn, "hedgerow-cli")
    print(f"the history's schema is current, on {await history.edition(connection)}")
    await connection.close()
    return ExitCode.OK
