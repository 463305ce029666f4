"""An account's API key, followed while its folder changes."""

import asyncio
from pathlib import Path

import structlog

from hedgerow.adapters.mounted_keys import KeysMissing, read_keys
from hedgerow.adapters.venue import VenueUnavailable, VenueUnfit
from hedgerow_executor.account import Account

FOLLOW_EVERY_S = 1.0

_log = structlog.get_logger()


async def key_loop(account: Account, folder: Path, used: tuple[str, str]) -> None:
    """Follow the files: new keys sign from the next request on, orders under way are followed with them too. Keys that
    cannot be used (half written, of another account, without permission) leave the old ones in use.

    Args:
        used: the keys that the venue was opened with.
    """
    while not account.context.stopping.is_set():
        await asyncio.sleep(FOLLOW_EVERY_S)
        try:
            found = read_keys(folder)
            if found != used:
                await account.venue.use_keys(*found)
                account.metrics.keys_changes.labels(account.name).inc()
        except (KeysMissing, VenueUnavailable, VenueUnfit) as error:
            account.metrics.keys_refused.labels(account.name).set(1)
            _log.error("new keys refused, the old ones stay in use", account=account.name, error=str(error))
            continue
        used = found
        account.metrics.keys_refused.labels(account.name).set(0)
