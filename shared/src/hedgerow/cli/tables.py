"""Tables and bars on a terminal. What they show is text, never markup: a halt's reason may hold brackets."""

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

WIDTH_IN_A_PIPE = 240


def console() -> Console:
    """Standard output: as wide as the terminal, or wide enough to cut nothing when there is none."""
    return Console(width=None if sys.stdout.isatty() else WIDTH_IN_A_PIPE, highlight=False, markup=False)


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table without frames."""
    made = Table(*headers, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        made.add_row(*map(Text, row))
    return made


def progress() -> Progress:
    """Bars for long work, on standard error while somebody watches there, gone when it is done."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
