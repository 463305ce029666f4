"""Brings a ledger's schema to the version that this code knows, and refuses any other."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory


class SchemaMismatch(RuntimeError):
    """The ledger's schema is not the one this code was written for."""


_MIGRATIONS = Path(__file__).parent / "migrations"


def alembic_config(dsn: str, versions: Path) -> Config:
    """Alembic's configuration for the migrations in the folder `versions`."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("path_separator", "newline")
    config.attributes["dsn"] = dsn
    return config


def upgrade(dsn: str) -> None:
    """Apply every migration that the ledger at this DSN has not seen."""
    run_migrations(_config(dsn))


def _config(dsn: str) -> Config:
    return alembic_config(dsn, _MIGRATIONS / "versions")


def run_migrations(config: Config) -> None:
    """Apply every migration of this configuration that its database has not seen."""
    # In a thread of its own, because the migrations start an event loop and the caller may be inside one.
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(command.upgrade, config, "head").result()


async def require_current(connection: Any) -> None:
    """Let a service start only on the schema it knows.

    Raises:
        SchemaMismatch: the ledger is older (run the migrations) or newer (run newer code).
    """
    expected, found = newest_version(_config("")), await found_version(connection)
    if found != expected:
        raise SchemaMismatch(
            f"the ledger's schema is at {found or 'nothing'}, this version needs {expected}; "
            "run `hedgerow migrate`, or the version of Hedgerow that wrote it"
        )


def newest_version(config: Config) -> str | None:
    return ScriptDirectory.from_config(config).get_current_head()


async def found_version(connection: Any) -> str | None:
    """The schema version of a database; None when no migration ever ran there."""
    table = await connection.fetchval("select to_regclass('alembic_version')")
    version: str | None = (
        await connection.fetchval("select version_num from alembic_version") if table else None
    )
    return version
