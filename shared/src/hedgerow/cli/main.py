"""The `hedgerow` command. Each command's work is imported when it is called, so that the help comes at once."""

from pathlib import Path
from typing import Annotated

import typer

from hedgerow.cli.book_app import book_app
from hedgerow.cli.controls_app import controls_app
from hedgerow.cli.exits import ExitCode, UsageError, run
from hedgerow.cli.history_app import history_app
from hedgerow.cli.options import Json, Namespace

app = typer.Typer(
    name="hedgerow",
    help="Keep your book inside the hedge that you declared.\n\nExit codes: 0 done, 1 refused, 2 called wrongly, "
    "3 a server cannot be reached.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(controls_app)
audit_app = typer.Typer(help="Check the ledger's history.", no_args_is_help=True)
app.add_typer(audit_app, name="audit")
app.add_typer(history_app, name="history")
app.add_typer(book_app, name="book")

FileOption = Annotated[Path, typer.Option("--file", "-f", help="A YAML file, or a folder of them.")]


@app.command()
def apply(
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="A YAML file, or a folder of them.")
    ] = None,
    watch: Annotated[
        Path | None, typer.Option("--watch", metavar="DIR", help="Keep applying a folder as it changes.")
    ] = None,
    wait: Annotated[
        float, typer.Option("--wait", min=0, help="Seconds to wait until every role runs what was applied.")
    ] = 0.0,
) -> None:
    """Make resources live. What is wrong is refused with the reason, and the last good one stays live."""

    async def work() -> ExitCode:
        from hedgerow.cli.servers import read_servers

        if file is not None and watch is None:
            from hedgerow.cli.apply import apply_once

            return await apply_once(read_servers(), file, wait)
        if watch is not None and file is None:
            from hedgerow.cli.watch import watch_folder

            return await watch_folder(read_servers(), watch)
        raise UsageError("give one of --file FILE|DIR and --watch DIR")

    run(work)


@app.command()
def plan(file: FileOption, as_json: Json = False) -> None:
    """Say what these resources would send now, and why. Nothing is written."""

    async def work() -> ExitCode:
        from hedgerow.cli.plan import plan_declared
        from hedgerow.cli.servers import read_servers

        return await plan_declared(read_servers(), file, as_json)

    run(work)


@app.command()
def diff(file: FileOption, as_json: Json = False) -> None:
    """Show field by field what applying these resources would change. Ends with 0 when nothing, 1 when something,
    2 when it cannot be told."""

    async def work() -> ExitCode:
        from hedgerow.cli.diff import diff as compare
        from hedgerow.cli.servers import read_servers

        return await compare(read_servers(), file, as_json)

    run(work)


@app.command()
def get(
    kind: Annotated[
        str | None, typer.Argument(help="strategies, venues or halts; all when left out.")
    ] = None,
    name: Annotated[str | None, typer.Argument(help="One name; all when left out.")] = None,
    namespace: Namespace = "default",
    as_json: Json = False,
) -> None:
    """Show what is live, its generation, and which roles run it."""

    async def work() -> ExitCode:
        from hedgerow.cli.get import get as show
        from hedgerow.cli.servers import read_servers

        return await show(read_servers(), kind, name, namespace, as_json)

    run(work)


@app.command()
def delete(
    kind: Annotated[str, typer.Argument(help="strategy or venue.")],
    name: Annotated[str, typer.Argument(help="Its name.")],
    namespace: Namespace = "default",
) -> None:
    """Take a strategy or venue away. A strategy's open hedge stays where it is."""

    async def work() -> ExitCode:
        from hedgerow.cli.delete import delete as remove
        from hedgerow.cli.servers import read_servers

        return await remove(read_servers(), kind, name, namespace)

    run(work)


@app.command()
def explain(
    strategy: Annotated[str, typer.Argument(help="Name of the strategy.")],
    namespace: Namespace = "default",
    as_json: Json = False,
) -> None:
    """Say what a strategy sees, what is open, and what it would send now or why not."""

    async def work() -> ExitCode:
        from hedgerow.cli.explain import explain_strategy
        from hedgerow.cli.servers import read_servers

        return await explain_strategy(read_servers(), strategy, namespace, as_json)

    run(work)


