"""Retention drops what is older than it says, on either kind of server the same, and nothing else.

I1: a row is gone exactly when it is before its table's cutoff.
"""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from history_desk import quote

from hedgerow.history.connection import Edition, edition, hypertables
from hedgerow.history.retention import cutoff_ns, drop_old
from hedgerow.history.rows import by_table, quote_rows
from hedgerow.history.tables import CANDLES_1M, DAY_NS, ENRICHED, TABLES

NOW_NS = 20_500 * DAY_NS + 12_345


@pytest.fixture
async def connection(history_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(history_dsn)
    yield connection
    await connection.close()


async def test_rows_are_gone_exactly_when_they_are_before_the_cutoff(connection: asyncpg.Connection) -> None:
    cutoff = cutoff_ns(ENRICHED, 3, NOW_NS)
    times = [cutoff - 5 * DAY_NS, cutoff - 1, cutoff, cutoff + 1, NOW_NS, NOW_NS + DAY_NS]
    rows = by_table(row for time_ns in times for row in quote_rows(quote("A/USD", 1, time_ns)))
    for table, records in rows.items():
        await connection.copy_records_to_table(table.name, records=records, columns=table.columns)
    candle = cutoff_ns(CANDLES_1M, 90, NOW_NS)
    for time_ns in (candle - 1, candle):
        await connection.execute(
            "insert into candles_1m (time_ns, instrument, quotes, invalid) values ($1, 'A', 0, 1)", time_ns
        )
    await connection.execute("insert into decisions values (1, 's', 'u', 1, 1, 1, 'c', '{}', 't')")
    moved = await drop_old(connection, 3, 90, NOW_NS)
    assert moved["enriched"] == cutoff
    left = await connection.fetch("select time_ns from enriched order by time_ns")
    assert [row["time_ns"] for row in left] == times[2:]
    assert await connection.fetchval("select array_agg(time_ns) from candles_1m") == [candle]
    assert await connection.fetchval("select count(*) from decisions") == 1
    assert await drop_old(connection, 3, 90, NOW_NS) == {}
    assert await drop_old(connection, 10, 90, NOW_NS) == {}, (
        "a longer time brings nothing back and drops nothing"
    )
    assert len(await connection.fetch("select 1 from enriched")) == len(times[2:])


async def test_with_timescaledb_every_table_of_history_is_a_hypertable_of_its_chunks(
    connection: asyncpg.Connection,
) -> None:
    chunked = await hypertables(connection)
    if await edition(connection) is Edition.POSTGRES:
        assert chunked == frozenset()
        return
    assert chunked == set(TABLES)
    for row in await connection.fetch(
        "select hypertable_name, integer_interval from timescaledb_information.dimensions"
    ):
        assert row["integer_interval"] == TABLES[row["hypertable_name"]].chunk_ns


async def test_the_tables_have_the_columns_that_rows_are_written_in(connection: asyncpg.Connection) -> None:
    for table in TABLES.values():
        rows = await connection.fetch(
            "select column_name, data_type from information_schema.columns where table_name = $1", table.name
        )
        assert {row["column_name"] for row in rows} == set(table.columns)
        decimals = {row["column_name"] for row in rows if row["data_type"] == "numeric"}
        assert decimals == set(table.decimals)
