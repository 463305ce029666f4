"""Marks on minutes whose rollups have to be made anew.

They are only ever added, in the transaction of the rows, and taken away, in the transaction of the rollup: a row that
comes late marks its minute again, and nobody waits for anybody.
"""

from collections.abc import Collection
from typing import Any


async def mark_minutes(connection: Any, minutes: Collection[tuple[str, int]]) -> None:
    """Mark minutes, given as the name of the source's table and the minute's start (ns)."""
    if minutes:
        await connection.execute(
            "insert into rollup_marks (source, minute_ns) select * from unnest($1::text[], $2::bigint[])",
            [source for source, _ in minutes],
            [minute for _, minute in minutes],
        )


async def take_minutes(connection: Any, source: str, limit: int) -> list[int]:
    """Take the marks off up to `limit` minutes of a source, oldest first, inside the caller's transaction."""
    rows = await connection.fetch(
        "with wanted as (select distinct minute_ns from rollup_marks where source = $1 order by minute_ns limit $2), "
        "taken as (delete from rollup_marks m using wanted w "
        "where m.source = $1 and m.minute_ns = w.minute_ns returning m.minute_ns) "
        "select distinct minute_ns from taken order by minute_ns",
        source,
        limit,
    )
    return [row["minute_ns"] for row in rows]
