"""`hedgerow apply --watch`: keep applying a folder, for as long as the process lives.

Levels, not edges: whatever woke it, each pass reads the whole folder and applies what is not live yet, so a missed
notice heals with the next. A file that disappears takes nothing away: deleting is said with `hedgerow delete`.
"""

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import Any
from uuid import UUID

from watchfiles import awatch

from hedgerow.cli.apply import apply_declared
from hedgerow.cli.exits import ExitCode, UsageError, complain
from hedgerow.cli.resource_files import Declared, FilesRead, read_resources
from hedgerow.cli.servers import Servers, open_ledger
from hedgerow.ledger.connection import LEDGER_LOST, ledger_id
from hedgerow.ledger.migrate import SchemaMismatch
from hedgerow.streams.publisher import publish_again
from hedgerow.streams.sender import KafkaUnreachable, Sender

DEBOUNCE_MS = 100
FIRST_PASS_AGAIN_S = 1.0  # the notices may begin only after the first pass
QUIET_S = 30.0
BACKOFF_S = (1.0, 2.0, 4.0, 8.0)

_TRY_AGAIN: tuple[type[Exception], ...] = (
    KafkaUnreachable,
    SchemaMismatch,
    *LEDGER_LOST,
)


class FolderWatch:
    """What of a folder is live, and what was said about the rest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._live: dict[str, str] = {}
        self._files: dict[str, str] = {}
        self._said: set[str] = set()

    async def run_pass(self, servers: Servers) -> None:
        """Bring what the folder declares into the ledger and the topic; say what changed and what is wrong.

        Raises:
            LedgerUnreachable, KafkaUnreachable: the pass is to be run again.
        """
        read = self._read()
        refused: list[str] = []
        due = [item for item in read.declared if self._live.get(item.name) != _content(item)]
        if due:
            async with open_ledger(servers) as connection:
                refused = await self._apply(connection, Sender(servers.kafka), due)
        # Which resource an unreadable one was meant to be cannot be known.
        unread = [f"{text} (what was live of it stays live)" for text in read.all_problems]
        self._say_new([*unread, *refused])
        self._say_gone(read)

    def forget(self) -> None:
        """Apply everything in the next pass, as if it had changed."""
        self._live = dict.fromkeys(self._live, "")

    def _read(self) -> FilesRead:
        try:
            return read_resources(self._folder)
        except OSError as error:
            return FilesRead(declared=(), problems={str(self._folder): (str(error),)})

    async def _apply(self, connection: Any, sender: Sender, due: list[Declared]) -> list[str]:
        refused: list[str] = []
        for outcome in await apply_declared(connection, sender, due):
            item = outcome.declared
            if outcome.problems:
                stays = (
                    f"{item.name} stays as it was" if item.name in self._live else f"{item.name} is not live"
                )
                refused += [f"{text} ({stays})" for text in outcome.problems]
                continue
            self._live[item.name] = _content(item)
            self._files[item.name] = item.place.file
            print(outcome.words, flush=True)
        return refused

    def _say_new(self, problems: list[str]) -> None:
        for text in problems:
            if text not in self._said:
                complain(f"refused: {text}")
        self._said = set(problems)

    def _say_gone(self, read: FilesRead) -> None:
        declared = {item.name for item in read.declared}
        for name, file in list(self._files.items()):
            # A file that cannot be read, or that holds a bad resource, may still mean to declare this one.
            if name in declared or file in read.problems or str(self._folder) in read.problems:
                continue
            print(
                f"{name} is no longer declared in {file}; it stays live until `hedgerow delete {name}`",
                flush=True,
            )
            del self._files[name], self._live[name]


def _content(item: Declared) -> str:
    return item.resource.model_dump_json()


async def watch_folder(servers: Servers, folder: Path) -> ExitCode:
    """Apply the folder now and after every change, until SIGTERM or SIGINT.

    Raises:
        UsageError: there is no such folder.
    """
    _require_folder(folder)
    stopping, changed = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    notices = asyncio.create_task(_notice(folder, changed, stopping))
    # Without notices a change would wait for the next quiet pass: end, and be started again.
    notices.add_done_callback(lambda _: stopping.set())
    try:
        await _keep_applying(servers, FolderWatch(folder), changed, stopping)
    finally:
        stopping.set()
        await notices
    return ExitCode.OK


def _require_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; `--watch` takes the folder that holds the resources")


async def _notice(folder: Path, changed: asyncio.Event, stopping: asyncio.Event) -> None:
    async for _ in awatch(
        folder, watch_filter=None, debounce=DEBOUNCE_MS, stop_event=stopping, recursive=False
    ):
        changed.set()


async def _keep_applying(
    servers: Servers, watch: FolderWatch, changed: asyncio.Event, stopping: asyncio.Event
) -> None:
    failures = 0
    known: UUID | None = None
    pause_s = FIRST_PASS_AGAIN_S
    while not stopping.is_set():
        changed.clear()
        try:
            # A ledger that was restored or promoted has another name, and may have lost what was applied.
            if await _ledger_name(servers) != known:
                await _publish_again(servers)
                watch.forget()
                known = await _ledger_name(servers)
            await watch.run_pass(servers)
            failures = 0
        except _TRY_AGAIN as error:
            complain(f"{error or type(error).__name__}; trying again")
            pause_s = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
            failures += 1
        await _either(changed, stopping, pause_s)
        pause_s = QUIET_S


async def _ledger_name(servers: Servers) -> UUID:
    async with open_ledger(servers) as connection:
        return await ledger_id(connection)


async def _publish_again(servers: Servers) -> None:
    async with open_ledger(servers) as connection:
        current = await publish_again(connection, Sender(servers.kafka))
    print(f"{len(current)} current strategies published again", flush=True)


async def _either(changed: asyncio.Event, stopping: asyncio.Event, timeout_s: float) -> None:
    waits = [asyncio.create_task(event.wait()) for event in (changed, stopping)]
    await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*waits, return_exceptions=True)
