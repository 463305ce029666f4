"""A hash chain per strategy over everything that happened to its intents.

Entry n's hash is SHA-256 over entry n-1's hash and entry n's payload, so that a changed, dropped or inserted
entry breaks every hash after it.
"""

import hashlib
from typing import Any

import msgspec

from hedgerow.domain.money import plain
from hedgerow.execution.order_life import IntentState

GENESIS = bytes(32)


class ChainEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One step of one intent, as it is hashed. Quantities as canonical decimal text."""

    intent: int
    state: IntentState
    quantity: str
    filled_quantity: str
    reason: str
    time_ns: int


class ChainReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an audit found: how many entries were read, and every place where the ledger was tampered with."""

    entries: int
    breaks: list[str]


def link(previous: bytes, payload: bytes) -> bytes:
    """The hash of an entry that follows `previous`."""
    return hashlib.sha256(previous + payload).digest()


async def append(connection: Any, uid: Any, entry: ChainEntry) -> None:
    """Add an entry. The caller holds the strategy's row, so that entries follow each other."""
    last = await connection.fetchrow(
        "select position, hash from chain where strategy_uid = $1 order by position desc limit 1", uid
    )
    position, previous = (last["position"] + 1, last["hash"]) if last else (1, GENESIS)
    payload = msgspec.json.encode(entry)
    await connection.execute(
        "insert into chain (strategy_uid, position, payload, hash) values ($1, $2, $3, $4)",
        uid,
        position,
        payload,
        link(previous, payload),
    )


async def verify_chain(connection: Any, uid: str | None) -> ChainReport:
    """Recompute every hash, and hold each intent's row against the last entry that speaks of it.

    Args:
        uid: of one strategy; None for all.
    """
    rows = await connection.fetch(
        "select strategy_uid, position, payload, hash from chain "
        "where $1::uuid is null or strategy_uid = $1 order by strategy_uid, position",
        uid,
    )
    breaks: list[str] = []
    last: dict[int, ChainEntry] = {}
    strategy, expected, previous = None, 1, GENESIS
    for row in rows:
        if row["strategy_uid"] != strategy:
            strategy, expected, previous = row["strategy_uid"], 1, GENESIS
        if row["position"] != expected:
            breaks.append(f"strategy {strategy}: entry {expected} is missing, {row['position']} follows")
        if link(previous, row["payload"]) != row["hash"]:
            breaks.append(f"strategy {strategy}: entry {row['position']} does not match its hash")
        entry = msgspec.json.decode(row["payload"], type=ChainEntry)
        last[entry.intent] = entry
        expected, previous = row["position"] + 1, row["hash"]
    breaks += await _intents_that_differ(connection, uid, last)
    return ChainReport(entries=len(rows), breaks=breaks)


async def _intents_that_differ(connection: Any, uid: str | None, last: dict[int, ChainEntry]) -> list[str]:
    rows = await connection.fetch(
        "select id, state, quantity, filled_quantity from intents "
        "where $1::uuid is null or strategy_uid = $1 order by id",
        uid,
    )
    differences = []
    for row in rows:
        entry = last.pop(row["id"], None)
        found = (row["state"], plain(row["quantity"]), plain(row["filled_quantity"]))
        if entry is None:
            differences.append(f"intent {row['id']} is not in the chain")
        elif (entry.state.value, entry.quantity, entry.filled_quantity) != found:
            differences.append(
                f"intent {row['id']} is {found}, the chain says "
                f"{(entry.state.value, entry.quantity, entry.filled_quantity)}"
            )
    return differences + [f"intent {intent} is in the chain and gone from the table" for intent in last]
