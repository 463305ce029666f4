"""The commands by which a person stops, limits or corrects what is traded, as they are called."""

from pathlib import Path
from typing import Annotated

import typer

from hedgerow.cli.exits import ExitCode, run
from hedgerow.cli.options import Json, Namespace

controls_app = typer.Typer()
intent_app = typer.Typer(help="Conclude what the venue never told the end of.", no_args_is_help=True)
controls_app.add_typer(intent_app, name="intent")

StrategyOption = Annotated[str | None, typer.Option("--strategy", metavar="NAME", help="One strategy.")]
VenueOption = Annotated[
    str | None, typer.Option("--venue", metavar="NAME", help="All that trades on one venue.")
]
AllOption = Annotated[bool, typer.Option("--all", help="Everything.")]


@controls_app.command()
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


@controls_app.command()
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


@controls_app.command()
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


@controls_app.command()
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
