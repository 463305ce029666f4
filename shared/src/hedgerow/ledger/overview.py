"""One consistent reading of every live strategy: what `read_snapshot` reads of one, in seven queries for all."""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import msgspec

from hedgerow.execution.claim_facts import MINUTE_NS, Ceilings
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.ledger.ceilings import read_ceilings
from hedgerow.ledger.halts import Halt, halt_words, standing_halts
from hedgerow.ledger.intents import OPEN_STATES
from hedgerow.ledger.snapshot import gross_limits, snapshot_of
from hedgerow.ledger.stored_config import UnreadableConfig, decode_config
from hedgerow.schemas.records import StrategySummary
from hedgerow.strategy.compiled import CompiledStrategy


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """Every live strategy that can be read, by key. Another is quarantined, which its halt says.

    Attributes:
        sent_last_minute: orders claimed within the last minute, by strategy uid; none is no entry.
        halts: all that stand.
    """

    strategies: tuple[LedgerSnapshot, ...]
    sent_last_minute: dict[str, int]
    halts: list[Halt]


async def read_overview(connection: Any, now_ns: int) -> Overview:
    """The ledger's side of every live strategy.

    Args:
        now_ns: the reader's clock, which decisions on the snapshots will take for the time.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        rows = await connection.fetch(
            "select uid, key, version, generation, config, policy_state from strategies "
            "where deleted_ns is null order by key"
        )
        positions = await connection.fetch(
            "select p.strategy_uid, p.mode, p.venue, p.account, p.instrument, p.quantity from positions p "
            "join strategies s on s.uid = p.strategy_uid where s.deleted_ns is null "
            "order by p.venue, p.account, p.instrument"
        )
        intents = await connection.fetch(
            "select strategy_uid, id, leg, side, quantity, filled_quantity, state, limit_price, time_in_force, "
            "cancel_requested_ns from intents where state = any($1) order by id",
            OPEN_STATES,
        )
        # By account, because that is how orders are indexed by their claim's time.
        sent = await connection.fetch(
            "select i.strategy_uid, count(*) as orders from (select distinct venue, account from leg_owners) l "
            "join orders o on o.venue = l.venue and o.account = l.account and o.claimed_ns > $1 "
            "join intents i on i.id = o.intent group by i.strategy_uid",
            now_ns - MINUTE_NS,
        )
        halts = await standing_halts(connection)
        ceilings = await read_ceilings(connection)
        limits = gross_limits(await connection.fetch("select key, config from venues"))
    held, opened = _by_strategy(positions), _by_strategy(intents)
    strategies = []
    for row in rows:
        with suppress(UnreadableConfig):
            strategies.append(
                _snapshot(row, held[row["uid"]], opened[row["uid"]], halts, now_ns, ceilings, limits)
            )
    return Overview(
        strategies=tuple(strategies),
        sent_last_minute={str(row["strategy_uid"]): row["orders"] for row in sent},
        halts=halts,
    )


def summary_of(snapshot: LedgerSnapshot) -> StrategySummary:
    """What a screen shows of a strategy from the ledger."""
    positions: dict[str, Decimal] = defaultdict(Decimal)
    for held in snapshot.positions:
        positions[held.instrument] += held.quantity
    return StrategySummary(
        strategy=snapshot.config.key,
        uid=snapshot.strategy_uid,
        generation=snapshot.generation,
        mode=snapshot.config.mode.value,
        sequence=snapshot.version,
        time_ns=snapshot.read_ns,
        positions=dict(positions),
        open_intents=len(snapshot.open_intents),
        halts=snapshot.halts,
    )


def stands_against(halt: Halt, config: CompiledStrategy) -> bool:
    """Whether a halt keeps this strategy from sending."""
    match halt.target.kind:
        case "All":
            return True
        case "Venue":
            return any(leg.venue == halt.target.name for leg in config.hedge_with)
        case "Strategy":
            return halt.target.name == config.key


def _by_strategy(rows: Iterable[Any]) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        found[row["strategy_uid"]].append(row)
    return found


def _snapshot(
    row: Any,
    positions: list[Any],
    intents: list[Any],
    halts: list[Halt],
    now_ns: int,
    ceilings: Ceilings,
    limits: dict[str, Decimal],
) -> LedgerSnapshot:
    config = decode_config(row["config"])
    own = [held for held in positions if held["mode"] == config.mode.value]
    against = tuple(
        halt_words(halt.target.kind, halt.target.name, halt.source, halt.reason)
        for halt in halts
        if stands_against(halt, config)
    )
    venues = {leg.venue for leg in config.hedge_with}
    own_limits = {venue: limit for venue, limit in limits.items() if venue in venues}
    return snapshot_of(row, config, own, intents, against, now_ns, ceilings, own_limits)
