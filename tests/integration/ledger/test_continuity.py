"""A ledger that was restored or promoted starts halted, and is no part of what it was."""

from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import hedge_examples as example
import pytest
from ledger_desk import Desk

from hedgerow.ledger.books import read_books
from hedgerow.ledger.connection import LedgerUnreachable, connect, create_pool, ledger_id
from hedgerow.ledger.continuity import arrive, arrived_at, require_server
from hedgerow.ledger.halts import standing_halts
from hedgerow.ledger.strategies import publish_strategy
from hedgerow.ledger.venues import publish_venue
from hedgerow.schemas.records import StrategyPublished
from hedgerow.streams.config_tail import Generations
from hedgerow_local.postgres import execute


async def test_a_ledger_that_stays_where_it_is_is_never_halted(desk: Desk) -> None:
    async with desk.pool.acquire() as connection:
        with pytest.raises(LedgerUnreachable):
            await arrived_at(connection)
        for _ in range(3):
            assert not await arrive(connection, desk.now_ns)
            await require_server(connection, await arrived_at(connection))
        assert await standing_halts(connection) == []


async def test_on_another_server_it_halts_every_venue_once_and_names_its_orders_anew(desk: Desk) -> None:
    async with desk.pool.acquire() as connection:
        await arrive(connection, desk.now_ns)
        before = await ledger_id(connection)
        # As after a promotion: the timeline is the next.
        await connection.execute(
            "update ledger_identity set server = regexp_replace(server, '/0*1/', '/00000009/')"
        )
        with pytest.raises(LedgerUnreachable, match="restored or promoted"):
            await arrived_at(connection)
        assert await arrive(connection, desk.now_ns)
        assert not await arrive(connection, desk.now_ns)
        await arrived_at(connection)
        (halt,) = await standing_halts(connection)
        assert (halt.target.kind, halt.target.name, halt.source) == ("Venue", example.VENUE, "ledger")
        assert "restored or promoted (it was on" in halt.reason
        assert await ledger_id(connection) != before
        assert await connection.fetchval("select former_ids from ledger_identity") == [before]
    refused = await desk.value("select count(*) from intents")
    assert refused == 0


async def test_who_arrived_at_the_former_server_gets_no_connection_to_a_ledger_that_others_arrived_at(
    desk: Desk,
) -> None:
    """An executor that slept through a promotion still follows intents whose numbers were given again."""
    async with desk.pool.acquire() as connection:
        await arrive(connection, desk.now_ns)
        with pytest.raises(LedgerUnreachable, match="restored or promoted"):
            await require_server(connection, "where it was before")


async def test_on_another_server_books_that_clients_move_are_newer_than_any_that_was_published(
    desk: Desk,
) -> None:
    async with desk.pool.acquire() as connection:
        await arrive(connection, desk.now_ns)
        await connection.execute(
            "insert into books (name, sequence, as_of_ns, fed) values ('clients', 41, 0, false), ('oms', 7, 0, true)"
        )
        await connection.execute("update ledger_identity set server = 'elsewhere'")
        assert await arrive(connection, desk.now_ns)
        sequences = {book.name: book.sequence for book in await read_books(connection, desk.now_ns)}
    # The other's teller numbers it, and tells it again.
    assert sequences == {"clients": desk.now_ns, "oms": 7}


def _copy(postgres: str, dsn: str) -> str:
    """A database like this one, as a backup that was restored; nobody may be connected to it. Its DSN."""
    name = f"test_{uuid4().hex}"
    execute(postgres, f"CREATE DATABASE {name} TEMPLATE {urlsplit(dsn).path.strip('/')}")
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


def _drop(postgres: str, dsn: str) -> None:
    execute(postgres, f"DROP DATABASE {urlsplit(dsn).path.strip('/')} WITH (FORCE)")


async def test_a_copy_of_its_database_is_another_server(postgres: str, ledger_dsn: str) -> None:
    connection = await asyncpg.connect(ledger_dsn)
    await arrive(connection, 1)
    await connection.close()
    dsn = _copy(postgres, ledger_dsn)
    try:
        with pytest.raises(LedgerUnreachable, match="restored or promoted"):
            await create_pool(dsn, "ledger-tests", 1, on_connect=arrived_at)
        restored = await asyncpg.connect(dsn)
        assert await arrive(restored, 2)
        await restored.close()
        await (await create_pool(dsn, "ledger-tests", 1, on_connect=arrived_at)).close()
    finally:
        _drop(postgres, dsn)


async def _publish(dsn: str, upper: str, now_ns: int) -> StrategyPublished:
    """An edit of the band, by a publisher who is the first to come to this ledger."""
    connection = await connect(dsn, "ledger-tests")
    try:
        await arrive(connection, now_ns)
        config = example.strategy(bands=(example.band("-1", upper),))
        await publish_venue(connection, example.venue(), now_ns)
        return await publish_strategy(connection, config, f"upper-{upper}", now_ns)
    finally:
        await connection.close()


async def test_edits_of_a_restored_ledger_are_news_to_workers_that_know_generations_it_lost(
    postgres: str, ledger_dsn: str
) -> None:
    """It was at generation 1; they know 2 and 3. It is restored twice from the same backup, a while apart."""
    now_ns, workers = example.NOW_NS, Generations()
    key = example.strategy().key
    assert workers.offer(key, await _publish(ledger_dsn, "1", now_ns))
    backup = _copy(postgres, ledger_dsn)
    restored = [_copy(postgres, backup) for _ in range(2)]
    try:
        for lost in ("2", "3"):
            assert workers.offer(key, await _publish(ledger_dsn, lost, now_ns))
        for number, dsn in enumerate(restored, start=1):
            at_ns = now_ns + number * 60_000_000_000
            as_it_was = await _publish(dsn, "1", at_ns)
            assert workers.offer(key, as_it_was)
            edited = await _publish(dsn, "4", at_ns)
            assert workers.offer(key, edited)
            assert edited.generation == as_it_was.generation + 1
            assert await _publish(dsn, "4", at_ns) == edited
    finally:
        for dsn in (*restored, backup):
            _drop(postgres, dsn)
