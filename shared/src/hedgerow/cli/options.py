"""Options that several commands take."""

from typing import Annotated

import typer

Namespace = Annotated[str, typer.Option("--namespace", "-n", help="Namespace of a name that carries none.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
