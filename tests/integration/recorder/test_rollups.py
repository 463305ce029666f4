"""Candles and risk per minute are what one gets from the rows themselves, however often and late they came.

I1: candles equal a recomputation with Polars. I2: making them again changes nothing. I3: a late row is in them the next
time. I4: five minutes equal the minutes that they are of. I5: risk per minute equals a recomputation with Polars.
"""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import polars
import pytest
from history_desk import BEGIN_NS, SECOND_NS, quote, risk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from hedgerow.history.marks import mark_minutes
from hedgerow.history.retention import drop_before
from hedgerow.history.rollups import refresh_rollups
from hedgerow.history.rows import by_table, quote_rows, risk_rows, touched_minutes
from hedgerow.history.tables import CANDLES_1M, CANDLES_5M, ENRICHED, MINUTE_NS, RISK_1M, RISK_EXPOSURES
from hedgerow.schemas.records import Quote
from hedgerow.schemas.risk_state import Exposure, RiskState

Rows = dict[Any, list[tuple[Any, ...]]]


@pytest.fixture
async def connection(module_history_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(module_history_dsn)
    yield connection
    await connection.close()


quotes = st.lists(
    st.builds(
        lambda symbol, at, number, mid, valid: quote(symbol, number, BEGIN_NS + at, mid, valid),
        st.sampled_from(["A/USD", "B/USD"]),
        st.integers(0, 12 * 60 * SECOND_NS).map(lambda at: at - at % (SECOND_NS // 4)),
        st.integers(0, 10**6),
        st.floats(1, 1e6),
        st.booleans(),
    ),
    max_size=60,
    unique_by=lambda item: (item.instrument, item.time_ns, item.sequence),
)
decimals = st.decimals(-1000, 1000, places=8)
states = st.lists(
    st.builds(
        lambda at, number, delta, mark: risk(
            "test/r",
            number,
            BEGIN_NS + at,
            (Exposure(underlying="BTC", delta=delta, mark=mark, notional=delta * mark),),
        ),
        st.integers(0, 3 * 60 * SECOND_NS),
        st.integers(0, 10**6),
        decimals,
        st.decimals("0.01", 100_000, places=2),
    ),
    min_size=1,
    max_size=30,
    unique_by=lambda item: (item.time_ns, item.sequence),
)
slowly = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def store(connection: asyncpg.Connection, rows: Rows) -> None:
    for table, records in rows.items():
        await connection.copy_records_to_table(table.name, records=records, columns=table.columns)
    await mark_minutes(connection, touched_minutes(rows))


async def empty(connection: asyncpg.Connection) -> None:
    tables = [table.name for table in (ENRICHED, RISK_EXPOSURES, CANDLES_1M, CANDLES_5M, RISK_1M)]
    await connection.execute(f"truncate {', '.join(tables)}, risk_states, rollup_marks, dropped")


async def stored(connection: asyncpg.Connection, table: Any) -> polars.DataFrame:
    rows = await connection.fetch(f"select * from {table.name} order by {', '.join(table.columns[:2])}")
    return polars.DataFrame([dict(row) for row in rows], infer_schema_length=None)


def recomputed(found: list[Quote], width_ns: int) -> polars.DataFrame:
    rows = polars.DataFrame(
        [row for item in found for _, row in quote_rows(item)], ENRICHED.columns, orient="row"
    )
    valid = polars.col("valid")
    inside = rows.sort("time_ns", "sequence").with_columns(
        time_ns=polars.col("time_ns") // width_ns * width_ns
    )

    def of(name: str) -> polars.Expr:
        return polars.col(name).filter(valid)

    return (
        inside.group_by("time_ns", "instrument")
        .agg(
            of("mid").first().alias("open"),
            of("mid").max().alias("high"),
            of("mid").min().alias("low"),
            of("mid").last().alias("close"),
            of("spread_bps").mean().alias("spread_bps"),
            of("spread_bps").max().alias("widest_spread_bps"),
            of("bid_depth_usd").mean().alias("bid_depth_usd"),
            of("ask_depth_usd").mean().alias("ask_depth_usd"),
            valid.sum().cast(polars.Int64).alias("quotes"),
            (~valid).sum().cast(polars.Int64).alias("invalid"),
        )
        .sort("time_ns", "instrument")
    )


async def require_candles(connection: asyncpg.Connection, found: list[Quote]) -> None:
    for table, width_ns in ((CANDLES_1M, MINUTE_NS), (CANDLES_5M, 5 * MINUTE_NS)):
        expected = recomputed(found, width_ns)
        got = (await stored(connection, table)).cast(dict(expected.schema))
        assert_frame_equal(got, expected, abs_tol=1e-6, rel_tol=1e-9)


@slowly
@given(first=quotes.filter(bool), late=quotes)
async def test_candles_equal_a_recomputation(
    connection: asyncpg.Connection, first: list[Quote], late: list[Quote]
) -> None:
    """I1 to I4."""
    known = {(item.instrument, item.time_ns, item.sequence) for item in first}
    late = [item for item in late if (item.instrument, item.time_ns, item.sequence) not in known]
    await empty(connection)
    await store(connection, by_table(row for item in first for row in quote_rows(item)))
    assert await refresh_rollups(connection) > 0
    await require_candles(connection, first)
    await store(connection, by_table(row for item in late for row in quote_rows(item)))
    await mark_minutes(connection, [(ENRICHED.name, item.time_ns // MINUTE_NS * MINUTE_NS) for item in first])
    await refresh_rollups(connection)
    await require_candles(connection, first + late)
    assert await refresh_rollups(connection) == 0


@slowly
@given(found=states)
async def test_risk_per_minute_equals_a_recomputation(
    connection: asyncpg.Connection, found: list[RiskState]
) -> None:
    """I5."""
    await empty(connection)
    await store(connection, by_table(row for item in found for row in risk_rows(item)))
    await refresh_rollups(connection)
    minutes: dict[int, list[Exposure]] = {}
    for item in sorted(found, key=lambda item: (item.time_ns, item.sequence)):
        minutes.setdefault(item.time_ns // MINUTE_NS * MINUTE_NS, []).append(item.exposures[0])
    rows = await connection.fetch("select * from risk_1m order by time_ns")
    assert [row["time_ns"] for row in rows] == sorted(minutes)
    for row in rows:
        inside = minutes[row["time_ns"]]
        deltas = [item.delta for item in inside]
        assert (row["delta_open"], row["delta_close"]) == (deltas[0], deltas[-1])
        assert (row["delta_low"], row["delta_high"]) == (min(deltas), max(deltas))
        assert row["notional_high"] == max(item.notional for item in inside)
        assert (row["notional_close"], row["states"]) == (inside[-1].notional, len(inside))


async def test_a_row_that_is_committed_while_its_minute_is_made_anew_is_in_it_the_next_time(
    connection: asyncpg.Connection, module_history_dsn: str
) -> None:
    await empty(connection)
    other = await asyncpg.connect(module_history_dsn)
    first, second = (quote("A/USD", number, BEGIN_NS + number, 100.0 + number) for number in (1, 2))
    try:
        await store(connection, by_table(quote_rows(first)))
        transaction = other.transaction()
        await transaction.start()
        await store(other, by_table(quote_rows(second)))
        await refresh_rollups(connection)  # waits for nobody
        assert await connection.fetchval("select close from candles_1m") == 101.0
        await transaction.commit()
        await refresh_rollups(connection)
        assert await connection.fetchval("select close from candles_1m") == 102.0
    finally:
        await other.close()


async def test_a_late_row_does_not_unmake_a_candle_whose_ticks_are_dropped(
    connection: asyncpg.Connection,
) -> None:
    await empty(connection)
    old = BEGIN_NS - BEGIN_NS % ENRICHED.chunk_ns - MINUTE_NS
    await store(connection, by_table(quote_rows(quote("A/USD", 1, old, 100.0))))
    await refresh_rollups(connection)
    before_ns = old + MINUTE_NS
    await connection.execute("insert into dropped values ('enriched', $1)", before_ns)
    await drop_before(connection, ENRICHED, before_ns, await is_chunked(connection))
    await store(connection, by_table(quote_rows(quote("A/USD", 2, old + 1, 200.0))))
    await refresh_rollups(connection)
    candle = await connection.fetchrow("select * from candles_1m")
    assert (candle["open"], candle["close"], candle["quotes"]) == (100.0, 100.0, 1)


async def is_chunked(connection: asyncpg.Connection) -> bool:
    return bool(await connection.fetchval("select 1 from pg_extension where extname = 'timescaledb'"))
