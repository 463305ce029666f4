"""Brings a ledger's schema to the version that this code knows, and refuses any other.

Only who migrates imports Alembic: every worker asks for the version when it starts, and is to start soon.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alembic.config import Config


class SchemaMismatch(RuntimeError):
    """The ledger's schema is not the one this code was written for."""


_MIGRATIONS = Path(__file__).parent / "migrations"
VERSIONS = _MIGRATIONS / "versions"


def alembic_config(dsn: str, versions: Path) -> "Config":
    """Alembic's configuration for the migrations in the folder `versions`."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("path_separator", "newline")
    config.attributes["dsn"] = dsn
    return config


def upgrade(dsn: str) -> None:
    """Apply every migration that the ledger at this DSN has not seen."""
    run_migrations(alembic_config(dsn, VERSIONS))


def run_migrations(config: "Config") -> None:
    """Apply every migration of this configuration that its database has not seen."""
    from alembic import command

    # In a thread of its own, because the migrations start an event loop and the caller may be inside one.
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(command.upgrade, config, "head").result()


async def require_current(connection: Any) -> None:
    """Let a service start only on the schema it knows.

    Raises:
        SchemaMismatch: the ledger is older (run the migrations) or newer (run newer code).
    """
    expected, found = newest_version(VERSIONS), await found_version(connection)
    if found != expected:
        raise SchemaMismatch(
            f"the ledger's schema is at {found or 'nothing'}, this version needs {expected}; "
            "run `hedgerow migrate`, or the version of Hedgerow that wrote it"
        )


def newest_version(versions: Path) -> str:
    """The number that the newest migration's file begins with, which is its revision."""
    return max(path.stem.partition("_")[0] for path in versions.glob("*[0-9]_*.py"))


async def found_version(connection: Any) -> str | None:
    """The schema version of a database; None when no migration ever ran there."""
    table = await connection.fetchval("select to_regclass('alembic_version')")
    version: str | None = (
        await connection.fetchval("select version_num from alembic_version") if table else None
    )
    return version
