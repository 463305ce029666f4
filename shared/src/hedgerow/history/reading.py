"""Reading history: which rows, newest first or in their order."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from hedgerow.history.tables import Table

ROWS_AT_ONCE = 20_000


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one table. Times in ns: `since_ns` <= time < `until_ns`; what is None does not matter."""

    table: Table
    instrument: str | None = None
    strategy: str | None = None
    since_ns: int | None = None
    until_ns: int | None = None

    def where(self) -> tuple[str, list[Any]]:
        """As SQL's condition, and its arguments."""
        given = (
            ("instrument = ", self.instrument),
            ("strategy = ", self.strategy),
            ("time_ns >= ", self.since_ns),
            ("time_ns < ", self.until_ns),
        )
        wanted = [(start, value) for start, value in given if value is not None]
        parts = [f"{start}${number}" for number, (start, _) in enumerate(wanted, 1)]
        return " and ".join(parts) or "true", [value for _, value in wanted]


async def read_newest(connection: Any, selection: Selection, limit: int) -> list[dict[str, Any]]:
    """The newest rows, newest first."""
    condition, arguments = selection.where()
    rows = await connection.fetch(
        f"select {', '.join(selection.table.columns)} from {selection.table.name} where {condition} "
        f"order by time_ns desc limit {limit}",
        *arguments,
    )
    return [dict(row) for row in rows]


async def count_rows(connection: Any, selection: Selection) -> int:
    condition, arguments = selection.where()
    count: int = await connection.fetchval(
        f"select count(*) from {selection.table.name} where {condition}", *arguments
    )
    return count


async def read_in_order(connection: Any, selection: Selection) -> AsyncIterator[list[Any]]:
    """All rows by time, in bites. Inside the caller's transaction."""
    condition, arguments = selection.where()
    cursor = await connection.cursor(
        f"select {', '.join(selection.table.columns)} from {selection.table.name} where {condition} "
        "order by time_ns",
        *arguments,
    )
    while rows := await cursor.fetch(ROWS_AT_ONCE):
        yield rows
