"""`hedgerow orders`: intents, what was sent for them, and what was executed."""

import time
from decimal import Decimal

import msgspec

from hedgerow.cli.exits import ExitCode, Refused
from hedgerow.cli.names import age, key_of
from hedgerow.cli.servers import Servers, open_ledger
from hedgerow.cli.tables import console, table
from hedgerow.domain.money import ZERO, plain
from hedgerow.execution.intents import VenueFill
from hedgerow.ledger.orders import OrderHistory, read_orders
from hedgerow.ledger.strategies import find_strategy, read_strategies

HEADERS = (
    "Intent", "Strategy", "State", "Side", "Quantity", "Instrument", "Limit", "Filled", "At", "Fees", "Decided",
    "Client order id", "Venue order id", "Why",
)  # fmt: skip


async def show_orders(
    servers: Servers, strategy: str | None, namespace: str, limit: int, only_open: bool, as_json: bool
) -> ExitCode:
    """Show the newest intents of one strategy or of all, deleted ones included.

    Raises:
        Refused: no strategy of this name is live or ever sent anything.
    """
    key = None if strategy is None else key_of(strategy, namespace)
    async with open_ledger(servers) as connection:
        found = await read_orders(connection, key, limit, only_open)
        if key is not None and not found and await find_strategy(connection, key) is None:
            there = ", ".join(item.config.key for item in await read_strategies(connection))
            raise Refused(f"there is no HedgeStrategy {key}; there are: {there or 'none'}")
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(found)).decode())
    elif not found:
        print("no open intents" if only_open else "no intents yet")
    else:
        now_ns = time.time_ns()
        console().print(table(HEADERS, (order_cells(item, now_ns) for item in found)))
    return ExitCode.OK


def order_cells(item: OrderHistory, now_ns: int) -> tuple[str, ...]:
    """One intent as a table shows it; what is not known yet is a dash."""
    intent = item.intent
    price = average_price(item.fills)
    return (
        str(intent.id),
        intent.strategy,
        intent.state.value,
        intent.side.value,
        plain(intent.quantity),
        intent.instrument,
        plain(intent.limit_price),
        plain(intent.filled_quantity),
        "-" if price is None else f"{price:.8g}",
        plain(sum((fill.fee for fill in item.fills), ZERO)) if item.fills else "-",
        f"{age((now_ns - intent.decided_ns) / 1e9)} ago",
        intent.client_order_id or "-",
        item.venue_order_id or "-",
        intent.reason or "-",
    )


def average_price(fills: list[VenueFill]) -> Decimal | None:
    """Volume-weighted price of executions, in quote currency; None when there are none."""
    quantity = sum((fill.quantity for fill in fills), ZERO)
    return sum((fill.quantity * fill.price for fill in fills), ZERO) / quantity if quantity else None
