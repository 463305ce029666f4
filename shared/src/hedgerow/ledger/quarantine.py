"""Rows that cannot be read: kept with their bytes, and their strategy halted, so that the others go on."""

import uuid
from typing import Any

import structlog

from hedgerow.ledger.halts import HaltTarget, place_halt
from hedgerow.ledger.stored_config import UnreadableConfig, decode_config, decode_policy_state

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
    async with connection.transaction():
        new = await connection.fetchval(
            "insert into quarantine (source, key, bytes, cause, time_ns) values ('strategies', $1, $2, $3, $4) "
            "on conflict do nothing returning id",
            key,
            config.encode(),
            cause,
            now_ns,
        )
        if new is None:
            return
        reason = f"what the ledger has of it cannot be read: {cause}; apply it again, then release"
        await place_halt(connection, HaltTarget(kind="Strategy", name=key), SOURCE, reason, now_ns)
    _log.error("quarantined", strategy=key, cause=cause, row=new)
