"""`hedgerow top`: every strategy against its band, live."""

import asyncio
import signal
import sys
import time
from typing import Any

import msgspec
from rich.console import Group
from rich.live import Live
from rich.text import Text

from hedgerow.cli.board import HEADERS, BoardRow, board, board_cells
from hedgerow.cli.exits import ExitCode
from hedgerow.cli.newest_states import NewestStates, risk_states
from hedgerow.cli.servers import Servers, open_ledger
from hedgerow.cli.tables import console, table
from hedgerow.ledger.overview import read_overview
from hedgerow.schemas.risk_state import RiskState
from hedgerow.streams.waiting import set_within

REFRESH_S = 1.0


async def top(servers: Servers, once: bool, as_json: bool) -> ExitCode:
    """Show the table, anew each second until Ctrl-C; once when asked, as JSON, or when nobody watches a terminal."""
    async with open_ledger(servers) as connection:
        keys = {item.config.key for item in (await read_overview(connection, time.time_ns())).strategies}
        with risk_states(servers.kafka) as newest:
            await asyncio.to_thread(newest.find, keys)
            if as_json:
                print(msgspec.json.format(msgspec.json.encode(await _read(connection, newest))).decode())
            elif once or not sys.stdout.isatty():
                console().print(_shown(await _read(connection, newest)))
            else:
                await _watch(connection, newest)
    return ExitCode.OK


async def _watch(connection: Any, newest: NewestStates[RiskState]) -> None:
    # Ctrl-C ends it like any other command, with the last table left on the screen.
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    with Live(_shown(await _read(connection, newest)), console=console(), auto_refresh=False) as live:
        while not stopping.is_set():
            await set_within(stopping, REFRESH_S)
            await asyncio.to_thread(newest.update)
            live.update(_shown(await _read(connection, newest)), refresh=True)


async def _read(connection: Any, newest: NewestStates[RiskState]) -> list[BoardRow]:
    return board(await read_overview(connection, time.time_ns()), newest.states())


def _shown(rows: list[BoardRow]) -> Group:
    if not rows:
        return Group(Text("no strategy is live; `hedgerow apply -f FILE` makes one"))
    details = {f"{row.strategy}: {row.state}: {row.detail}": None for row in rows}
    return Group(table(HEADERS, map(board_cells, rows)), Text(""), *map(Text, details))
