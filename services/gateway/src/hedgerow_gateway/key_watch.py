"""Follows the folder of API keys, so that a key works, or is refused, a second or two after its Secret changed."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from hedgerow.streams.waiting import stopped_within
from hedgerow_gateway.keys import Keys, KeysError, read_keys
from hedgerow_gateway.metrics import GatewayMetrics

_log = structlog.get_logger(__name__)

LOOK_S = 1.0


class KeyWatch:
    """The keys as they were last readable. A folder that cannot be used changes nothing, and is said.

    It is read anew rather than watched: a mounted Secret is swapped by renaming a link, which watchers miss.

    Args:
        changed: called with the keys whenever they changed.

    Raises:
        KeysError: the folder cannot be used at the start.
    """

    def __init__(self, folder: Path, metrics: GatewayMetrics, changed: Callable[[Keys], None]) -> None:
        self._folder = folder
        self._metrics = metrics
        self._changed = changed
        self._keys = read_keys(folder)
        self._problem = ""
        metrics.keys.set(len(self._keys))
        changed(self._keys)

    async def follow(self, stopping: asyncio.Event) -> None:
        """Look once a second until asked to stop."""
        while not await stopped_within(stopping, LOOK_S):
            try:
                keys = await asyncio.to_thread(self._read)
            except KeysError as error:
                self._say(str(error))
            else:
                self._take(keys)

    def _read(self) -> Keys:
        """Read twice: a swap in between must not pair one key's file with another's role.

        Raises:
            KeysError: the folder cannot be used, or changes while it is read.
        """
        keys = read_keys(self._folder)
        if read_keys(self._folder) != keys:
            raise KeysError(f"{self._folder} changed while it was read")
        return keys

    def _take(self, keys: Keys) -> None:
        self._say("")
        if keys == self._keys:
            return
        now, before = _names(keys), _names(self._keys)
        self._keys = keys
        self._metrics.keys.set(len(keys))
        self._changed(keys)
        _log.info(
            "API keys changed", keys=sorted(now), added=sorted(now - before), removed=sorted(before - now)
        )

    def _say(self, problem: str) -> None:
        self._metrics.keys_unreadable.set(bool(problem))
        if problem and problem != self._problem:
            _log.error("API keys cannot be read; those known before stay valid", problem=problem)
        self._problem = problem


def _names(keys: Keys) -> set[str]:
    return {caller.name for caller in keys.values()}
