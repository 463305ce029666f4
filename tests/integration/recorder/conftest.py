import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import pytest
from history_desk import Desk
from worker_process import WorkerProcess


@pytest.fixture
async def ledger(ledger_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(ledger_dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def history(history_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(history_dsn)
    yield connection
    await connection.close()


@pytest.fixture
def desk(kafka: str, history_dsn: str) -> Desk:
    return Desk(kafka, history_dsn)


@pytest.fixture
def start_recorder(
    kafka: str, module_ledger_dsn: str, tmp_path: Path
) -> Iterator[Callable[..., WorkerProcess]]:
    """Call it with a history's DSN, and settings that differ, for a recorder that the test's end ends."""
    settings = {
        "HEDGEROW_KAFKA": kafka,
        "HEDGEROW_LEDGER_DSN": module_ledger_dsn,
        "HEDGEROW_EXCHANGE_URL": "http://127.0.0.1:1",
        "HEDGEROW_KEYS_DIR": str(tmp_path),
        "HEDGEROW_RECORDINGS": str(tmp_path),
        "HEDGEROW_DATA_DIR": str(tmp_path),
    }
    with ExitStack() as ends:

        def start(dsn: str, **other: str) -> WorkerProcess:
            log = tmp_path / f"recorder-{uuid.uuid4().hex[:8]}.log"
            worker = WorkerProcess("recorder", settings | {"HEDGEROW_HISTORY_DSN": dsn} | other, log)
            ends.callback(worker.end)
            return worker

        yield start
