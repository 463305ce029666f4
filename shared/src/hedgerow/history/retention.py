"""Drops what is older than it shall be kept, and nothing else."""

from typing import Any

from hedgerow.history.connection import hypertables
from hedgerow.history.tables import DAY_NS, RECORDED, ROLLED_UP, Table

ROWS_AT_ONCE = 10_000


def cutoff_ns(table: Table, days: int, now_ns: int) -> int:
    """Rows before this are older than `days` (from 1), to the start of their chunk: whole chunks go on every server."""
    before_ns = now_ns - days * DAY_NS
    return before_ns - before_ns % table.chunk_ns


async def drop_old(connection: Any, days: int, rollup_days: int, now_ns: int) -> dict[str, int]:
    """Drop the rows of recorded tables after `days`, of rollups after `rollup_days`.

    Returns:
        By table, the time (ns) before which everything is gone, where that moved.
    """
    chunked = await hypertables(connection)
    moved = {}
    for tables, kept_days in ((RECORDED, days), (ROLLED_UP, rollup_days)):
        for table in tables:
            before_ns = cutoff_ns(table, kept_days, now_ns)
            if await _announce(connection, table, before_ns):
                moved[table.name] = before_ns
            await drop_before(connection, table, before_ns, table.name in chunked)
    return moved


async def drop_before(connection: Any, table: Table, before_ns: int, chunked: bool) -> None:
    """Drop every row of a table that is older. `before_ns` is a multiple of the table's chunks.

    Args:
        chunked: the table is a hypertable.
    """
    if chunked:
        await connection.fetch(
            "select drop_chunks($1::regclass, older_than => $2::bigint)", table.name, before_ns
        )
        return
    while True:  # in bites, so that no transaction and no lock lasts
        deleted = await connection.execute(
            f"delete from {table.name} where ctid = any(array("
            f"select ctid from {table.name} where time_ns < $1 limit {ROWS_AT_ONCE}))",
            before_ns,
        )
        if deleted == "DELETE 0":
            return


async def _announce(connection: Any, table: Table, before_ns: int) -> bool:
    """Write down what will be gone before it goes: from now on its rollups are not made anew. Says whether it moved."""
    moved = await connection.fetchval(
        "insert into dropped (table_name, before_ns) values ($1, $2) on conflict (table_name) do update "
        "set before_ns = excluded.before_ns where dropped.before_ns < excluded.before_ns returning 1",
        table.name,
        before_ns,
    )
    return moved is not None
