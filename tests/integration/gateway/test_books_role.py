"""The republisher of books against a real ledger, with a producer that only remembers."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import asyncpg
import msgspec
import prometheus_client

from hedgerow.schemas.codec import Decoder
from hedgerow.schemas.records import ClientBook
from hedgerow.streams.context import Context
from hedgerow.streams.settings import Settings
from hedgerow_gateway import books_role

RECORDINGS = Path(__file__).parents[3] / "recordings"
PATIENCE_S = 30.0
Run = Callable[[Context], Awaitable[None]]


class RememberingProducer:
    def __init__(self) -> None:
        self.sent: list[tuple[str, str, ClientBook, Mapping[str, bytes]]] = []

    def send(self, topic: str, key: str, value: bytes | None, headers: Mapping[str, bytes]) -> None:
        self.sent.append((topic, key, Decoder[ClientBook](ClientBook).decode(value), headers))

    def flush(self, timeout_s: float) -> None:
        """Nothing is kept back."""

    @property
    def books(self) -> list[ClientBook]:
        return [book for _, _, book, _ in self.sent]


class RememberingReadiness:
    def __init__(self) -> None:
        self.history: list[tuple[str, bool, str]] = []

    def set(self, name: str, ok: bool, detail: str = "", outage: bool = False) -> None:
        self.history.append((name, ok, detail))


def make_settings(ledger_dsn: str, session_start_ns: int) -> Settings:
    here = Path()
    return Settings(
        kafka="",
        ledger_dsn=ledger_dsn,
        partitions=4,
        exchange_url="",
        keys_dir=here,
        recordings=RECORDINGS,
        session_start_ns=session_start_ns,
        replay_speed=1.0,
        data_dir=here,
        http_host="127.0.0.1",
        http_port=0,
        max_jump_bps=200.0,
    )


@asynccontextmanager
async def running(run: Run, settings: Settings) -> AsyncIterator[Context]:
    context = Context(
        role="test",
        worker="test",
        settings=settings,
        producer=RememberingProducer(),
        readiness=RememberingReadiness(),
        metrics=prometheus_client.CollectorRegistry(),
        stopping=asyncio.Event(),
    )
    task = asyncio.ensure_future(run(context))
    try:
        yield context
    finally:
        context.stopping.set()
        await asyncio.wait_for(task, PATIENCE_S)


async def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.02)


async def test_a_ledger_that_is_not_there_is_named_and_waiting_ends_when_asked(
    free_port: Callable[[], int],
) -> None:
    address = f"127.0.0.1:{free_port()}"
    settings = make_settings(f"postgresql://hedgerow@{address}/ledger", time.time_ns())
    async with running(books_role.run, settings) as context:
        readiness = context.readiness
        assert isinstance(readiness, RememberingReadiness)
        await until(lambda: len(readiness.history) >= 2)
        name, ok, detail = readiness.history[-1]
        assert (name, ok) == ("ledger", False)
        assert address in detail


async def test_every_book_is_republished_with_a_fresh_time(ledger_dsn: str) -> None:
    connection = await asyncpg.connect(ledger_dsn)
    for name in ("clients", "loans"):
        await connection.execute("insert into books (name, sequence, as_of_ns) values ($1, 3, 5)", name)
    await connection.execute("insert into book_positions values ('loans', 'BTC/USDT', 1.5)")
    await connection.close()
    async with running(books_role.run, make_settings(ledger_dsn, time.time_ns())) as context:
        producer = context.producer
        assert isinstance(producer, RememberingProducer)
        await until(lambda: len(producer.sent) >= 4)
    assert [key for _, key, _, _ in producer.sent[:4]] == ["clients", "loans", "clients", "loans"]
    once, again = producer.books[1], producer.books[3]
    assert once.positions == {"BTC/USDT": Decimal("1.5")}
    assert again.published_ns > once.published_ns
    assert msgspec.structs.replace(again, published_ns=once.published_ns) == once