@app.command()
def replay(
    decision: Annotated[
        int | None, typer.Argument(min=1, help="Number of a past decision; `explain` shows recent ones.")
    ] = None,
    intent: Annotated[
        int | None, typer.Option("--intent", min=1, help="The decision that this intent came from, instead.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a past decision again from the inputs that the ledger stored with it, tell it in words, and compare it byte
    by byte; ends with 1 when it differs."""

    async def work() -> ExitCode:
        from hedgerow.cli.replay import replay as make_again
        from hedgerow.cli.servers import read_servers

        return await make_again(read_servers(), decision, intent, as_json)

    run(work)


@app.command()
def top(
    once: Annotated[
        bool, typer.Option("--once", help="Print the table once; so it is without a terminal.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Watch every strategy against its band, anew each second."""

    async def work() -> ExitCode:
        from hedgerow.cli.servers import read_servers
        from hedgerow.cli.top import top as show

        return await show(read_servers(), once, as_json)

    run(work)


@app.command()
def status(as_json: Json = False) -> None:
    """Say what answers, which role a strategy waits for, and what waits for a person. Ends with 1 when something
    does, with 3 when a server cannot be used."""

    async def work() -> ExitCode:
        from hedgerow.cli.servers import read_servers
        from hedgerow.cli.status import status as show

        return await show(read_servers(), as_json)

    run(work)


@app.command()
def orders(
    strategy: Annotated[str | None, typer.Argument(help="Name of a strategy; all when left out.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many, newest first.")] = 20,
    only_open: Annotated[bool, typer.Option("--open", help="Only those whose end is not known.")] = False,
    namespace: Namespace = "default",
    as_json: Json = False,
) -> None:
    """Show what was decided, sent and filled."""

    async def work() -> ExitCode:
        from hedgerow.cli.orders import show_orders
        from hedgerow.cli.servers import read_servers

        return await show_orders(read_servers(), strategy, namespace, limit, only_open, as_json)

    run(work)


@audit_app.command()
def verify(
    strategy: Annotated[str | None, typer.Argument(help="Name of a strategy; all when left out.")] = None,
    namespace: Namespace = "default",
    as_json: Json = False,
) -> None:
    """Recompute the hash chain over everything that happened to every intent."""

    async def work() -> ExitCode:
        from hedgerow.cli.audit import verify as check
        from hedgerow.cli.servers import read_servers

        return await check(read_servers(), strategy, namespace, as_json)

    run(work)


@app.command()
def migrate() -> None:
    """Bring the schema of the ledger, and of the history where one is named, to what this version knows."""

    async def work() -> ExitCode:
        from hedgerow.cli.migrate import migrate as bring_up
        from hedgerow.cli.servers import read_servers

        return await bring_up(read_servers())

    run(work)


@app.command()
def simulate(
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="One run, with its story.")] = None,
    seeds: Annotated[
        str | None, typer.Option("--seeds", metavar="A..B", help="Many runs, with a table.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option("--processes", min=1, help="At one time; one per processor else.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run the path from quote to fill in a simulated world that is hurt as the seed has it, and check every invariant.
    Needs no server. The same seed gives the same run to the byte; ends with 1 when an invariant was broken."""

    async def work() -> ExitCode:
        from hedgerow.cli.simulate import simulate as run_seeds

        return await run_seeds(seed, seeds, processes, as_json)

    run(work)


@app.command()
def backtest(
    files: Annotated[
        list[Path], typer.Option("--file", "-f", help="Strategies and their Venues: YAML files, or folders.")
    ],
    scenario: Annotated[
        Path, typer.Option("--scenario", help="A JSON file: bars, funding, books, loans, clients, scores.")
    ],
    as_json: Json = False,
) -> None:
    """Play strategies through recorded bars: what each would have done, earned and cost. Needs no server; the same
    files give the same figures (docs/guide/backtest.md)."""

    async def work() -> ExitCode:
        from hedgerow.cli.backtest import backtest as play

        return play(files, scenario, as_json)

    run(work)


@app.command()
def worker(
    roles: Annotated[
        list[str], typer.Option("--roles", help="Roles to run, separated by commas or given repeatedly.")
    ],
) -> None:
    """Run one or several roles in this process until SIGTERM."""
    from hedgerow.cli.worker import worker as run_roles

    run_roles(roles)


if __name__ == "__main__":
    app()
