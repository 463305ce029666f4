"""Recounts the exchange's journal without the exchange's code; `docs/guide/exchange.md` describes the format."""

import json
from decimal import Decimal
from pathlib import Path

import msgspec

from hedgerow.domain.money import ZERO, parse_decimal
from hedgerow.domain.orders import Side, signed
from hedgerow_local.errors import LocalError

JOURNAL_NAME = "exchange-journal.jsonl"


class Recount(msgspec.Struct, frozen=True, kw_only=True):
    """One account's journal. Signed contracts by instrument; the client order id of each order, once per order."""

    positions: dict[str, Decimal]
    orders: tuple[str, ...]


def recount(path: Path, account: str) -> Recount:
    """Add up every execution of an account.

    An order is in the journal once per change, so orders are told apart by the exchange's id; an execution is
    there once. The line that is being written at this moment, without its end, is not counted.

    Raises:
        LocalError: the file is missing, or a line is not JSON of the journal's shape; the message says which.
    """
    try:
        text = path.read_text()
    except FileNotFoundError:
        raise LocalError(f"the exchange has no journal at {path}; nothing can be recounted") from None
    complete = text[: text.rfind("\n") + 1].splitlines()
    positions: dict[str, Decimal] = {}
    orders: dict[str, str] = {}
    for number, line in enumerate(complete[1:], start=2):
        try:
            entry = json.loads(line)
            for order in entry["orders"]:
                if order["account"] == account:
                    orders[order["orderId"]] = order["orderLinkId"]
            for execution in entry["executions"]:
                if execution["account"] == account:
                    change = signed(Side(execution["side"]), parse_decimal(execution["execQty"]))
                    symbol = execution["symbol"]
                    positions[symbol] = positions.get(symbol, ZERO) + change
        except (ValueError, KeyError, TypeError) as problem:
            raise LocalError(f"{path}, line {number} is not a line of a journal: {problem!r}") from None
    return Recount(positions=positions, orders=tuple(orders.values()))
