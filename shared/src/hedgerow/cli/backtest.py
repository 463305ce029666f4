"""`hedgerow backtest`: strategies played through recorded bars."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from hedgerow.backtest.figures import figures_of, table_of
from hedgerow.backtest.market import read_market
from hedgerow.backtest.replay import Replay, replay, require_playable
from hedgerow.backtest.scenario import BacktestError, read_scenario
from hedgerow.cli.declared import Compiled, compile_declared, read_declared
from hedgerow.cli.exits import ExitCode, Refused, UsageError
from hedgerow.cli.resource_files import Declared
from hedgerow.cli.tables import console, table
from hedgerow.strategy.spec import HedgeStrategy
from hedgerow.strategy.venue import Venue


def backtest(files: Sequence[Path], scenario: Path, as_json: bool) -> ExitCode:
    """Print the figures of every strategy.

    Raises:
        UsageError, Refused: as `play`.
    """
    found = [figures_of(item) for item in play(files, scenario)]
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        headers, rows = table_of(found)
        console().print(table(headers, rows))
    return ExitCode.OK


def play(files: Sequence[Path], scenario: Path) -> list[Replay]:
    """Play every strategy of these files, in the order of the files.

    Raises:
        UsageError: there is no such file, or the scenario cannot be used, or lacks what a strategy reads.
        Refused: a resource is wrong; the text has file and line.
    """
    compiled = compile_alone(files)
    try:
        declared = read_scenario(scenario)
        market = read_market(declared, scenario.parent)
        for item in compiled:
            require_playable(item.strategies[0], declared)
        return [replay(item.strategies[0], item.declared_venues, declared, market) for item in compiled]
    except BacktestError as error:
        raise UsageError(str(error)) from None


def compile_alone(files: Sequence[Path]) -> list[Compiled]:
    """Each strategy with its own Venues: in a backtest, strategies do not meet on an account.

    Raises:
        UsageError, Refused: as `play`.
    """
    reads = [read_declared(path) for path in files]
    declared = [item for read in reads for item in read.declared]
    venues = [item for item in declared if isinstance(item.resource, Venue)]
    strategies = [item for item in declared if isinstance(item.resource, HedgeStrategy)]
    compiled = [compile_declared([*_venues_of(item, venues), item], {}, []) for item in strategies]
    problems = [text for read in reads for text in read.all_problems]
    problems += [text for item in compiled for text in item.problems]
    if problems:
        raise Refused("\n".join(problems))
    if not compiled:
        raise UsageError("no HedgeStrategy is declared there; a Venue by itself does nothing")
    return compiled


def _venues_of(strategy: Declared, venues: Iterable[Declared]) -> list[Declared]:
    assert isinstance(strategy.resource, HedgeStrategy)
    namespace = strategy.resource.metadata.namespace
    keys = {f"{namespace}/{leg.venue_ref.name}" for leg in strategy.resource.spec.hedge_with}
    return [item for item in venues if item.resource.key in keys]
