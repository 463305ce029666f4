"""The `hedgerow history` commands, as they are called."""

from pathlib import Path
from typing import Annotated

import typer

from hedgerow.cli.exits import ExitCode, run
from hedgerow.cli.options import Json, Namespace

history_app = typer.Typer(
    help="What was recorded: market data, risk, hedges, and what clients traded.",
    no_args_is_help=True,
)

Kind = Annotated[
    str,
    typer.Argument(
        help="ticks, enriched, candles, risk, states, orders, fills, decisions, client-orders or client-fills.",
        metavar="WHAT",
    ),
]
Instrument = Annotated[str, typer.Option("--instrument", "-i", help="One instrument, e.g. BTC/USDT.")]
Strategy = Annotated[str, typer.Option("--strategy", "-s", metavar="NAME", help="One strategy.")]
Every = Annotated[str, typer.Option("--every", help="1m or 5m for candles, 1m for risk.")]
Since = Annotated[str, typer.Option("--since", help="90s, 15m, 2h or 3d ago, or a UTC time in ISO 8601.")]
Until = Annotated[str, typer.Option("--until", help="As --since; rows before it.")]


@history_app.command()
def show(
    kind: Kind,
    instrument: Instrument = "",
    strategy: Strategy = "",
    every: Every = "",
    since: Since = "",
    until: Until = "",
    last: Annotated[int, typer.Option("--last", min=1, max=100_000, help="How many, newest first.")] = 20,
    namespace: Namespace = "default",
    as_json: Json = False,
) -> None:
    """Show the newest rows."""

    async def work() -> ExitCode:
        from hedgerow.cli import history
        from hedgerow.cli.servers import read_history_dsn

        question = history.Question(
            kind=kind,
            every=every,
            instrument=instrument,
            strategy=history.key(strategy, namespace),
            since=since,
            until=until,
        )
        return await history.show(read_history_dsn(), question, last, as_json)

    run(work)


@history_app.command()
def export(
    kind: Kind,
    to: Annotated[
        Path,
        typer.Option(
            "--to", help="A .parquet file, or a folder that gets one file a day; it must not exist."
        ),
    ],
    instrument: Instrument = "",
    strategy: Strategy = "",
    every: Every = "",
    since: Since = "",
    until: Until = "",
    namespace: Namespace = "default",
) -> None:
    """Write rows as Parquet, oldest first: decimals exact, times to the nanosecond."""

    async def work() -> ExitCode:
        from hedgerow.cli import history
        from hedgerow.cli.servers import read_history_dsn

        question = history.Question(
            kind=kind,
            every=every,
            instrument=instrument,
            strategy=history.key(strategy, namespace),
            since=since,
            until=until,
        )
        return await history.export(read_history_dsn(), question, to)

    run(work)
