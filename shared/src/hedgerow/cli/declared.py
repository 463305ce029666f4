"""What files declare, read and compiled against what is live, before anything is done with it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from hedgerow.cli.exits import UsageError
from hedgerow.cli.resource_files import Declared, FilesRead, read_resources
from hedgerow.domain.instruments import LISTINGS
from hedgerow.strategy.compile import compile_strategy, compile_venue
from hedgerow.strategy.compiled import CompiledStrategy, CompiledVenue
from hedgerow.strategy.spec import HedgeStrategy
from hedgerow.strategy.venue import Venue


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """What would be live if everything right in the files were applied.

    Attributes:
        strategies, declared_venues: those of the files; venues: those and the ledger's, by key.
        problems: why the others cannot be, each with its file and line.
    """

    strategies: tuple[CompiledStrategy, ...]
    declared_venues: tuple[CompiledVenue, ...]
    venues: dict[str, CompiledVenue]
    problems: tuple[str, ...]


def read_declared(path: Path) -> FilesRead:
    """The resources of a file or folder.

    Raises:
        UsageError: there is no such file or folder, or it holds no resource.
    """
    try:
        read = read_resources(path)
    except OSError as error:
        raise UsageError(str(error)) from None
    if not read.declared and not read.problems:
        raise UsageError(f"{path} declares nothing; write resources into files that end in .yaml or .yml")
    return read


def compile_declared(
    declared: Iterable[Declared], venues: Mapping[str, CompiledVenue], live: Iterable[CompiledStrategy]
) -> Compiled:
    """Venues first, then strategies against the venues that would be there, as `apply` takes them. Pure.

    Args:
        venues: the ledger's, by `namespace/name`; live: its current strategies.
    """
    items, there, current = list(declared), dict(venues), list(live)
    problems: list[str] = []
    declared_venues, strategies = [], []
    for item in items:
        if isinstance(item.resource, Venue):
            venue = compile_venue(item.resource, there, current)
            if isinstance(venue, list):
                problems += item.place.report(venue)
            else:
                there[venue.key] = venue
                declared_venues.append(venue)
    for item in items:
        if isinstance(item.resource, HedgeStrategy):
            strategy = compile_strategy(item.resource, there, LISTINGS)
            if isinstance(strategy, list):
                problems += item.place.report(strategy)
            else:
                strategies.append(strategy)
    return Compiled(
        strategies=tuple(strategies),
        declared_venues=tuple(declared_venues),
        venues=there,
        problems=tuple(problems),
    )
