from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from integration.exchange.exchange_process import ExchangeProcess
from trading_desk import TradingDesk

from hedgerow.ledger.connection import create_pool
from hedgerow_local import ports
from hedgerow_local.keys import ensure_keys

ACCOUNTS = tuple(f"hedge-{number:02}" for number in range(1, 21))


@pytest.fixture(scope="package")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeProcess]:
    """One for all tests here, each of which trades on an account of its own."""
    folder = tmp_path_factory.mktemp("exchange")
    for account in ACCOUNTS:
        ensure_keys(folder / "keys", account)
    process = ExchangeProcess(folder, ports.free_port())
    try:
        yield process.start()
    finally:
        process.stop()


@pytest.fixture(scope="package")
def free_accounts() -> Iterator[str]:
    return iter(ACCOUNTS)


@pytest.fixture
async def desk(
    tmp_path: Path, ledger_dsn: str, exchange: ExchangeProcess, free_accounts: Iterator[str]
) -> AsyncIterator[TradingDesk]:
    """A venue account on the exchange and two strategies; its executor is not started."""
    async with await create_pool(ledger_dsn, "executor-tests", 8) as pool:
        desk = TradingDesk(tmp_path, ledger_dsn, pool, exchange, next(free_accounts))
        try:
            yield await desk.open()
        finally:
            await desk.close()
