"""`hedgerow get`: what is live, which roles run it, what is halted."""

import asyncio
import time

import msgspec

from hedgerow.cli.exits import ExitCode, Refused, complain
from hedgerow.cli.names import Kind, age, key_of, kind_of
from hedgerow.cli.servers import Servers, open_ledger
from hedgerow.cli.tables import console, table
from hedgerow.cli.topics import Acknowledged, read_acknowledgements
from hedgerow.domain.money import plain
from hedgerow.ledger.halts import Halt, standing_halts
from hedgerow.ledger.overview import stands_against
from hedgerow.ledger.strategies import read_strategies
from hedgerow.ledger.venues import read_venues
from hedgerow.schemas.acknowledging import required_roles
from hedgerow.schemas.records import StrategyPublished
from hedgerow.strategy.compiled import CompiledStrategy, CompiledVenue
from hedgerow.streams.sender import KafkaUnreachable


class StrategyRow(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy. `acknowledged` and `ready` are None when Kafka could not be asked."""

    strategy: str
    uid: str
    mode: str
    suspend: bool
    generation: int
    revision: str
    published_ns: int
    acknowledged: list[str] | None
    ready: bool | None
    halts: list[str]
    config: CompiledStrategy


class Found(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was asked for; a kind that was not asked for is None."""

    strategies: list[StrategyRow] | None = None
    venues: list[CompiledVenue] | None = None
    halts: list[Halt] | None = None


async def get(
    servers: Servers, kind: str | None, name: str | None, namespace: str, as_json: bool
) -> ExitCode:
    """Show one kind or all, one name or all.

    Raises:
        Refused: there is nothing of this name.
        UsageError: there is no such kind.
    """
    wanted = {kind_of(kind)} if kind else set(Kind)
    async with open_ledger(servers) as connection:
        published = await read_strategies(connection)
        venues = await read_venues(connection)
        halts = await standing_halts(connection)
    acknowledged, code = None, ExitCode.OK
    if Kind.STRATEGY in wanted and published:
        try:
            acknowledged = await asyncio.to_thread(read_acknowledgements, servers.kafka)
        except KafkaUnreachable as error:
            complain(f"which roles are ready is not known: {error}")
            code = ExitCode.UNREACHABLE
    found = Found(
        strategies=_strategies(published, halts, acknowledged) if Kind.STRATEGY in wanted else None,
        venues=venues if Kind.VENUE in wanted else None,
        halts=halts if Kind.HALT in wanted else None,
    )
    if name is not None:
        found = _only(found, key_of(name, namespace))
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        _show(found)
    return code


def _strategies(
    published: list[StrategyPublished], halts: list[Halt], acknowledged: Acknowledged | None
) -> list[StrategyRow]:
    return [_strategy(item, halts, acknowledged) for item in published]


def _strategy(item: StrategyPublished, halts: list[Halt], acknowledged: Acknowledged | None) -> StrategyRow:
    roles = acknowledged.roles(item.config.key, item.uid, item.generation) if acknowledged else None
    return StrategyRow(
        strategy=item.config.key,
        uid=item.uid,
        mode=item.config.mode.value,
        suspend=item.config.suspend,
        generation=item.generation,
        revision=item.revision,
        published_ns=item.published_ns,
        acknowledged=None if roles is None else sorted(roles),
        ready=None if roles is None else roles >= required_roles(item.config),
        halts=[halt.reason for halt in halts if stands_against(halt, item.config)],
        config=item.config,
    )


def _only(found: Found, key: str) -> Found:
    kept = Found(
        strategies=[item for item in found.strategies or [] if item.strategy == key] or None,
        venues=[item for item in found.venues or [] if item.key == key] or None,
        halts=[item for item in found.halts or [] if item.target.name == key] or None,
    )
    if kept == Found():
        there = [item.strategy for item in found.strategies or []] + [item.key for item in found.venues or []]
        raise Refused(f"there is nothing named {key}; there are: {', '.join(there) or 'none'}")
    return kept


def _show(found: Found) -> None:
    out = console()
    headers: tuple[str, ...]
    now_ns = time.time_ns()
    if found.strategies is not None:
        headers = ("Strategy", "Mode", "Generation", "Revision", "Ready", "State", "Published")
        out.print(table(headers, (_strategy_cells(row, now_ns) for row in found.strategies)))
    if found.venues is not None:
        headers = ("Venue", "Type", "Environment", "Trading", "Account", "Max gross notional", "Orders/s")
        out.print(table(headers, map(_venue_cells, found.venues)))
    if found.halts is not None:
        headers = ("Halt", "Target", "Source", "Reason", "Placed")
        out.print(table(headers, (_halt_cells(row, now_ns) for row in found.halts)))


def _strategy_cells(row: StrategyRow, now_ns: int) -> tuple[str, ...]:
    return (
        row.strategy,
        row.mode,
        str(row.generation),
        row.revision,
        _readiness(row),
        f"halted: {'; '.join(row.halts)}" if row.halts else "suspended" if row.suspend else "live",
        f"{age((now_ns - row.published_ns) / 1e9)} ago",
    )


def _readiness(row: StrategyRow) -> str:
    if row.acknowledged is None:
        return "unknown"
    missing = required_roles(row.config) - set(row.acknowledged)
    return f"no: waits for {', '.join(sorted(missing))}" if missing else "yes"


def _venue_cells(row: CompiledVenue) -> tuple[str, ...]:
    return (
        row.key,
        row.type,
        row.environment,
        "Enabled" if row.trading_enabled else "Disabled",
        row.account,
        plain(row.max_gross_notional),
        str(row.orders_per_second),
    )


def _halt_cells(row: Halt, now_ns: int) -> tuple[str, ...]:
    target = f"{row.target.kind} {row.target.name}".strip()
    return (str(row.id), target, row.source, row.reason, f"{age((now_ns - row.created_ns) / 1e9)} ago")
