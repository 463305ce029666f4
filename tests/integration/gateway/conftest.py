from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from gateway_process import Gateway, Quotes

BID, ASK = 60_000.0, 60_010.0


@pytest.fixture
def start_gateway(kafka: str, ledger_dsn: str, tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    """Call it for a gateway on this test's ledger, which the test's end ends."""
    with ExitStack() as ends:

        def start(**other: str) -> Gateway:
            gateway = Gateway(
                tmp_path, other.pop("kafka", kafka), other.pop("ledger_dsn", ledger_dsn), **other
            )
            ends.callback(gateway.end)
            return gateway

        yield start


@pytest.fixture
def quotes(kafka: str) -> Iterator[Quotes]:
    found = Quotes(kafka)
    yield found
    found.close()


@pytest.fixture
async def gateway(start_gateway: Callable[..., Gateway], quotes: Quotes) -> Gateway:
    """A gateway that is ready and sees BTC/USDT at 60,000 / 60,010."""
    found = await start_gateway().ready()
    await quotes.show(found, "BTC/USDT", BID, ASK)
    return found


@pytest.fixture(scope="module")
async def shared_gateway(
    kafka: str, module_ledger_dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    """A gateway that a module's tests share; it sees no quotes."""
    found = Gateway(tmp_path_factory.mktemp("gateway"), kafka, module_ledger_dsn)
    try:
        yield await found.ready()
    finally:
        found.end()
