"""`hedgerow diff`: what applying these files would change. Exit code 0 when nothing, 1 when something."""

from pathlib import Path

import msgspec

from hedgerow.cli.declared import compile_declared, read_declared
from hedgerow.cli.differences import FieldDifference, ResourceDifference, compare
from hedgerow.cli.exits import ExitCode, UsageError, complain
from hedgerow.cli.servers import Servers, open_ledger
from hedgerow.ledger.migrate import SchemaMismatch
from hedgerow.ledger.strategies import read_strategies
from hedgerow.ledger.venues import read_venues


async def diff(servers: Servers, path: Path, as_json: bool) -> ExitCode:
    """Compare what files declare with what is live; what is live and not declared here is left out, as `apply` does.

    Raises:
        UsageError: there is nothing to compare, or the ledger is of another version.
    """
    read = read_declared(path)
    try:
        async with open_ledger(servers) as connection:
            venues = {venue.key: venue for venue in await read_venues(connection)}
            live = {item.config.key: item for item in await read_strategies(connection)}
    except SchemaMismatch as error:
        # Exit code 1 would say that something differs.
        raise UsageError(str(error)) from None
    compiled = compile_declared(read.declared, venues, [item.config for item in live.values()])
    found = [compare(venue, venues.get(venue.key)) for venue in compiled.declared_venues]
    for config in compiled.strategies:
        current = live.get(config.key)
        found.append(
            compare(config, current.config, current.generation) if current else compare(config, None)
        )
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        for item in found:
            _show(item)
    problems = [*read.all_problems, *compiled.problems]
    for text in problems:
        complain(text)
    if problems:
        return ExitCode.USAGE
    return ExitCode.DIFFERENT if any(item.change != "unchanged" for item in found) else ExitCode.OK


def _show(item: ResourceDifference) -> None:
    against = f" against generation {item.live_generation}" if item.live_generation is not None else ""
    print(f"{item.kind} {item.name}: {item.change}{against}")
    for field in item.fields:
        print(f"  {field.sign} {field.path}: {_values(field)}")


def _values(field: FieldDifference) -> str:
    both = (text for text in (field.live, field.declared) if text is not None)
    return " -> ".join(both)
