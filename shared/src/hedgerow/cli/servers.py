"""Where the command line finds the two servers it needs."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from hedgerow.ledger.connection import connect
from hedgerow.ledger.migrate import require_current
from hedgerow.streams.settings import SettingsError

KAFKA = "HEDGEROW_KAFKA"
LEDGER = "HEDGEROW_LEDGER_DSN"
HISTORY = "HEDGEROW_HISTORY_DSN"
STACK_FILE = Path(".run") / "stack.env"


class Servers(msgspec.Struct, frozen=True, kw_only=True):
    """Kafka's bootstrap servers and the DSN of the ledger's Postgres."""

    kafka: str
    ledger_dsn: str


def read_servers(environment: Mapping[str, str] = os.environ, folder: Path = Path()) -> Servers:
    """From the environment; when it names neither server, from the local stack that runs in this folder.

    The two are never taken from different places: they belong to one installation.

    Raises:
        SettingsError: a variable is missing; the message names it.
    """
    source, origin = environment, "the environment"
    if not environment.get(KAFKA) and not environment.get(LEDGER):
        file = folder / STACK_FILE
        if not file.is_file():
            raise SettingsError(
                f"{KAFKA} and {LEDGER} are not set and there is no {STACK_FILE} here; start the local stack with "
                "`make demo` and call from its folder, or set both"
            )
        source, origin = key_values(file.read_text()), str(file)
    missing = [name for name in (KAFKA, LEDGER) if not source.get(name)]
    if missing:
        raise SettingsError(f"{missing[0]} is not set in {origin}; set both {KAFKA} and {LEDGER}")
    return Servers(kafka=source[KAFKA], ledger_dsn=source[LEDGER])


def read_history_dsn(environment: Mapping[str, str] = os.environ, folder: Path = Path()) -> str:
    """DSN of the history's Postgres: as the environment says, else of the local stack that runs in this folder.

    A stack's history is not taken when the environment names other servers: they belong to another installation.

    Raises:
        SettingsError: nothing names one.
    """
    if environment.get(HISTORY):
        return environment[HISTORY]
    file = folder / STACK_FILE
    if not environment.get(KAFKA) and not environment.get(LEDGER) and file.is_file():
        found = key_values(file.read_text()).get(HISTORY)
        if found:
            return found
    raise SettingsError(
        f"{HISTORY} is not set; set it to the history's Postgres, or call from the folder of a running local stack"
    )


@asynccontextmanager
async def open_ledger(servers: Servers) -> AsyncIterator[Any]:
    """A connection to the ledger, on the schema that this version knows.

    Raises:
        LedgerUnreachable: no server answers.
        SchemaMismatch: the ledger is of another version.
    """
    connection = await connect(servers.ledger_dsn, "hedgerow-cli")
    try:
        await require_current(connection)
        yield connection
    finally:
        await connection.close()


def key_values(text: str) -> dict[str, str]:
    """The `NAME=value` lines of a file."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, value in pairs}
