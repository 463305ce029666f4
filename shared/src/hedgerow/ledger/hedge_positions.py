"""What the hedges hold."""

from decimal import Decimal
from typing import Any

from hedgerow.domain.instruments import find_instrument
from hedgerow.domain.orders import Side
from hedgerow.domain.positions import Position, apply_fill
from hedgerow.strategy.compiled import Mode


async def read_hedge_positions(connection: Any) -> dict[str, Decimal]:
    """Signed contracts by instrument of every hedge that was traded; Shadow's fills are virtual and left out."""
    rows = await connection.fetch(
        "select instrument, sum(quantity) as quantity from positions where mode <> $1 group by instrument",
        Mode.SHADOW.value,
    )
    return {row["instrument"]: row["quantity"] for row in rows}


async def book_position(
    connection: Any,
    place: tuple[str, str, str, str, str],
    side: Side,
    quantity: Decimal,
    price: Decimal,
    fee: Decimal,
) -> tuple[Position, Position]:
    """Change a position by one fill, in the caller's transaction.

    Args:
        place: strategy uid, mode, venue, account, instrument.

    Returns:
        The position before and after.
    """
    row = await connection.fetchrow(
        "select quantity, entry_price, realised_pnl, fees from positions where strategy_uid = $1 and mode = $2 "
        "and venue = $3 and account = $4 and instrument = $5",
        *place,
    )
    before = Position(**dict(row)) if row else Position()
    after = apply_fill(before, side, quantity, price, fee, find_instrument(place[-1]).contract_size)
    await connection.execute(
        "insert into positions (strategy_uid, mode, venue, account, instrument, quantity, entry_price, "
        "realised_pnl, fees) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
        "on conflict (strategy_uid, mode, venue, account, instrument) do update set quantity = excluded.quantity, "
        "entry_price = excluded.entry_price, realised_pnl = excluded.realised_pnl, fees = excluded.fees",
        *place,
        after.quantity,
        after.entry_price,
        after.realised_pnl,
        after.fees,
    )
    return before, after
