"""Whether this is the ledger that it was: one that was restored from a backup or promoted may have lost its newest
rows, and starts halted until venue and ledger agree."""

import uuid
from typing import Any

import structlog

from hedgerow.domain.times import SECOND_NS
from hedgerow.ledger.connection import LedgerUnreachable, close_halt_gate
from hedgerow.ledger.halts import HaltTarget, place_halt

_log = structlog.get_logger(__name__)
SOURCE = "ledger"
_MOVED = "the ledger is on another server than before: it was restored or promoted meanwhile"

# A backup restored elsewhere is on another system, a promoted or rewound one on another timeline, a dump has other
# object ids. A standby has no insertion point and answers with an error, which counts as a lost ledger.
_SERVER = """
    (select system_identifier from pg_control_system())::text
    || '/' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)
    || '/' || (select oid from pg_database where datname = current_database())
    || '/' || 'ledger_identity'::regclass::oid
"""


async def arrive(connection: Any, now_ns: int) -> bool:
    """Before anything is claimed: halt every venue when the ledger is on another server than it last was.

    It then names its orders anew, so that an intent number that is given a second time is not taken for the order that
    went out under the first. Books that client fills move go on from the time's sequence, and generations from the
    time in seconds, so that what was published of the lost ones is not taken for newer.

    Returns:
        Whether it was restored or promoted.
    """
    here, known = await _here_and_known(connection)
    if here == known:
        return False
    async with connection.transaction():
        await close_halt_gate(connection)
        row = await connection.fetchrow(
            f"select id, server, {_SERVER} as here from ledger_identity for update"
        )
        if row["server"] == row["here"]:
            return False
        await connection.execute("update ledger_identity set server = $1", row["here"])
        if row["server"] is None:
            return False
        await connection.execute(
            "update ledger_identity set id = $1, former_ids = former_ids || $2::uuid, generations_from = $3",
            uuid.uuid4(),
            row["id"],
            now_ns // SECOND_NS,
        )
        await connection.execute(
            "update books set sequence = greatest(sequence + 1, $1) where not fed", now_ns
        )
        reason = (
            f"the ledger was restored or promoted (it was on {row['server']}, and is on {row['here']}: system, "
            "timeline, database, table): what happened last may be missing, so venue and ledger must agree first"
        )
        for venue in await connection.fetch("select key from venues order by key"):
            await place_halt(connection, HaltTarget(kind="Venue", name=venue["key"]), SOURCE, reason, now_ns)
    _log.error("ledger restored or promoted: every venue is halted", before=row["server"], now=row["here"])
    return True


async def arrived_at(connection: Any) -> str:
    """The server behind this connection.

    Raises:
        LedgerUnreachable: nobody arrived at it.
    """
    here, known = await _here_and_known(connection)
    if here != known:
        raise LedgerUnreachable(_MOVED)
    return here


async def require_server(connection: Any, server: str) -> None:
    """Of each new connection of one who claims: it leads to where they arrived. Whoever knows intents of another server
    would take this one's for those, whose numbers it gives again.

    Raises:
        LedgerUnreachable: it is another one.
    """
    here, known = await _here_and_known(connection)
    if not here == known == server:
        raise LedgerUnreachable(_MOVED)


async def _here_and_known(connection: Any) -> tuple[str, str | None]:
    row = await connection.fetchrow(f"select {_SERVER} as here, server as known from ledger_identity")
    return row["here"], row["known"]
