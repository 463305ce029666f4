"""`hedgerow history`: what was recorded, to look at or as Parquet."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from hedgerow.cli.exits import ExitCode, Refused, UsageError
from hedgerow.cli.moments import parse_moment, show_moment
from hedgerow.cli.names import key_of
from hedgerow.cli.tables import console, progress, table
from hedgerow.domain.money import plain
from hedgerow.history.connection import HistoryUnreachable, connect
from hedgerow.history.export import CannotExport
from hedgerow.history.export import export as write_parquet
from hedgerow.history.reading import Selection, read_newest
from hedgerow.history.tables import (
    CANDLES_1M,
    CANDLES_5M,
    CLIENT_FILLS,
    CLIENT_ORDERS,
    DECISIONS,
    ENRICHED,
    FILLS,
    ORDERS,
    RISK_1M,
    RISK_EXPOSURES,
    RISK_STATES,
    TICKS,
    Table,
)
from hedgerow.ledger.connection import address_of

# What can be asked for: the table by --every, where "" is every single row.
KINDS: dict[str, dict[str, Table]] = {
    "ticks": {"": TICKS},
    "enriched": {"": ENRICHED},
    "candles": {"": CANDLES_1M, "1m": CANDLES_1M, "5m": CANDLES_5M},
    "risk": {"": RISK_EXPOSURES, "1m": RISK_1M},
    "states": {"": RISK_STATES},
    "orders": {"": ORDERS},
    "fills": {"": FILLS},
    "decisions": {"": DECISIONS},
    "client-orders": {"": CLIENT_ORDERS},
    "client-fills": {"": CLIENT_FILLS},
}
# Of a table's columns, those that say little to a person; --json and Parquet have all.
_UNSHOWN = {
    "underlying",
    "source_time_ns",
    "depth_bps",
    "reach_bps",
    "uid",
    "revision",
    "problems",
    "marks",
    "recorded_ns",
    "result",
    "traceparent",
    "venue",
    "account",
    "time_in_force",
}
# A connection that breaks; other errors of the system are those of the target of an export.
_LOST = (
    ConnectionError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.exceptions.OperatorInterventionError,
)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """As it was written on the command line; empty text where nothing was."""

    kind: str
    every: str = ""
    instrument: str = ""
    strategy: str = ""
    since: str = ""
    until: str = ""

    def selection(self, now_ns: int) -> Selection:
        """What it asks for.

        Raises:
            UsageError: there is no such thing to ask.
        """
        tables = KINDS.get(self.kind)
        if tables is None:
            raise UsageError(f"{self.kind!r} is not in history; there are {', '.join(KINDS)}")
        if self.every not in tables:
            spans = [span for span in tables if span]
            raise UsageError(
                f"{self.kind} are kept --every {' or '.join(spans)}, not {self.every}"
                if spans
                else f"{self.kind} have no --every; candles and risk do"
            )
        chosen = tables[self.every]
        for name, value in (("instrument", self.instrument), ("strategy", self.strategy)):
            if value and name not in chosen.columns:
                raise UsageError(f"{self.kind} are not told apart by {name}; leave --{name} out")
        since_ns = parse_moment(self.since, now_ns) if self.since else None
        until_ns = parse_moment(self.until, now_ns) if self.until else None
        if since_ns is not None and until_ns is not None and until_ns <= since_ns:
            raise UsageError(f"--until {self.until} is not after --since {self.since}")
        return Selection(
            table=chosen,
            instrument=self.instrument or None,
            strategy=self.strategy or None,
            since_ns=since_ns,
            until_ns=until_ns,
        )


async def show(dsn: str, question: Question, last: int, as_json: bool) -> ExitCode:
    """Show the newest rows that are asked for, newest first."""
    selection = question.selection(time.time_ns())
    async with _opened(dsn) as connection:
        rows = await read_newest(connection, selection, last)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode([_as_json(row) for row in rows])).decode())
    elif not rows:
        print("nothing recorded")
    else:
        shown = [name for name in selection.table.columns if name not in _UNSHOWN]
        console().print(
            table(
                [_title(name) for name in shown], ([_cell(name, row[name]) for name in shown] for row in rows)
            )
        )
    return ExitCode.OK


async def export(dsn: str, question: Question, to: Path) -> ExitCode:
    """Write the rows that are asked for as Parquet.

    Raises:
        Refused: the target cannot be written.
    """
    selection = question.selection(time.time_ns())
    async with _opened(dsn) as connection:
        with progress() as bars:
            task = bars.add_task(selection.table.name, total=None)
            try:
                rows = await write_parquet(
                    connection,
                    selection,
                    to,
                    lambda total: bars.update(task, total=total),
                    lambda done: bars.advance(task, done),
                )
            except (ConnectionError, TimeoutError):
                raise
            except CannotExport as error:
                raise Refused(str(error)) from error
            except OSError as error:
                raise Refused(f"{to} cannot be written: {error}") from error
    print(f"{rows} rows of {selection.table.name} in {to}")
    return ExitCode.OK


def key(strategy: str, namespace: str) -> str:
    return key_of(strategy, namespace) if strategy else ""


@asynccontextmanager
async def _opened(dsn: str) -> AsyncIterator[Any]:
    connection = await connect(dsn, "hedgerow-cli")
    try:
        yield connection
    except _LOST as error:
        raise HistoryUnreachable(
            f"the connection to the history's Postgres at {address_of(dsn)} was lost: "
            f"{error or type(error).__name__}; try again"
        ) from error
    finally:
        connection.terminate()


def _as_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """Decimals as text, so that none is rounded on the way."""
    return {name: plain(value) if isinstance(value, Decimal) else value for name, value in row.items()}


def _title(name: str) -> str:
    return name.removesuffix("_ns").replace("_", " ").capitalize()


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if name.endswith("_ns"):
        return show_moment(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return plain(value)
    return f"{value:.8g}" if isinstance(value, float) else str(value)
