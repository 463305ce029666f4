"""Rows that cannot be read: kept with their bytes, and their strategy halted, so that the others go on."""

from typing import Any

import structlog

from hedgerow.ledger.halts import HaltTarget, place_halt

_log = structlog.get_logger(__name__)
SOURCE = "quarantine"


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
        reason = f"its config in the ledger cannot be read: {cause}; apply it again, then release"
        await place_halt(connection, HaltTarget(kind="Strategy", name=key), SOURCE, reason, now_ns)
    _log.error("quarantined", strategy=key, cause=cause, row=new)
