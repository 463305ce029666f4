"""`hedgerow worker --roles a,b`: run one or several roles in this process."""

from typing import Annotated

import typer

from hedgerow.streams.settings import SettingsError
from hedgerow.streams.worker import UnknownRole, run_worker


def worker(
    roles: Annotated[list[str], typer.Option(help="Roles to run, separated by commas or given repeatedly.")],
) -> None:
    """Run one or several roles in this process until SIGTERM or SIGINT."""
    names = [name.strip() for entry in roles for name in entry.split(",") if name.strip()]
    try:
        run_worker(names)
    except (UnknownRole, SettingsError) as error:
        typer.echo(f"hedgerow worker: {error}", err=True)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    typer.run(worker)
