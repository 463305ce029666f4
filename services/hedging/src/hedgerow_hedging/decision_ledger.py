"""What the deciding loop asks of the ledger: to read a strategy, and to commit what was decided on that reading.

The loop knows the ledger through this class only, so that the deterministic simulator can run it on a ledger of its
own.
"""

import asyncpg

from hedgerow.hedging.decision import Hedge
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.ledger.connection import create_pool
from hedgerow.ledger.decisions import Committed, Trace, commit_decision
from hedgerow.ledger.migrate import require_current
from hedgerow.ledger.quarantine import quarantine_unreadable
from hedgerow.ledger.snapshot import read_snapshot
from hedgerow.ledger.stored_config import UnreadableConfig
from hedgerow.schemas.risk_state import RiskState

POOL_SIZE = 2


class DecisionLedger:
    """The ledger's Postgres. What it raises when the server is lost is in `LEDGER_LOST`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def read(self, uid: str, now_ns: int) -> LedgerSnapshot | None:
        """None when there is no such strategy, or none that can be read: that one is quarantined and halted."""
        async with self._pool.acquire() as connection:
            try:
                return await read_snapshot(connection, uid, now_ns)
            except UnreadableConfig:
                await quarantine_unreadable(connection, uid, now_ns)
                return None

    async def commit(
        self, risk: RiskState, ledger: LedgerSnapshot, hedge: Hedge, trace: Trace
    ) -> Committed | None:
        async with self._pool.acquire() as connection:
            return await commit_decision(connection, risk, ledger, hedge, trace)

    async def close(self) -> None:
        await self._pool.close()

    def terminate(self) -> None:
        """Let go of a server that is lost."""
        self._pool.terminate()


async def open_decision_ledger(dsn: str) -> DecisionLedger:
    """
    Raises:
        LedgerUnreachable: no server answers.
        SchemaMismatch: it is of another version.
    """
    pool = await create_pool(dsn, "hedgerow-hedging", POOL_SIZE)
    async with pool.acquire() as connection:
        await require_current(connection)
    return DecisionLedger(pool)
