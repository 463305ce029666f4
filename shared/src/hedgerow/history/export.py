"""History as Parquet: exact decimals, times in ns, and never half a file."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import polars

from hedgerow.history.reading import Selection, count_rows, read_in_order
from hedgerow.history.tables import DAY_NS

MOST_DIGITS = 38  # that a decimal in Parquet can have
_TYPES: dict[str, Any] = {
    "bigint": polars.Int64,
    "integer": polars.Int32,
    "double precision": polars.Float64,
    "boolean": polars.Boolean,
    "text": polars.String,
    "json": polars.String,
    "jsonb": polars.String,
}


class CannotExport(ValueError):
    """The target cannot be written, or holds a number that Parquet cannot; nothing was written."""


async def export(
    connection: Any,
    selection: Selection,
    to: Path,
    begin: Callable[[int], None],
    advance: Callable[[int], None],
) -> int:
    """Write the selected rows by time: into one file when `to` ends with `.parquet`, else one a UTC day into a folder.

    The target is written aside and renamed. Times become `Datetime('ns', 'UTC')`, decimals `Decimal` with as many
    digits after the point as the selection needs.

    Args:
        begin: told how many rows there are; advance: told of rows written.

    Returns:
        How many rows were written.

    Raises:
        CannotExport: the target exists, its folder does not, or a number needs more than 38 digits.
    """
    _require_free(to)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        begin(await count_rows(connection, selection))
        schema = await _schema(connection, selection)
        with tempfile.TemporaryDirectory(prefix=f".{to.name}.", dir=to.parent) as room:
            aside = Path(room) / to.name
            if to.suffix == ".parquet":
                written = await _write_file(connection, selection, schema, aside, advance)
            else:
                written = await _write_days(connection, selection, schema, aside, advance)
            _require_free(to)
            aside.rename(to)
    return written


async def _write_days(
    connection: Any,
    selection: Selection,
    schema: dict[str, Any],
    folder: Path,
    advance: Callable[[int], None],
) -> int:
    folder.mkdir()  # noqa: ASYNC240 (a command that does one thing at a time)
    written = 0
    for start in await _days(connection, selection):
        day = msgspec.structs.replace(
            selection,
            since_ns=max(start, selection.since_ns or start),
            until_ns=min(start + DAY_NS, selection.until_ns or start + DAY_NS),
        )
        name = polars.select(polars.lit(start).cast(polars.Datetime("ns"))).item().strftime("%Y-%m-%d")
        written += await _write_file(connection, day, schema, folder / f"{name}.parquet", advance)
    return written


async def _days(connection: Any, selection: Selection) -> list[int]:
    condition, arguments = selection.where()
    rows = await connection.fetch(
        f"select distinct time_ns - time_ns % {DAY_NS} as day from {selection.table.name} where {condition} "
        "order by day",
        *arguments,
    )
    return [row["day"] for row in rows]


async def _write_file(
    connection: Any, selection: Selection, schema: dict[str, Any], file: Path, advance: Callable[[int], None]
) -> int:
    """Bite by bite into parts, which are then put together without holding them all."""
    parts = file.with_name(f"{file.name}.parts")
    parts.mkdir()
    polars.DataFrame(schema=schema).write_parquet(parts / "00000000.parquet")
    written = number = 0
    async for rows in read_in_order(connection, selection):
        number += 1
        frame = polars.DataFrame(
            {
                name: polars.Series(name, [row[name] for row in rows], dtype=_loaded_as(kind)).cast(kind)
                for name, kind in schema.items()
            }
        )
        frame.write_parquet(parts / f"{number:08}.parquet")
        written += len(rows)
        advance(len(rows))
    polars.scan_parquet(sorted(parts.iterdir())).sink_parquet(file)
    shutil.rmtree(parts)
    return written


def _loaded_as(kind: Any) -> Any:
    """Times come as whole ns."""
    return polars.Int64 if isinstance(kind, polars.Datetime) else kind


async def _schema(connection: Any, selection: Selection) -> dict[str, Any]:
    rows = await connection.fetch(
        "select column_name, data_type from information_schema.columns "
        "where table_schema = current_schema() and table_name = $1",
        selection.table.name,
    )
    types = {row["column_name"]: row["data_type"] for row in rows}
    scales = await _scales(connection, selection)
    return {
        name: polars.Datetime("ns", "UTC")
        if name.endswith("_ns")
        else polars.Decimal(MOST_DIGITS, scales[name])
        if name in scales
        else _TYPES[types[name]]
        for name in selection.table.columns
    }


async def _scales(connection: Any, selection: Selection) -> dict[str, int]:
    """By decimal column, digits after the point.

    Raises:
        CannotExport: with those before the point they are too many.
    """
    condition, arguments = selection.where()
    found = {}
    for name in selection.table.decimals:
        row = await connection.fetchrow(
            f"select coalesce(max(scale({name})), 0) as after, "
            f"coalesce(max(length(trunc(abs({name}))::text)), 1) as before "
            f"from {selection.table.name} where {condition}",
            *arguments,
        )
        if row["before"] + row["after"] > MOST_DIGITS:
            raise CannotExport(
                f"{name} in {selection.table.name} needs {row['before']} digits before the point and {row['after']} "
                f"after it; a Parquet decimal has {MOST_DIGITS}. Narrow the selection with --since and --until"
            )
        found[name] = row["after"]
    return found


def _require_free(to: Path) -> None:
    if to.exists():
        raise CannotExport(f"{to} exists; name another target, or delete it first")
    if not to.parent.is_dir():
        raise CannotExport(f"there is no folder {to.parent}; make it first")
