"""`hedgerow plan`: what these resources would send now. Reads only."""

import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec

from hedgerow.cli.declared import Compiled, compile_declared, read_declared
from hedgerow.cli.exits import ExitCode, complain
from hedgerow.cli.explain import show_outlook
from hedgerow.cli.newest_states import (
    newest_accounts,
    newest_quotes,
    newest_risk_state,
    newest_scores,
)
from hedgerow.cli.planning import Plan, PlanFacts, plan
from hedgerow.cli.servers import Servers, open_ledger
from hedgerow.domain.instruments import LISTINGS
from hedgerow.ledger.books import read_books
from hedgerow.ledger.ceilings import read_ceilings
from hedgerow.ledger.halts import halts_against
from hedgerow.ledger.snapshot import read_snapshot
from hedgerow.ledger.strategies import (
    LegConflict,
    PositionOpen,
    find_readable_strategy,
    hedged_instruments,
    read_strategies,
    require_publishable,
)
from hedgerow.ledger.venues import read_venues
from hedgerow.strategy.compile import revision_of
from hedgerow.strategy.compiled import CompiledStrategy


async def plan_declared(servers: Servers, path: Path, as_json: bool) -> ExitCode:
    """Say of every declared strategy what `apply` would do with it and what it would send then.

    Raises:
        UsageError: there is no such file or folder, or it holds no resource.
    """
    read = read_declared(path)
    async with open_ledger(servers) as connection:
        venues = {venue.key: venue for venue in await read_venues(connection)}
        live = [item.config for item in await read_strategies(connection)]
        compiled = compile_declared(read.declared, venues, live)
        plans = [plan(await _facts(servers, connection, compiled, config)) for config in compiled.strategies]
    problems = [*read.all_problems, *compiled.problems]
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(plans)).decode())
    else:
        for item in plans:
            _show(item)
        if not plans and not problems:
            print("no HedgeStrategy is declared here; a Venue by itself sends nothing")
    for text in problems:
        complain(text)
    refused = any(item.refused is not None for item in plans)
    return ExitCode.REFUSED if problems or refused else ExitCode.OK


async def _facts(
    servers: Servers, connection: Any, compiled: Compiled, config: CompiledStrategy
) -> PlanFacts:
    live = await find_readable_strategy(connection, config.key)
    refused = None
    try:
        await require_publishable(connection, config)
    except (LegConflict, PositionOpen) as error:
        refused = f"{type(error).__name__}: {error}"
    halts = await halts_against(connection, config.key, sorted({leg.venue for leg in config.hedge_with}))
    running, quotes, scores = None, [], []
    counted = {source.venue for source in config.accounts}
    accounts = await asyncio.to_thread(newest_accounts, servers.kafka, counted)
    # Kafka last, and the ledger right after it: the age of what was read must not count as the strategy's.
    if live is not None and live.revision == revision_of(config):
        running = await asyncio.to_thread(newest_risk_state, servers.kafka, config.key)
    if running is None:
        listed = {item.symbol for item in LISTINGS.values() if item.underlying in config.priced}
        quotes = await asyncio.to_thread(newest_quotes, servers.kafka, config.priced, listed)
        scores = await asyncio.to_thread(newest_scores, servers.kafka, config.scored)
    now_ns = time.time_ns()
    return PlanFacts(
        config=config,
        live=live,
        ledger=await read_snapshot(connection, live.uid, now_ns) if live else None,
        halts=halts,
        refused=refused,
        running=running,
        books=await read_books(connection, now_ns),
        quotes=quotes,
        scores=scores,
        accounts=accounts,
        hedges=await hedged_instruments(connection, counted),
        venues=list(compiled.venues.values()),
        ceilings=await read_ceilings(connection),
        now_ns=now_ns,
    )


def _show(item: Plan) -> None:
    print(f"HedgeStrategy {item.strategy} would be {item.change} (revision {item.revision})")
    if item.outlook is None:
        print(f"`apply` refuses it: {item.refused}. What is live stays as it is.")
        return
    print(f"Decided as generation {item.generation}, with risk from {item.risk_from}:")
    show_outlook(item.outlook, time.time_ns())
