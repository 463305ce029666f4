"""What the hedges hold, over all strategies."""

from decimal import Decimal
from typing import Any

from hedgerow.strategy.compiled import Mode


async def read_hedge_positions(connection: Any) -> dict[str, Decimal]:
    """Signed contracts by instrument of every hedge that was traded; Shadow's fills are virtual and left out."""
    rows = await connection.fetch(
        "select instrument, sum(quantity) as quantity from positions where mode <> $1 group by instrument",
        Mode.SHADOW.value,
    )
    return {row["instrument"]: row["quantity"] for row in rows}
