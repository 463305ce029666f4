"""Each strategy's day on an account: turnover as it is filled, profit as its executor marks it."""

from collections.abc import Mapping
from decimal import Decimal
from itertools import groupby
from typing import Any

from hedgerow.domain.days import utc_day
from hedgerow.domain.instruments import find_instrument
from hedgerow.domain.positions import Position
from hedgerow.execution.account_tally import Holding, profit, unmarked
from hedgerow.execution.intents import Intent, VenueFill


async def count_turnover(
    connection: Any, intent: Intent, before: Position, fill: VenueFill, now_ns: int
) -> None:
    """Add a fill to the day on which it is recorded; in the transaction that books it.

    Args:
        before: the position that the fill met. A day that begins flat opens with what is settled; what a held position
            is worth is not known here, and `mark_day` opens the day.
    """
    opening = before.realised_pnl - before.fees if before.quantity == 0 else None
    await connection.execute(
        "insert into trading_days (strategy_uid, mode, venue, account, day, turnover, opening_pnl) "
        "values ($1, $2, $3, $4, $5, $6, $7) on conflict (strategy_uid, day, mode, venue, account) "
        "do update set turnover = trading_days.turnover + excluded.turnover",
        intent.strategy_uid,
        intent.mode.value,
        intent.venue,
        intent.account,
        utc_day(now_ns),
        find_instrument(intent.instrument).notional(fill.quantity, fill.price),
        opening,
    )


async def mark_day(
    connection: Any, venue: str, account: str, mids: Mapping[str, Decimal], now_ns: int
) -> None:
    """Write down what each strategy has made on the account by now, and open the day where nobody has.

    A strategy that holds something without a mid is left as it was.
    """
    rows = await connection.fetch(
        "select strategy_uid, mode, instrument, quantity, entry_price, realised_pnl - fees as settled "
        "from positions where (venue, account) = ($1, $2) order by strategy_uid, mode",
        venue,
        account,
    )
    for (uid, mode), group in groupby(rows, key=lambda row: (row["strategy_uid"], row["mode"])):
        holdings = [_holding(row) for row in group]
        if not unmarked(holdings, mids):
            await connection.execute(
                "insert into trading_days as t (strategy_uid, mode, venue, account, day, opening_pnl, pnl) "
                "values ($1, $2, $3, $4, $5, $6, $6) on conflict (strategy_uid, day, mode, venue, account) "
                "do update set opening_pnl = coalesce(t.opening_pnl, excluded.opening_pnl), pnl = excluded.pnl "
                "where t.opening_pnl is null or t.pnl is distinct from excluded.pnl",
                uid,
                mode,
                venue,
                account,
                utc_day(now_ns),
                profit(holdings, mids),
            )


def _holding(row: Any) -> Holding:
    return Holding(
        strategy_uid=str(row["strategy_uid"]),
        instrument=row["instrument"],
        quantity=row["quantity"],
        entry_price=row["entry_price"],
        settled=row["settled"],
    )
