"""`hedgerow history` shows what is there, and what it exports reads back as it was.

I1: an export's rows equal the database's, decimals digit by digit and times to the nanosecond.
"""

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import polars
import pytest
from history_desk import BEGIN_NS, SECOND_NS, quote, risk
from typer.testing import CliRunner

from hedgerow.cli.exits import ExitCode
from hedgerow.cli.main import app
from hedgerow.history.client_copying import write_client_changes
from hedgerow.history.marks import mark_minutes
from hedgerow.history.rollups import refresh_rollups
from hedgerow.history.rows import by_table, quote_rows, risk_rows, touched_minutes
from hedgerow.history.tables import DAY_NS
from hedgerow.schemas.risk_state import Exposure

CHANGES = [
    {
        "position": 1,
        "state": "Accepted",
        "id": "0b8f3f57-7f43-4c6f-9d0e-0f6a3a2f7c11",
        "owner": "alice",
        "client_order_id": None,
        "client_id": "acme",
        "instrument": "BTC/USDT",
        "side": "Buy",
        "quantity": Decimal("0.000000000001"),
        "order_type": "Limit",
        "limit_price": Decimal("61000.5"),
        "created_ns": BEGIN_NS + 1,
        "fill_id": None,
    }
]
Call = Callable[..., tuple[int, str, str]]
DELTAS = (Decimal("0.1"), Decimal("-12345678901.000000000000000001"), Decimal("7"))


@pytest.fixture
def call(history_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setenv("HEDGEROW_HISTORY_DSN", history_dsn)
    asyncio.run(_fill(history_dsn))

    def call(*arguments: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, ["history", *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.stdout, result.stderr

    return call


async def _fill(dsn: str) -> None:
    quotes = [
        row
        for symbol in ("A/USD", "B/USD")
        for number in range(90)
        for row in quote_rows(quote(symbol, number, BEGIN_NS + number * SECOND_NS + 7, 100.0 + number))
    ]
    late = quote_rows(quote("B/USD", 90, BEGIN_NS + DAY_NS, 50.0))
    states = [
        row
        for number, delta in enumerate(DELTAS)
        for row in risk_rows(
            risk(
                "default/s",
                number,
                BEGIN_NS + number,
                (Exposure(underlying="BTC", delta=delta, mark=Decimal(2), notional=delta * 2),),
            )
        )
    ]
    rows = by_table([*quotes, *late, *states])
    connection = await asyncpg.connect(dsn)
    for table, records in rows.items():
        await connection.copy_records_to_table(table.name, records=records, columns=table.columns)
    await write_client_changes(connection, 0, CHANGES)
    await mark_minutes(connection, touched_minutes(rows))
    await refresh_rollups(connection)
    await connection.close()


def fetch(dsn: str, query: str) -> list[tuple[Any, ...]]:
    async def asked() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(dsn)
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    return asyncio.run(asked())


def test_the_newest_come_first_and_decimals_are_text(call: Call) -> None:
    code, out, _ = call("show", "enriched", "--instrument", "A/USD", "--last", "2", "--json")
    assert code == ExitCode.OK
    assert [row["sequence"] for row in json.loads(out)] == [89, 88]
    _, out, _ = call("show", "risk", "--strategy", "s", "--json")
    assert [row["delta"] for row in json.loads(out)] == ["7", "-12345678901.000000000000000001", "0.1"]
    _, out, _ = call("show", "candles", "-i", "A/USD", "--every", "1m", "--json")
    assert [(row["open"], row["close"]) for row in json.loads(out)] == [(160.0, 189.0), (100.0, 159.0)]
    code, out, _ = call("show", "fills")
    assert (code, out.strip()) == (ExitCode.OK, "nothing recorded")
    code, out, _ = call("show", "client-orders", "-i", "BTC/USDT", "--json")
    assert (code, [row["quantity"] for row in json.loads(out)]) == (ExitCode.OK, ["0.000000000001"])
    code, _, err = call("show", "client-fills", "--strategy", "s")
    assert (code, "are not told apart by strategy" in err) == (ExitCode.USAGE, True)
    _, out, _ = call("show", "candles", "--every", "5m")
    assert "A/USD" in out
    assert "Widest spread bps" in out


def test_an_export_reads_back_as_it_was(call: Call, history_dsn: str, tmp_path: Path) -> None:
    """I1."""
    kinds = ("enriched", "enriched"), ("client-orders", "client_orders"), ("risk", "risk_exposures")
    for kind, name in kinds:
        file = tmp_path / f"{kind}.parquet"
        code, out, err = call("export", kind, "--to", str(file))
        assert code == ExitCode.OK, err
        frame = polars.read_parquet(file)
        times = [column for column in frame.columns if column.endswith("_ns")]
        assert all(frame.schema[column] == polars.Datetime("ns", "UTC") for column in times)
        back = frame.with_columns(polars.col(column).cast(polars.Int64) for column in times)
        expected = fetch(history_dsn, f"select {', '.join(frame.columns)} from {name}")
        assert sorted(back.rows()) == sorted(expected)
        assert out == f"{len(expected)} rows of {name} in {file}\n"
    assert polars.read_parquet(file).schema["delta"] == polars.Decimal(38, 18)


def test_a_folder_gets_one_file_a_day(call: Call, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    code, _, err = call("export", "enriched", "-i", "B/USD", "--to", str(folder))
    assert code == ExitCode.OK, err
    files = sorted(folder.iterdir())
    assert [polars.read_parquet(file).height for file in files] == [90, 1]
    assert sorted(tmp_path.iterdir()) == [folder], "nothing is left beside it"


def test_what_cannot_be_exported_is_refused_and_leaves_nothing(
    call: Call, history_dsn: str, tmp_path: Path
) -> None:
    file = tmp_path / "there.parquet"
    file.write_text("mine")
    code, _, err = call("export", "risk", "--to", str(file))
    assert (code, file.read_text()) == (ExitCode.REFUSED, "mine")
    assert "exists" in err
    code, _, err = call("export", "risk", "--to", str(tmp_path / "no" / "x.parquet"))
    assert code == ExitCode.REFUSED
    assert "there is no folder" in err
    insert = (
        "insert into risk_exposures values (1, 's', 'u', 1, 1, true, 'BTC', 1e30 + 1e-20, 1, 1) returning 1"
    )
    fetch(history_dsn, insert)
    code, _, err = call("export", "risk", "--to", str(tmp_path / "wide.parquet"))
    assert code == ExitCode.REFUSED
    assert "delta in risk_exposures needs 31 digits before the point" in err
    assert sorted(tmp_path.iterdir()) == [file]


def test_a_history_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDGEROW_HISTORY_DSN", "postgresql://hedgerow@127.0.0.1:1/history")
    result = CliRunner().invoke(app, ["history", "show", "ticks"])
    assert result.exit_code == ExitCode.UNREACHABLE
    assert "127.0.0.1:1/history cannot be reached" in result.stderr
