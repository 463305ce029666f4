"""A service's connection to the ledger, which outlives the ledger's absences."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
import structlog

from hedgerow.ledger.connection import LEDGER_LOST, LedgerUnreachable, connect
from hedgerow.ledger.migrate import SchemaMismatch, require_current
from hedgerow.streams.context import Context
from hedgerow.streams.waiting import stopped_within

_log = structlog.get_logger(__name__)

T = TypeVar("T")

_LOST: tuple[type[Exception], ...] = (LedgerUnreachable, SchemaMismatch, *LEDGER_LOST)
_FIRST_RETRY_S = 0.5
_LONGEST_RETRY_S = 5.0


class LedgerLink:
    """Runs one action at a time, again and again until it succeeds; the role's condition `ledger` tells how it is.

    An action may be repeated although its transaction was committed, so it has to be idempotent.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._connection: asyncpg.Connection | None = None
        context.readiness.set("ledger", False, "not connected yet", outage=True)

    async def until_done(self, action: Callable[[asyncpg.Connection], Awaitable[T]]) -> T | None:
        """The action's result, or None when the worker was asked to stop while the ledger was away.

        Raises:
            Exception: whatever the action raises that does not mean that the ledger is away.
        """
        retry_s = _FIRST_RETRY_S
        while True:
            try:
                result = await action(await self._connected())
            except _LOST as error:
                await self._lose(error, retry_s)
            else:
                return result
            if await stopped_within(self._context.stopping, retry_s):
                return None
            retry_s = min(retry_s * 2, _LONGEST_RETRY_S)

    async def close(self) -> None:
        if self._connection is None:
            return
        try:
            await self._connection.close(timeout=_FIRST_RETRY_S)
        except _LOST:
            self._connection.terminate()
        self._connection = None

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None:
            connection = await connect(self._context.settings.ledger_dsn, f"hedgerow-{self._context.role}")
            self._connection = connection
            await require_current(connection)
            self._context.readiness.set("ledger", True)
        return self._connection

    async def _lose(self, error: Exception, retry_s: float) -> None:
        detail = str(error) or type(error).__name__
        _log.warning("ledger away", error=detail, next_try_s=retry_s)
        self._context.readiness.set("ledger", False, detail, outage=True)
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
