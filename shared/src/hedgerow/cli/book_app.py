"""The `hedgerow book` commands, as they are called."""

from pathlib import Path
from typing import Annotated

import typer

from hedgerow.cli.exits import ExitCode, run
from hedgerow.cli.options import Json

book_app = typer.Typer(help="Books that another system keeps, through the gateway.", no_args_is_help=True)

GatewayOption = Annotated[
    str | None, typer.Option("--gateway", metavar="URL", help="Its address; HEDGEROW_GATEWAY_URL else.")
]
KeyFileOption = Annotated[
    Path | None, typer.Option("--key-file", help="A file with the API key; HEDGEROW_API_KEY else.")
]
BookArgument = Annotated[str, typer.Argument(help="Name of the book.")]


@book_app.command()
def load(
    name: BookArgument,
    file: Annotated[Path, typer.Option("--file", "-f", help="CSV of positions or of loans; see the guide.")],
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="TIME", help="When it was so: RFC 3339, or now.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    gateway: GatewayOption = None,
    key_file: KeyFileOption = None,
    as_json: Json = False,
) -> None:
    """Replace a book's positions or loans with those of a CSV file. When any row is wrong, nothing is sent."""

    async def work() -> ExitCode:
        from hedgerow.cli.book import load_book
        from hedgerow.cli.gateway import read_gateway

        return await load_book(read_gateway(gateway, key_file), name, file, as_of, dry_run, as_json)

    run(work)


@book_app.command()
def show(
    name: BookArgument, gateway: GatewayOption = None, key_file: KeyFileOption = None, as_json: Json = False
) -> None:
    """Show a book as it stands."""

    async def work() -> ExitCode:
        from hedgerow.cli.book import show_book
        from hedgerow.cli.gateway import read_gateway

        return await show_book(read_gateway(gateway, key_file), name, as_json)

    run(work)
