"""A service's connection to a Postgres, which outlives the server's absences."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
import structlog

from hedgerow.streams.context import Context
from hedgerow.streams.waiting import stopped_within

_log = structlog.get_logger(__name__)

T = TypeVar("T")

_FIRST_RETRY_S = 0.5
_LONGEST_RETRY_S = 5.0


class ServerLink:
    """Runs one action at a time, again and again until it succeeds; a condition of the role tells how it is.

    An action may be repeated although its transaction was committed, so it has to be idempotent.

    Args:
        name: of the condition.
        connect: makes a connection that can be worked with.
        lost: what means, from `connect` or an action, that the server is away.
    """

    def __init__(
        self,
        context: Context,
        name: str,
        connect: Callable[[], Awaitable[asyncpg.Connection]],
        lost: tuple[type[Exception], ...],
    ) -> None:
        self._context = context
        self._name = name
        self._connect = connect
        self._lost = lost
        self._connection: asyncpg.Connection | None = None
        context.readiness.set(name, False, "not connected yet", outage=True)

    async def until_done(self, action: Callable[[asyncpg.Connection], Awaitable[T]]) -> T | None:
        """The action's result, or None when the worker was asked to stop while the server was away.

        Raises:
            Exception: whatever the action raises that does not mean that the server is away.
        """
        retry_s = _FIRST_RETRY_S
        while True:
            try:
                result = await action(await self._connected())
            except self._lost as error:
                self._lose(error, retry_s)
            else:
                self._context.readiness.set(self._name, True)
                return result
            if await stopped_within(self._context.stopping, retry_s):
                return None
            retry_s = min(retry_s * 2, _LONGEST_RETRY_S)

    async def close(self) -> None:
        if self._connection is None:
            return
        try:
            await self._connection.close(timeout=_FIRST_RETRY_S)
        except self._lost:
            self._connection.terminate()
        self._connection = None

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None:
            self._connection = await self._connect()
        return self._connection

    def _lose(self, error: Exception, retry_s: float) -> None:
        detail = str(error) or type(error).__name__
        _log.warning(f"{self._name} away", error=detail, next_try_s=retry_s)
        self._context.readiness.set(self._name, False, detail, outage=True)
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
