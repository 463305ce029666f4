"""How a command ends: the exit codes, and which failure ends with which."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from enum import IntEnum
from typing import Any

import typer


class ExitCode(IntEnum):
    OK = 0
    REFUSED = 1
    DIFFERENT = 1  # as `diff` ends everywhere; what it cannot compare ends with USAGE
    ATTENTION = 1  # `status` found what a person should look at
    USAGE = 2
    UNREACHABLE = 3


class Refused(Exception):
    """What was asked for cannot be done; the message says why and what would be right."""


class UsageError(Exception):
    """The command was called in a way that has no meaning; the message says what to write."""


def complain(text: str) -> None:
    """One line to standard error."""
    print(text, file=sys.stderr, flush=True)


def run(command: Callable[[], Coroutine[Any, Any, ExitCode]]) -> None:
    """Run a command's body and end with its exit code; a failure that has an explanation shows no traceback.

    Raises:
        typer.Exit: always.
    """
    raise typer.Exit(_code_of(command))


def _code_of(command: Callable[[], Coroutine[Any, Any, ExitCode]]) -> ExitCode:
    # Here, not above: the help must not wait for database and broker clients to load.
    from hedgerow.cli.gateway import GatewayUnreachable
    from hedgerow.cli.topics import UnreadableRecord
    from hedgerow.history.connection import HistoryUnreachable
    from hedgerow.ledger.connection import LEDGER_LOST, LedgerUnreachable
    from hedgerow.ledger.migrate import SchemaMismatch
    from hedgerow.ledger.publishers import DeclaredElsewhere
    from hedgerow.streams.sender import KafkaUnreachable
    from hedgerow.streams.settings import SettingsError

    try:
        return asyncio.run(command())
    except (LedgerUnreachable, HistoryUnreachable, KafkaUnreachable, GatewayUnreachable) as error:
        complain(str(error))
        return ExitCode.UNREACHABLE
    except LEDGER_LOST as error:
        complain(
            f"the connection to the ledger's Postgres was lost: {error or type(error).__name__}; try again"
        )
        return ExitCode.UNREACHABLE
    except (SettingsError, UsageError) as error:
        complain(str(error))
        return ExitCode.USAGE
    except (DeclaredElsewhere, Refused, SchemaMismatch, UnreadableRecord) as error:
        complain(str(error))
        return ExitCode.REFUSED
