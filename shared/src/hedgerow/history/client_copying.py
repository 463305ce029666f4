"""Copies what happened to client orders and fills, with its place in the ledger's count."""

from collections.abc import Mapping, Sequence
from typing import Any

from hedgerow.history.offsets import Moved
from hedgerow.history.tables import CLIENT_FILLS, CLIENT_ORDERS


async def read_client_position(connection: Any) -> int:
    """The last change that history holds; 0 for none."""
    position: int = await connection.fetchval("select position from client_position")
    return position


async def write_client_changes(
    connection: Any, known: int, changes: Sequence[Mapping[str, Any]]
) -> dict[str, int]:
    """Write changes as `read_client_changes` gives them; how many rows went into each table.

    Args:
        known: the place that they were read after.

    Raises:
        Moved: somebody else copied these changes meanwhile; nothing was written.
    """
    rows = {
        CLIENT_ORDERS: [order_row(change) for change in changes if change["state"] is not None],
        CLIENT_FILLS: [fill_row(change) for change in changes if change["fill_id"] is not None],
    }
    async with connection.transaction():
        moved = await connection.fetchval(
            "update client_position set position = $2 where position = $1 returning 1",
            known,
            changes[-1]["position"],
        )
        if moved is None:
            raise Moved("the ledger's client orders were copied by somebody else")
        for table, records in rows.items():
            await connection.copy_records_to_table(table.name, records=records, columns=table.columns)
    return {table.name: len(records) for table, records in rows.items()}


def order_row(change: Mapping[str, Any]) -> tuple[Any, ...]:
    """One step of a client order's life, as it stood then."""
    began = change["state"] == "Accepted"
    return (
        change["created_ns"] if began else change["concluded_ns"],
        change["position"],
        str(change["id"]),
        change["owner"],
        change["client_order_id"],
        change["client_id"],
        change["instrument"],
        change["side"],
        change["quantity"],
        change["order_type"],
        change["limit_price"],
        change["state"],
        None if began else change["fill_price"],
    )


def fill_row(change: Mapping[str, Any]) -> tuple[Any, ...]:
    """A fill as it moved its book: `side` is the book's, the other of its client's."""
    return (
        change["time_ns"],
        change["position"],
        change["fill_id"],
        None if change["id"] is None else str(change["id"]),
        change["book"],
        change["fill_instrument"],
        change["fill_side"],
        change["fill_quantity"],
        change["price"],
        change["recorded_ns"],
    )
