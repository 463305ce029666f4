"""The `hedgerow` command. Each command's work is imported when it is called, so that the help comes at once."""

from pathlib import Path
from typing import Annotated

import typer

from hedgerow.cli.exits import ExitCode, UsageError, run
from hedgerow.cli.history_app import history_app

app = typer.Typer(
    name="hedgerow",
    help="Keep your book inside the hedge that you declared.\n\nExit codes: 0 done, 1 refused, 2 called wrongly, "
    "3 a server cannot be reached.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
audit_app = typer.Typer(help="Check the ledger's history.", no_args_is_help=True)
app.add_typer(audit_app, name="audit")
intent_app = typer.Typer(help="Conclude what the venue never told the end of.", no_args_is_help=True)
app.add_typer(intent_app, name="intent")
app.add_typer(history_app, name="history")
book_app = typer.Typer(help="Books that another system keeps, through the gateway.", no_args_is_help=True)
app.add_typer(book_app, name="book")

Namespace = Annotated[str, typer.Option("--namespace", "-n", help="Namespace of a name that carries none.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
FileOption = Annotated[Path, typer.Option("--file", "-f", help="A YAML file, or a folder of them.")]
StrategyOption = Annotated[str | None, typer.Option("--strategy", metavar="NAME", help="One strategy.")]
VenueOption = Annotated[
    str | None, typer.Option("--venue", metavar="NAME", help="All that trades on one venue.")
]
AllOption = Annotated[bool, typer.Option("--all", help="Everything.")]


GatewayOption = Annotated[
    str | None, typer.Option("--gateway", metavar="URL", help="Its address; HEDGEROW_GATEWAY_URL else.")
]
KeyFileOption = Annotated[
    Path | None, typer.Option("--key-file", help="A file with the API key; HEDGEROW_API_KEY else.")
]
BookArgument = Annotated[str, typer.Argument(help="Name of the book.")]


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


@intent_app.command()
def resolve(
    intent: Annotated[int, typer.Argument(help="Number of the intent.", min=1)],
    state: Annotated[str, typer.Option("--as", metavar="STATE", help="cancelled or abandoned.")],
    reason: Annotated[
        str, typer.Option("--reason", help="What you saw at the venue; it goes into the chain.")
    ],
) -> None:
    """Say how an order ended that is past its unknownDeadline, with the quantity that the ledger already has.

    Cancelled: the venue says that it ended so. Abandoned: the venue does not know it. Ask the venue first: the leg
    is decided anew, and what it executed unseen would be hedged twice."""

    async def work() -> ExitCode:
        from hedgerow.cli.resolve import resolve_intent
        from hedgerow.cli.servers import read_servers

        return await resolve_intent(read_servers(), intent, state, reason)

    run(work)


@book_app.command(name="load")
def book_load(
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


@book_app.command(name="show")
def book_show(
    name: BookArgument, gateway: GatewayOption = None, key_file: KeyFileOption = None, as_json: Json = False
) -> None:
    """Show a book as it stands."""

    async def work() -> ExitCode:
        from hedgerow.cli.book import show_book
        from hedgerow.cli.gateway import read_gateway

        return await show_book(read_gateway(gateway, key_file), name, as_json)

    run(work)


@app.command()
def halt(
    reason: Annotated[str, typer.Option("--reason", help="Why, for those who find the halt later.")],
    strategy: StrategyOption = None,
    venue: VenueOption = None,
    everything: AllOption = False,
    namespace: Namespace = "default",
    direct: Annotated[
        bool,
        typer.Option("--direct", help="Cancel straight at the venue first; needs --file, and no ledger."),
    ] = False,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="With --direct: YAML that declares the Venues.")
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option("--keys", help="With --direct: folder of trade keys; HEDGEROW_KEYS_DIR else."),
    ] = None,
) -> None:
    """Stop sending orders, now, and have what is open cancelled."""

    async def work() -> ExitCode:
        from hedgerow.cli.halts import halt as place
        from hedgerow.cli.halts import target_of
        from hedgerow.cli.servers import read_servers

        target = target_of(strategy, venue, everything, namespace)
        if direct:
            from hedgerow.cli.direct import halt_directly

            return await halt_directly(target, reason, file, keys)
        return await place(read_servers(), target, reason)

    run(work)


@app.command()
def release(
    strategy: StrategyOption = None,
    venue: VenueOption = None,
    everything: AllOption = False,
    namespace: Namespace = "default",
    source: Annotated[
        str,
        typer.Option(
            "--source",
            help="Whose halts: cli, or one that no one else releases: executor, ledger, quarantine.",
        ),
    ] = "cli",
) -> None:
    """Release the halts of one target that were placed from the command line, or by the system itself."""

    async def work() -> ExitCode:
        from hedgerow.cli.halts import release as lift
        from hedgerow.cli.halts import target_of
        from hedgerow.cli.servers import read_servers

        return await lift(read_servers(), target_of(strategy, venue, everything, namespace), source)

    run(work)


@app.command()
def ceilings(
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="May be given repeatedly.")
    ] = None,
    clear: Annotated[
        list[str] | None, typer.Option("--clear", metavar="NAME", help="May be given repeatedly.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show or change the platform's own limits, which no strategy and no Venue can raise."""

    async def work() -> ExitCode:
        from hedgerow.cli.ceilings import ceilings as change
        from hedgerow.cli.servers import read_servers

        return await change(read_servers(), set_ or [], clear or [], as_json)

    run(work)


@app.command()
def adopt(
    strategy: Annotated[str, typer.Argument(help="Name of the strategy.")],
    instrument: Annotated[str, typer.Option("--instrument", help="Which of its legs, e.g. BTC/USDT:USDT.")],
    position: Annotated[
        str, typer.Option("--position", help="What the venue holds: signed contracts; negative is short.")
    ],
    price: Annotated[str, typer.Option("--price", help="What the difference was traded at.")],
    reason: Annotated[str, typer.Option("--reason", help="Who traded and why; it goes into the chain.")],
    namespace: Namespace = "default",
) -> None:
    """Take what a person traded on the account into a strategy's position, so that venue and ledger agree again."""

    async def work() -> ExitCode:
        from hedgerow.cli.adopt import adopt as take
        from hedgerow.cli.names import key_of
        from hedgerow.cli.servers import read_servers

        return await take(read_servers(), key_of(strategy, namespace), instrument, position, price, reason)

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
