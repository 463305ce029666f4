"""What happened to client orders and fills since, by its place in a count without holes.

The count's row is locked from each change to its commit, so that nothing appears behind a place that was read.
"""

from typing import Any

_SINCE = """
    select c.position, c.state, o.id, o.owner, o.client_order_id, o.client_id, o.instrument, o.side, o.quantity,
        o.order_type, o.limit_price, o.created_ns, o.concluded_ns, o.fill_price, f.fill_id, f.book,
        f.instrument as fill_instrument, f.side as fill_side, f.quantity as fill_quantity, f.price, f.time_ns,
        f.recorded_ns
    from client_changes c
    left join client_orders o on o.id = c.order_id
    left join client_fills f on f.fill_id = c.fill_id
    where c.position > $1 order by c.position limit $2
"""


async def read_client_changes(connection: Any, position: int, limit: int) -> list[Any]:
    """The next changes: of an order (`state` and its terms), of a fill (`fill_id` and its terms), or of both.

    Args:
        position: the last place that is known; 0 for none.
    """
    rows: list[Any] = await connection.fetch(_SINCE, position, limit)
    return rows
