from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from trading_desk import TradingDesk

from hedgerow.ledger.connection import create_pool


@pytest.fixture
async def desk(tmp_path: Path, ledger_dsn: str) -> AsyncIterator[TradingDesk]:
    """An exchange, a venue account on it and two strategies; its executor is not started."""
    async with await create_pool(ledger_dsn, "executor-tests", 8) as pool:
        desk = TradingDesk(tmp_path, ledger_dsn, pool)
        try:
            yield await desk.open()
        finally:
            await desk.close()
