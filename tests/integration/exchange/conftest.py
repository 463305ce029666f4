"""A running exchange and the released ccxt client on it.

exchange        a running exchange on the bundled recording, its replay almost standing still; for one module
fresh_exchange  the same for one test, not started
client          ccxt's Bybit client on `exchange`, as account `hedge-01`; only its addresses are set
connect         connect(exchange, …) for more of them
"""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import ccxt.async_support as ccxt
import pytest
from exchange_client import ACCOUNTS, Connect, new_client
from exchange_process import ExchangeProcess, write_keys

from hedgerow_local.ports import free_port


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeProcess]:
    folder = tmp_path_factory.mktemp("exchange")
    write_keys(folder, ACCOUNTS)
    (folder / "keys" / "hedge-02" / "mayInjectFaults").touch()
    running = ExchangeProcess(folder, free_port()).start()
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def fresh_exchange(tmp_path: Path) -> Iterator[ExchangeProcess]:
    write_keys(tmp_path, ACCOUNTS)
    stopped = ExchangeProcess(tmp_path, free_port())
    try:
        yield stopped
    finally:
        stopped.kill()


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    clients: list[ccxt.bybit] = []

    def connect(exchange: ExchangeProcess, account: str = "hedge-01", **settings: Any) -> ccxt.bybit:
        clients.append(new_client(exchange, account, settings))
        return clients[-1]

    yield connect
    for client in clients:
        await client.close()


@pytest.fixture
def client(connect: Connect, exchange: ExchangeProcess) -> ccxt.bybit:
    return connect(exchange)


@pytest.fixture(scope="session")
def new_name() -> Callable[[], str]:
    """Client order ids that no other test uses."""
    numbers = itertools.count(1)
    return lambda: f"test-{next(numbers)}"
