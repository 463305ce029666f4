"""What each account can put up: written by its executor, read by the claims of others whose legs go with its own."""

from decimal import Decimal
from typing import Any

import msgspec

from hedgerow.domain.money import ZERO
from hedgerow.domain.orders import Side
from hedgerow.execution.claim_facts import Claimable, Funds, OtherAccount
from hedgerow.execution.order_life import IntentState

_leverage_decoder = msgspec.json.Decoder(dict[str, Decimal])


async def write_funds(connection: Any, venue: str, account: str, funds: Funds) -> None:
    """Make these the account's. The last to write wins, not the newest time: a clock that was wrong heals so."""
    await connection.execute(
        "insert into account_funds (venue, account, available, leverage, time_ns) values ($1, $2, $3, $4, $5) "
        "on conflict (venue, account) do update set available = excluded.available, "
        "leverage = excluded.leverage, time_ns = excluded.time_ns",
        venue,
        account,
        funds.available,
        msgspec.json.encode(funds.leverage).decode(),
        funds.time_ns,
    )


async def read_other_account(connection: Any, venue: str, account: str) -> OtherAccount | None:
    """What the account's executor last wrote, and the orders that it claimed since; None before it wrote anything."""
    row = await connection.fetchrow(
        "select available, leverage, time_ns from account_funds where (venue, account) = ($1, $2)",
        venue,
        account,
    )
    if row is None:
        return None
    claimed = await connection.fetch(
        "select d.id, d.state, d.instrument, d.side, d.quantity, d.limit_price "
        "from orders c join intents d on d.id = c.intent "
        "where (c.venue, c.account) = ($1, $2) and c.claimed_ns > $3 and d.mode <> 'Shadow' order by d.id",
        venue,
        account,
        row["time_ns"],
    )
    return OtherAccount(
        venue=venue,
        account=account,
        funds=Funds(
            available=row["available"],
            leverage=_leverage_decoder.decode(row["leverage"]),
            time_ns=row["time_ns"],
        ),
        claimed_since_funds=tuple(
            Claimable(
                id=item["id"],
                state=IntentState(item["state"]),
                venue=venue,
                account=account,
                instrument=item["instrument"],
                side=Side(item["side"]),
                quantity=item["quantity"],
                limit_price=item["limit_price"],
                position=ZERO,
            )
            for item in claimed
        ),
    )
