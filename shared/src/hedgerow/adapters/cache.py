"""Reads the cache: the newest state of each name, and what is newer as it comes. A cache never decides anything."""

import asyncio
from collections.abc import AsyncIterator, Collection
from typing import Any, Generic, TypeVar

import msgspec
import structlog
from redis.exceptions import RedisError

from hedgerow.adapters.cache_keys import ALL_STRATEGIES, ORDER_BYTES, STRATEGIES, TTL_S, Kind
from hedgerow.adapters.redis_masters import CacheAway, Master, Masters
from hedgerow.schemas.codec import UndecodableRecord

_log = structlog.get_logger(__name__)

T = TypeVar("T", bound=msgspec.Struct)

_RETRY_S = 0.5
_CONFIRMED_S = 2.0


class Cached(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """States by name. What the cache lacks is left out; `problem` says why it may lack some, empty when all of it
    answered."""

    states: dict[str, T]
    problem: str


class Cache:
    """Questions to the cache. An answer comes within about half a second, whatever is away."""

    def __init__(self, masters: Masters) -> None:
        self._masters = masters

    async def newest(self, kind: Kind[T], names: Collection[str]) -> Cached[T]:
        """The newest state of each of these names that the cache has."""
        name_of = {kind.key(name): name for name in names}
        values, problems = await self._masters.get(name_of)
        states = {}
        for key, value in values.items():
            try:
                states[name_of[key]] = kind.decode(value)
            except UndecodableRecord as error:
                problems.append(f"{key}: {error}")
        return Cached(states=states, problem="; ".join(problems))

    async def strategies(self) -> tuple[str, ...] | None:
        """The live strategies; None when the cache does not know."""
        names = (await self.newest(STRATEGIES, [ALL_STRATEGIES])).states.get(ALL_STRATEGIES)
        return None if names is None else names.names

    async def follow(self, kind: Kind[T], names: Collection[str]) -> AsyncIterator[tuple[str, T]]:
        """The newest state of each name, then every newer one as it is told, until closed; absences of masters are
        waited out. A reader that is slower than the changes gets the newest of each name, never an older one.
        """
        newest = _Newest()
        work = asyncio.create_task(self._serve([kind.key(name) for name in names], newest))
        name_of = {kind.key(name): name for name in names}
        try:
            while True:
                for key, value in await newest.take(work):
                    try:
                        state = kind.decode(value)
                    except UndecodableRecord as error:
                        _log.warning("cached state cannot be read", key=key, cause=str(error))
                    else:
                        yield name_of[key], state
        finally:
            work.cancel()
            await asyncio.wait([work])

    async def _serve(self, keys: list[str], newest: "_Newest") -> None:
        """Keep these keys subscribed, wherever their masters are."""
        while True:
            groups: dict[Master, list[str]] = {}
            try:
                groups = await self._masters.group(keys)
            except CacheAway as error:
                _log.info("cache away", error=str(error))
            if len(groups) > 1:
                await asyncio.gather(*(self._serve(group, newest) for group in groups.values()))
            for master in groups:
                await self._listen(master, keys, newest)
            await asyncio.sleep(_RETRY_S)

    async def _listen(self, master: Master, keys: list[str], newest: "_Newest") -> None:
        """Subscribe, and only then read what is there: what comes between is heard. Returns when the master is lost."""
        pubsub = master.client.pubsub()
        try:
            for key in keys:
                # One at a time: a command may only name channels of one slot.
                await pubsub.ssubscribe(key)
            async with asyncio.timeout(_CONFIRMED_S):
                await _confirmed(pubsub, len(keys))
            while True:
                found, problem = await self._masters.get_at(master, keys)
                for key, value in found.items():
                    newest.offer(key, value)
                if problem:
                    return
                await _hear(pubsub, newest)
        except (RedisError, OSError, TimeoutError) as error:
            self._masters.failed(master, error)
            _log.info("subscription lost", master=master.name, error=str(error) or type(error).__name__)
        finally:
            await pubsub.aclose()


class _Newest:
    """What was heard and not yet taken: the newest of each key, never one that was taken before."""

    def __init__(self) -> None:
        self._orders: dict[str, bytes] = {}
        self._waiting: dict[str, bytes] = {}
        self._some = asyncio.Event()

    def offer(self, key: str, value: bytes) -> None:
        order = value[:ORDER_BYTES]
        if order > self._orders.get(key, b""):
            self._orders[key] = order
            self._waiting[key] = value
            self._some.set()

    async def take(self, work: "asyncio.Task[None]") -> list[tuple[str, bytes]]:
        """Wait for something; a failure of `work` is raised."""
        waiting = asyncio.create_task(self._some.wait())
        try:
            await asyncio.wait([waiting, work], return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if work.done():
            work.result()
        self._some.clear()
        taken, self._waiting = self._waiting, {}
        return list(taken.items())


async def _confirmed(pubsub: Any, count: int) -> None:
    while count:
        message = await pubsub.get_message(timeout=_CONFIRMED_S)
        count -= message is not None and message["type"] == "ssubscribe"


async def _hear(pubsub: Any, newest: _Newest) -> None:
    """Return after a silence in which every source should have spoken, so that what is there is read again.

    Raises:
        ConnectionError: the master, or its share of these channels, is gone.
    """
    while True:
        message = await pubsub.get_message(timeout=TTL_S)
        if message is None:
            return
        if message["type"] == "smessage":
            newest.offer(message["channel"].decode(), message["data"])
        elif message["type"] == "sunsubscribe":
            raise ConnectionError(f"{message['channel']!r} has moved to another master")
