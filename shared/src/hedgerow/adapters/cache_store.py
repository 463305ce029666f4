"""Writes states into the cache, newest wins: an older state never replaces a newer one, whoever writes when."""

from collections.abc import Sequence

import msgspec
from redis.exceptions import NoScriptError, RedisError

from hedgerow.adapters.cache_keys import ORDER_BYTES, TTL_S, Entry
from hedgerow.adapters.redis_masters import Master, Masters

# Compare, set and tell in one step. Orders are digits of one length, so text compares as their numbers do. A state
# that is known is only kept alive; an older one is not even that, so that an order that began anew is taken soon.
STORE = f"""
local known = redis.call('GETRANGE', KEYS[1], 0, {ORDER_BYTES - 1})
if known == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return 1
end
if known > ARGV[1] then return 0 end
local value = ARGV[1] .. ARGV[2]
redis.call('SET', KEYS[1], value, 'PX', ARGV[3])
redis.call('SPUBLISH', KEYS[1], value)
return 2
"""
_TTL_MS = int(TTL_S * 1000)
OLDER, REPEATED, WRITTEN = 0, 1, 2


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch on one master.

    Attributes:
        outcomes: by entry: WRITTEN, REPEATED (was there), OLDER (a newer one is there), or None: it failed.
        error: the first failure.
    """

    outcomes: list[int | None]
    error: Exception | None


class Store:
    """Pipelines to one master at a time, so that no master waits for another."""

    def __init__(self, masters: Masters) -> None:
        self._masters = masters
        self._sha = ""

    async def write(self, master: Master, entries: Sequence[Entry]) -> Stored:
        """Write what lies on this master. Failures are told, never raised; the same may be written again."""
        try:
            if not self._sha:
                await self._load(master)
            outcomes = await self._send(master, entries)
            if any(isinstance(outcome, NoScriptError) for outcome in outcomes):
                # The master was started again, or is a new one.
                await self._load(master)
                outcomes = await self._send(master, entries)
        except (RedisError, OSError) as error:
            self._masters.failed(master, error)
            return Stored(outcomes=[None] * len(entries), error=error)
        errors = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        if errors:
            self._masters.failed(master, errors[0])
        else:
            master.answered()
        return Stored(
            outcomes=[outcome if isinstance(outcome, int) else None for outcome in outcomes],
            error=errors[0] if errors else None,
        )

    async def _load(self, master: Master) -> None:
        self._sha = await master.client.script_load(STORE)

    async def _send(self, master: Master, entries: Sequence[Entry]) -> list[int | Exception]:
        pipeline = master.client.pipeline(transaction=False)
        for entry in entries:
            pipeline.execute_command("EVALSHA", self._sha, 1, entry.key, entry.order, entry.record, _TTL_MS)
        outcomes: list[int | Exception] = await pipeline.execute(raise_on_error=False)
        return outcomes
