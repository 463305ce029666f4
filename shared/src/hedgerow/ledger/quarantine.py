"""Rows that cannot be read: kept with their bytes, and their strategy or Venue halted, so that the others go on."""

import uuid
from typing import Any

import structlog

from hedgerow.ledger.halts import HaltTarget, place_halt
from hedgerow.ledger.stored_config import UnreadableConfig, decode_config, decode_policy_state, decode_venue

_log = structlog.get_logger(__name__)
SOURCE = "quarantine"


async def quarantine_unreadable(connection: Any, uid: uuid.UUID | str, now_ns: int) -> bool:
    """Keep what of a strategy's row cannot be read, and halt the strategy. Returns whether there was anything."""
    row = await connection.fetchrow("select key, config, policy_state from strategies where uid = $1", uid)
    found = False
    for text, decode in ((row["config"], decode_config), (row["policy_state"], decode_policy_state)):
        try:
            decode(text)
        except UnreadableConfig as error:
            found = True
            await quarantine_strategy(connection, row["key"], text, str(error), now_ns)
    return found


async def quarantine_strategy(connection: Any, key: str, config: str, cause: str, now_ns: int) -> None:
    """Keep a config that cannot be read, and halt its strategy; saying it twice changes nothing."""
    await _quarantine(connection, "strategies", HaltTarget(kind="Strategy", name=key), config, cause, now_ns)


async def quarantine_venues(connection: Any, now_ns: int) -> None:
    """Keep the config of each Venue that cannot be read, and halt the Venue."""
    for row in await connection.fetch("select key, config from venues order by key"):
        try:
            decode_venue(row["config"])
        except UnreadableConfig as error:
            target = HaltTarget(kind="Venue", name=row["key"])
            await _quarantine(connection, "venues", target, row["config"], str(error), now_ns)


async def _quarantine(
    connection: Any, source: str, target: HaltTarget, config: str, cause: str, now_ns: int
) -> None:
    async with connection.transaction():
        new = await connection.fetchval(
            "insert into quarantine (source, key, bytes, cause, time_ns) values ($1, $2, $3, $4, $5) "
            "on conflict do nothing returning id",
            source,
            target.name,
            config.encode(),
            cause,
            now_ns,
        )
        if new is None:
            return
        reason = f"what the ledger has of it cannot be read: {cause}; apply it again, then release"
        await place_halt(connection, target, SOURCE, reason, now_ns)
    _log.error("quarantined", kind=target.kind, key=target.name, cause=cause, row=new)
