"""Every answer of `POST /hedge` on record: nobody waits for it, and nothing of it is lost while there is a disk."""

import asyncio
import os
from collections import deque
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from hedgerow.ledger.hedge_answers import HedgeAnswered, record_answers
from hedgerow.streams.waiting import set_within
from hedgerow_gateway.ledger_pool import LedgerPool
from hedgerow_gateway.problems import Problem

_log = structlog.get_logger(__name__)

CAPACITY = 1_000
BATCH = 200
RETRY_S = 1.0
_encoder, _decoder = msgspec.json.Encoder(), msgspec.json.Decoder(HedgeAnswered)


class HedgeLog:
    """A queue in front of the ledger; what it cannot hold goes to a file, and from there to the ledger later.

    An answer is written once, however often it is tried: it has an id of its own.

    Args:
        folder: where the file may be.
    """

    def __init__(
        self, ledger: LedgerPool, folder: Path, metrics: CollectorRegistry, capacity: int = CAPACITY
    ) -> None:
        self._ledger = ledger
        self._spill = folder / "hedge-answers.jsonl"
        self._returning = folder / "hedge-answers.returning.jsonl"
        self._capacity = capacity
        self._waiting: deque[HedgeAnswered] = deque()
        self._some = asyncio.Event()
        self._outcomes = Counter(
            "hedgerow_hedge_answers_total",
            "Answers of POST /hedge by what became of their record: Written, Spilled to disk, Dropped",
            ("outcome",),
            registry=metrics,
        )
        for outcome in ("Written", "Spilled", "Dropped"):
            self._outcomes.labels(outcome)
        waiting = Gauge("hedgerow_hedge_answers_waiting", "Answers not yet on record", registry=metrics)
        waiting.set_function(lambda: len(self._waiting))

    def record(self, answered: HedgeAnswered) -> None:
        """Take it over; returns at once, but for a write to disk when the queue is full."""
        if len(self._waiting) < self._capacity:
            self._waiting.append(answered)
            self._some.set()
        else:
            self._to_disk([answered])

    async def follow(self, stopping: asyncio.Event) -> None:
        """Write until asked to stop; `drain` does the rest."""
        while not stopping.is_set():
            await set_within(self._some, RETRY_S)
            self._some.clear()
            if not await self._write_all():
                await asyncio.sleep(RETRY_S)

    async def drain(self) -> None:
        """Once nothing more comes: what waits goes to the ledger, or to disk for the next start."""
        if not await self._write_all():
            left = list(self._waiting)
            self._waiting.clear()
            self._to_disk(left)

    async def _write_all(self) -> bool:
        """Whether everything is on record now, the file included."""
        try:
            while self._waiting:
                batch = [self._waiting[place] for place in range(min(BATCH, len(self._waiting)))]
                await self._write(batch)
                for _ in batch:
                    self._waiting.popleft()
            await self._bring_back()
        except Problem:
            return False  # the ledger is away, which readiness tells
        return True

    async def _write(self, answers: Sequence[HedgeAnswered]) -> None:
        await self._ledger.run(partial(record_answers, answers=answers))
        self._outcomes.labels("Written").inc(len(answers))

    async def _bring_back(self) -> None:
        """From disk. What is spilled meanwhile goes to a new file."""
        if not self._returning.exists():
            if not self._spill.exists():
                return
            self._spill.rename(self._returning)
        answers = []
        for line in self._returning.read_bytes().splitlines():
            try:
                answers.append(_decoder.decode(line))
            except msgspec.DecodeError as error:
                # A line that a crash cut short: it was never confirmed to be on disk.
                _log.error(
                    "hedge answer cannot be read", line=line[:200].decode(errors="replace"), error=str(error)
                )
                self._outcomes.labels("Dropped").inc()
        for first in range(0, len(answers), BATCH):
            await self._write(answers[first : first + BATCH])
        self._returning.unlink()

    def _to_disk(self, answers: Sequence[HedgeAnswered]) -> None:
        if not answers:
            return
        lines = b"".join(_encoder.encode(answered) + b"\n" for answered in answers)
        try:
            with self._spill.open("ab") as file:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            _log.error("hedge answers dropped", count=len(answers), error=str(error), answers=lines.decode())
            self._outcomes.labels("Dropped").inc(len(answers))
        else:
            _log.warning("hedge answers spilled", count=len(answers), file=str(self._spill))
            self._outcomes.labels("Spilled").inc(len(answers))
