import uuid
from pathlib import Path

import pytest
from cli_desk import Desk


@pytest.fixture
def desk(
    kafka: str,
    ledger_dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Desk:
    """The topic is shared by all tests, so each has a strategy of its own name."""
    monkeypatch.setenv("HEDGEROW_KAFKA", kafka)
    monkeypatch.setenv("HEDGEROW_LEDGER_DSN", ledger_dsn)
    return Desk(tmp_path, kafka, ledger_dsn, f"s-{uuid.uuid4().hex[:12]}")
