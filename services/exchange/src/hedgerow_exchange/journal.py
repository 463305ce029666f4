"""The exchange's truth: an append-only file of outcomes, on disk before anybody is told of them.

`docs/guide/exchange.md` describes the format, so that positions can be recounted without this code.
"""

import asyncio
import fcntl
import os
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec
import structlog

from hedgerow_exchange.faults import FaultRule
from hedgerow_exchange.loans import Loans
from hedgerow_exchange.orders import Execution, Order, Outcome

JOURNAL_NAME = "exchange-journal.jsonl"
FORMAT = "hedgerow-exchange-journal"
VERSION = 1

_log = structlog.get_logger(__name__)
# Appending changes the file's size, which fdatasync writes too; systems without it get the full fsync.
_sync = getattr(os, "fdatasync", os.fsync)


class JournalError(Exception):
    """The journal cannot be used; the message names the file, the line and what to do."""


class Header(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The first line. `id` begins every order id and execution id that this journal holds."""

    format: str = FORMAT
    version: int = VERSION
    id: str
    created_ns: int


class Injected(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One request that met faults on purpose. `order_link_id` is empty when it names no order."""

    method: str
    path: str
    account: str
    order_link_id: str
    faults: tuple[FaultRule, ...]


class Line(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Every further line: one command's outcome, or faults on purpose. `seq` counts from 1 without gaps."""

    seq: int
    time_ns: int
    orders: tuple[Order, ...]
    executions: tuple[Execution, ...]
    loans: Loans | None = None
    injected: Injected | None = None


class Journal:
    """One process's hold on a journal file.

    `append` keeps the order of its calls; `durable` returns once everything appended so far is on disk. All
    that is appended while a write is under way goes to disk together in the next one.
    """

    def __init__(self, path: Path, file: IO[bytes], header: Header) -> None:
        self.path = path
        self.header = header
        self.failed: asyncio.Future[None] | None = None  # set by `start`; ends with the error of a write
        self._file = file
        self._seq = 0
        self._buffer = bytearray()
        self._encode = msgspec.json.Encoder().encode
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._writing: asyncio.Future[None] | None = None
        self._waiting: asyncio.Future[None] | None = None

    @classmethod
    def open(cls, folder: Path, now_ns: int) -> Self:
        """Take hold of the folder's journal, making it when there is none. Blocks.

        Raises:
            JournalError: another process holds it, or it is not a journal of this format.
        """
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / JOURNAL_NAME
        file = open(path, "a+b")  # noqa: SIM115 (held for the life of the journal)
        try:
            _lock(file, path)
            if _cut_torn_line(file, path) == 0:
                _write_header(file, Header(id=uuid.uuid4().hex[:8], created_ns=now_ns))
            return cls(path, file, _read_header(file, path))
        except BaseException:
            file.close()
            raise

    def outcomes(self) -> Iterator[tuple[int, Outcome]]:
        """Every journaled outcome with its line number; to be exhausted before the first `append`. Blocks.

        Raises:
            JournalError: a line is not what it should be.
        """
        decoder = msgspec.json.Decoder(Line)
        self._file.seek(0)
        self._file.readline()
        for number, text in enumerate(self._file, start=2):
            try:
                line = decoder.decode(text)
            except msgspec.DecodeError as error:
                raise corrupt(self.path, number, str(error)) from error
            if line.seq != self._seq + 1:
                raise corrupt(self.path, number, f"seq is {line.seq}, should be {self._seq + 1}")
            self._seq = line.seq
            yield (
                number,
                Outcome(
                    time_ns=line.time_ns, orders=line.orders, executions=line.executions, loans=line.loans
                ),
            )

    def start(self) -> None:
        """Begin to take outcomes, in the running event loop."""
        self.failed = asyncio.get_running_loop().create_future()

    def append(self, outcome: Outcome) -> None:
        """Add one outcome behind all others; wait for `durable` before telling anybody.

        Raises:
            JournalError: an earlier write failed.
        """
        if outcome.orders or outcome.loans is not None:
            self._append(outcome.time_ns, outcome)

    def append_injected(self, time_ns: int, injected: Injected) -> None:
        """Add that a request met faults on purpose.

        Raises:
            JournalError: an earlier write failed.
        """
        self._append(time_ns, Outcome(time_ns=time_ns, orders=()), injected)

    def _append(self, time_ns: int, outcome: Outcome, injected: Injected | None = None) -> None:
        self._refuse_after_failure()
        self._seq += 1
        line = Line(
            seq=self._seq,
            time_ns=time_ns,
            orders=outcome.orders,
            executions=outcome.executions,
            loans=outcome.loans,
            injected=injected,
        )
        self._buffer += self._encode(line)
        self._buffer += b"\n"
        if self._writing is None:
            self._write()
        elif self._waiting is None:
            self._waiting = asyncio.get_running_loop().create_future()

    async def durable(self) -> None:
        """Wait until everything appended so far is on disk.

        Raises:
            JournalError: it could not be written.
        """
        self._refuse_after_failure()
        last = self._waiting or self._writing
        if last is not None:
            await asyncio.shield(last)
        self._refuse_after_failure()

    def _write(self) -> None:
        """Hand what is buffered to the thread. One write is under way at a time, so lines keep their order."""
        loop = asyncio.get_running_loop()
        data, self._buffer = bytes(self._buffer), bytearray()
        self._writing = self._waiting or loop.create_future()
        self._waiting = None
        loop.run_in_executor(self._thread, self._to_disk, data).add_done_callback(self._written)

    def _to_disk(self, data: bytes) -> None:
        self._file.write(data)
        self._file.flush()
        _sync(self._file.fileno())

    def _written(self, write: asyncio.Future[None]) -> None:
        done, self._writing = self._writing, None
        error = None if write.cancelled() else write.exception()
        if error is not None:
            self._fail(error)
        elif self._buffer:
            self._write()
        if done is not None and not done.done():
            done.set_result(None)

    def _fail(self, error: BaseException) -> None:
        if self.failed is not None and not self.failed.done():
            failure = JournalError(f"{self.path} could not be written: {error}; free the disk, then restart")
            failure.__cause__ = error
            self.failed.set_exception(failure)
        if self._waiting is not None:
            self._waiting.set_result(None)

    def _refuse_after_failure(self) -> None:
        if self.failed is not None and self.failed.done():
            self.failed.result()

    def close(self) -> None:
        """Wait for a write under way, then let go of the file. Blocks."""
        self._thread.shutdown()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def corrupt(path: Path, line: int, problem: str) -> JournalError:
    """The error for a journal that must not be used."""
    return JournalError(
        f"{path}, line {line}: {problem}; restore the file from a copy, or move it away to start empty"
    )


def _lock(file: IO[bytes], path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise JournalError(
            f"{path} is held by another process; only one exchange may run on a journal: stop the other one, or "
            "set HEDGEROW_DATA_DIR to another folder"
        ) from None


def _cut_torn_line(file: IO[bytes], path: Path) -> int:
    """Cut off a last line that a crash left unfinished: nobody was told of it. Returns the size left."""
    size = file.seek(0, os.SEEK_END)
    end = _end_of_last_line(file, size)
    if end < size:
        _log.warning("journal: torn last line cut off", path=str(path), bytes=size - end, kept_bytes=end)
        file.truncate(end)
        os.fsync(file.fileno())
    return end


def _end_of_last_line(file: IO[bytes], size: int) -> int:
    block = 64 * 1024
    end = size
    while end > 0:
        start = max(0, end - block)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _write_header(file: IO[bytes], header: Header) -> None:
    file.write(msgspec.json.encode(header) + b"\n")
    file.flush()
    os.fsync(file.fileno())
    # The new file's name is in its folder, which has to be on disk as well.
    folder = os.open(Path(file.name).parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read_header(file: IO[bytes], path: Path) -> Header:
    file.seek(0)
    try:
        header = msgspec.json.decode(file.readline(), type=Header)
    except msgspec.DecodeError as error:
        raise corrupt(path, 1, f"not a journal's first line: {error}") from error
    if header.format != FORMAT or header.version != VERSION:
        raise corrupt(
            path, 1, f"format {header.format} {header.version}, but this exchange reads {FORMAT} {VERSION}"
        )
    return header
