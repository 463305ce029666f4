"""`hedgerow apply`: compile what files declare, and publish what is right."""

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from hedgerow.cli.declared import read_declared
from hedgerow.cli.exits import ExitCode, complain
from hedgerow.cli.resource_files import Declared
from hedgerow.cli.servers import Servers, open_ledger
from hedgerow.cli.topics import Acknowledged, read_acknowledgements
from hedgerow.domain.instruments import LISTINGS
from hedgerow.ledger.publishers import DeclaredElsewhere
from hedgerow.ledger.strategies import LegConflict, PositionOpen, read_strategies
from hedgerow.ledger.venues import publish_venue, read_venues
from hedgerow.schemas.acknowledging import required_roles
from hedgerow.schemas.records import StrategyPublished
from hedgerow.strategy.compile import compile_strategy, compile_venue
from hedgerow.strategy.compiled import CompiledVenue
from hedgerow.strategy.problem import Problem
from hedgerow.strategy.spec import HedgeStrategy
from hedgerow.strategy.venue import Venue
from hedgerow.streams.publisher import Change, publish
from hedgerow.streams.sender import Sender


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one declared resource. Refused when there are problems: then the last good one stays live."""

    declared: Declared
    words: str = ""
    problems: tuple[str, ...] = ()
    published: StrategyPublished | None = None


async def apply_once(servers: Servers, path: Path, wait_s: float) -> ExitCode:
    """Apply a file or folder, say what happened, and wait until the roles run it.

    Raises:
        UsageError: there is no such file or folder, or it holds no resource.
    """
    read = read_declared(path)
    outcomes: list[Outcome] = []
    if read.declared:
        async with open_ledger(servers) as connection:
            outcomes = await apply_declared(connection, Sender(servers.kafka), read.declared)
    for outcome in outcomes:
        if outcome.words:
            print(outcome.words, flush=True)
    problems = [*read.all_problems, *(text for outcome in outcomes for text in outcome.problems)]
    for text in problems:
        complain(text)
    ready = await _all_ready(servers, outcomes, wait_s)
    return ExitCode.REFUSED if problems or not ready else ExitCode.OK


async def apply_declared(connection: Any, sender: Sender, declared: Iterable[Declared]) -> list[Outcome]:
    """Venues first, then strategies against the venues that are there; each on its own.

    Raises:
        KafkaUnreachable: what came before it is applied, what comes after is not.
    """
    items = list(declared)
    venues = {venue.key: venue for venue in await read_venues(connection)}
    outcomes = []
    for item in items:
        if isinstance(item.resource, Venue):
            outcomes.append(await _apply_venue(connection, item, item.resource, venues))
    for item in items:
        if isinstance(item.resource, HedgeStrategy):
            outcomes.append(await _apply_strategy(connection, sender, item, item.resource, venues))
    return outcomes


async def _apply_venue(
    connection: Any, item: Declared, resource: Venue, venues: dict[str, CompiledVenue]
) -> Outcome:
    live = [published.config for published in await read_strategies(connection)]
    compiled = compile_venue(resource, venues, live)
    if isinstance(compiled, list):
        return _refused(item, compiled)
    before = venues.get(compiled.key)
    if before == compiled:
        return Outcome(declared=item, words=f"{item.name} {Change.UNCHANGED}")
    try:
        await publish_venue(connection, compiled, time.time_ns())
    except DeclaredElsewhere as error:
        return Outcome(declared=item, problems=(f"{item.place.file}:{item.place.line}: {error}",))
    venues[compiled.key] = compiled
    change = Change.CREATED if before is None else Change.CONFIGURED
    return Outcome(declared=item, words=f"{item.name} {change}")


async def _apply_strategy(
    connection: Any, sender: Sender, item: Declared, resource: HedgeStrategy, venues: dict[str, CompiledVenue]
) -> Outcome:
    compiled = compile_strategy(resource, venues, LISTINGS)
    if isinstance(compiled, list):
        return _refused(item, compiled)
    try:
        publication = await publish(connection, sender, compiled)
    except (DeclaredElsewhere, LegConflict, PositionOpen) as error:
        place = f"{item.place.file}:{item.place.line_of(('spec', 'hedgeWith'))}"
        return Outcome(declared=item, problems=(f"{place}: {type(error).__name__}: {error}",))
    published = publication.published
    words = (
        f"{item.name} {publication.change} (generation {published.generation}, revision {published.revision})"
    )
    return Outcome(declared=item, words=words, published=published)


def _refused(item: Declared, problems: list[Problem]) -> Outcome:
    return Outcome(declared=item, problems=item.place.report(problems))


async def _all_ready(servers: Servers, outcomes: list[Outcome], wait_s: float) -> bool:
    """Wait until every role runs what was published; complain of those that do not."""
    wanted = [outcome.published for outcome in outcomes if outcome.published is not None]
    if wait_s <= 0 or not wanted:
        return True

    def missing(found: Acknowledged, item: StrategyPublished) -> frozenset[str]:
        return required_roles(item.config) - found.roles(item.config.key, item.uid, item.generation)

    found = await asyncio.to_thread(
        read_acknowledgements,
        servers.kafka,
        lambda seen: not any(missing(seen, item) for item in wanted),
        wait_s,
    )
    for item in wanted:
        late = missing(found, item)
        if late:
            complain(
                f"HedgeStrategy {item.config.key}: generation {item.generation} is published, but after {wait_s:g} s "
                f"{', '.join(sorted(late))} did not acknowledge it; see whether the workers run"
            )
        else:
            print(f"HedgeStrategy {item.config.key} ready", flush=True)
    return not any(missing(found, item) for item in wanted)
