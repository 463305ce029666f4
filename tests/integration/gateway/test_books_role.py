"""The republisher of books against a real ledger, with a producer that only remembers."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal

import asyncpg
import msgspec
from role_context import RememberingProducer, RememberingReadiness, role_context, settings

from hedgerow.schemas.records import ClientBook
from hedgerow.streams.context import Context
from hedgerow.streams.settings import Settings
from hedgerow_gateway import books_role

PATIENCE_S = 30.0
Run = Callable[[Context], Awaitable[None]]


def make_settings(ledger_dsn: str, session_start_ns: int) -> Settings:
    return settings(ledger_dsn=ledger_dsn, session_start_ns=session_start_ns)


@asynccontextmanager
async def running(run: Run, chosen: Settings) -> AsyncIterator[Context]:
    context = role_context("test", RememberingProducer(ClientBook), chosen)
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
    chosen = make_settings(f"postgresql://hedgerow@{address}/ledger", time.time_ns())
    async with running(books_role.run, chosen) as context:
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
    once, again = producer.sent[1].record, producer.sent[3].record
    assert once.positions == {"BTC/USDT": Decimal("1.5")}
    assert again.published_ns > once.published_ns
    assert msgspec.structs.replace(again, published_ns=once.published_ns) == once
