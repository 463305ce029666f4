from collections.abc import AsyncIterator

import asyncpg
import pytest
from ledger_desk import Desk

from hedgerow.ledger.connection import create_pool


@pytest.fixture
async def pool(ledger_dsn: str) -> AsyncIterator[asyncpg.Pool]:
    """Connections to a fresh, migrated ledger."""
    async with await create_pool(ledger_dsn, "ledger-tests", 24) as pool:
        yield pool


@pytest.fixture
async def desk(pool: asyncpg.Pool) -> Desk:
    """A published strategy and its venue."""
    return await Desk(pool).open()
