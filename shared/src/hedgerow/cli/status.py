"""`hedgerow status`: does everything answer, does every role run what was applied, does anything wait for a person."""

import asyncio
import time

import msgspec

from hedgerow.cli.exits import ExitCode
from hedgerow.cli.names import age
from hedgerow.cli.servers import Servers, open_ledger
from hedgerow.cli.standing import (
    ServerFact,
    Standing,
    StrategyFact,
    UnknownFact,
    stand,
    strategy_facts,
    unknown_fact,
)
from hedgerow.cli.tables import console, table
from hedgerow.cli.topics import Acknowledged, UnreadableRecord, read_acknowledgements
from hedgerow.ledger.connection import LEDGER_LOST, LedgerUnreachable, address_of
from hedgerow.ledger.intents import unknown_intents
from hedgerow.ledger.migrate import SchemaMismatch
from hedgerow.ledger.overview import read_overview
from hedgerow.ledger.resolution import unknown_deadline_ns
from hedgerow.streams.sender import KafkaUnreachable

_LEDGER_FAILS: tuple[type[Exception], ...] = (LedgerUnreachable, SchemaMismatch, *LEDGER_LOST)


async def status(servers: Servers, as_json: bool) -> ExitCode:
    """Show it. Ends with 3 when a server cannot be used, with 1 when something waits for a person."""
    kafka, acknowledged = await _ask_kafka(servers)
    try:
        found = await _ask_ledger(servers, kafka, acknowledged)
    except _LEDGER_FAILS as error:
        ledger = _ledger(servers, f"{error or type(error).__name__}")
        found = stand([ledger, kafka], None, None, None)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        _show(found)
    return found.code


async def _ask_kafka(servers: Servers) -> tuple[ServerFact, Acknowledged | None]:
    try:
        acknowledged = await asyncio.to_thread(read_acknowledgements, servers.kafka)
    except (KafkaUnreachable, UnreadableRecord) as error:
        return ServerFact(name="Kafka", address=servers.kafka, usable=False, detail=str(error)), None
    return ServerFact(name="Kafka", address=servers.kafka, usable=True), acknowledged


async def _ask_ledger(servers: Servers, kafka: ServerFact, acknowledged: Acknowledged | None) -> Standing:
    async with open_ledger(servers) as connection:
        now_ns = time.time_ns()
        overview = await read_overview(connection, now_ns)
        unknown = [
            unknown_fact(intent, await unknown_deadline_ns(connection, intent.strategy_uid), now_ns)
            for intent in await unknown_intents(connection)
        ]
    strategies = strategy_facts(overview.strategies, acknowledged)
    return stand([_ledger(servers), kafka], strategies, overview.halts, unknown)


def _ledger(servers: Servers, detail: str = "") -> ServerFact:
    return ServerFact(name="Ledger", address=address_of(servers.ledger_dsn), usable=not detail, detail=detail)


def _show(found: Standing) -> None:
    out = console()
    out.print(table(("Server", "At", "Usable"), map(_server_cells, found.servers)))
    if found.strategies is not None:
        out.print(
            table(
                ("Strategy", "Mode", "Generation", "Ready", "State"), map(_strategy_cells, found.strategies)
            )
        )
    if found.unknown:
        out.print(
            table(("Unknown intent", "Strategy", "For", "Deadline"), map(_unknown_cells, found.unknown))
        )
    for text in found.attention:
        out.print(text, style="bold")
    if not found.attention:
        out.print("nothing waits for a person", style="bold")


def _server_cells(item: ServerFact) -> tuple[str, ...]:
    return item.name, item.address, "yes" if item.usable else "no"


def _strategy_cells(item: StrategyFact) -> tuple[str, ...]:
    ready = (
        "unknown"
        if item.missing is None
        else f"no: waits for {', '.join(item.missing)}"
        if item.missing
        else "yes"
    )
    state = f"halted: {'; '.join(item.halts)}" if item.halts else "suspended" if item.suspend else "live"
    return item.strategy, item.mode, str(item.generation), ready, state


def _unknown_cells(item: UnknownFact) -> tuple[str, ...]:
    return str(item.intent), item.strategy, age(item.age_s), age(item.deadline_s)
