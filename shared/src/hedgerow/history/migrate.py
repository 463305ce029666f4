"""Brings the history database's schema to the version that this code knows, and refuses any other."""

from pathlib import Path
from typing import Any

from hedgerow.ledger.migrate import (
    SchemaMismatch,
    alembic_config,
    found_version,
    newest_version,
    run_migrations,
)

VERSIONS = Path(__file__).parent / "versions"


def upgrade(dsn: str) -> None:
    """Apply every migration that the history at this DSN has not seen. With TimescaleDB its tables are hypertables."""
    run_migrations(alembic_config(dsn, VERSIONS))


async def require_current(connection: Any) -> None:
    """Let work begin only on the schema that it knows.

    Raises:
        SchemaMismatch: the history is older (run the migrations), newer (run newer code), or no history.
    """
    expected, found = newest_version(VERSIONS), await found_version(connection)
    if found != expected:
        raise SchemaMismatch(
            f"the history's schema is at {found or 'nothing'}, this version needs {expected}; run "
            "`hedgerow migrate`, or the version of Hedgerow that wrote it"
        )
