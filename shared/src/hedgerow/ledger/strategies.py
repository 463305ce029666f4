"""Strategies as published: uid, generation and compiled config. "Current generation" means this row."""

import time
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import msgspec

from hedgerow.ledger.connection import take_publish_gate
from hedgerow.ledger.intents import OPEN_STATES
from hedgerow.ledger.publishers import Publisher, require_publisher
from hedgerow.ledger.quarantine import quarantine_strategy, quarantine_unreadable
from hedgerow.ledger.stored_config import UnreadableConfig, decode_config
from hedgerow.schemas.records import StrategyPublished
from hedgerow.strategy.compiled import CompiledStrategy, Leg


class LegConflict(ValueError):
    """Another strategy already owns a (venue account, instrument) of `hedgeWith`."""


class PositionOpen(ValueError):
    """`mode` or `hedgeWith` may not change while the strategy holds a position or has an open intent."""


class ResourceId(msgspec.Struct, frozen=True, kw_only=True):
    """A resource of a cluster: its uid becomes the strategy's, its generation the least that is published."""

    uid: str
    generation: int


async def publish_strategy(
    connection: Any, config: CompiledStrategy, revision: str, now_ns: int, resource: ResourceId | None = None
) -> StrategyPublished:
    """Make this config the current generation. An unchanged revision keeps its generation, unless that was given before
    the ledger was restored or promoted.

    What of the one before cannot be read is quarantined: nothing is remembered of it, and it is halted.

    Args:
        resource: of a cluster, which declares it; None when files do. A resource's new generation is published even
            when its config is the same, so that who waits for it sees it run.

    Raises:
        LegConflict, PositionOpen, DeclaredElsewhere: nothing was changed; the message says which and what to do.
    """
    text = msgspec.json.encode(config).decode()
    publisher = Publisher.FILES if resource is None else Publisher.CLUSTER
    known = await connection.fetchval(
        "select uid from strategies where key = $1 and deleted_ns is null", config.key
    )
    unreadable = known is not None and await quarantine_unreadable(connection, known, now_ns)
    async with connection.transaction():
        await take_publish_gate(connection)
        row = await connection.fetchrow(
            "select uid, generation, revision, config, published_ns, publisher from strategies "
            "where key = $1 and deleted_ns is null for update",
            config.key,
        )
        if row is not None:
            require_publisher(f"HedgeStrategy {config.key}", row["publisher"], publisher)
        if row is not None and resource is not None and str(row["uid"]) != resource.uid:
            # The resource was deleted and made anew while nobody looked: another strategy of the same name.
            await _remove(connection, row["uid"], now_ns)
            row = None
        # Below it, workers may know the number with another config: from before a promotion.
        least = await connection.fetchval("select generations_from from ledger_identity")
        if resource is not None:
            least = max(least, resource.generation)
        same = row is not None and row["revision"] == revision and row["generation"] >= least
        if same and not unreadable:
            return _published(row)
        if row is None and resource is not None:
            # Withdrawn although its resource stands, by a sweep that had not seen it: it goes on under its uid.
            row = await connection.fetchrow(
                "select uid, generation, config from strategies where uid = $1 for update",
                uuid.UUID(resource.uid),
            )
        uid = row["uid"] if row else uuid.UUID(resource.uid) if resource else uuid.uuid4()
        generation = max(row["generation"] + 1, least) if row else least
        if row is not None:
            if unreadable:
                await _require_same_legs(connection, uid, config)
            else:
                await _require_flat_when_moving(connection, uid, decode_config(row["config"]), config)
            await connection.execute(
                "update strategies set generation = $2, revision = $3, config = $4, published_ns = $5, "
                "policy_state = case when $6 then '{}' else policy_state end, "
                "version = version + 1, deleted_ns = null where uid = $1",
                uid,
                generation,
                revision,
                text,
                now_ns,
                unreadable,
            )
        else:
            await connection.execute(
                "insert into strategies (uid, key, generation, revision, config, published_ns, publisher) "
                "values ($1, $2, $3, $4, $5, $6, $7)",
                uid,
                config.key,
                generation,
                revision,
                text,
                now_ns,
                publisher.value,
            )
        await connection.execute(
            "insert into generations (strategy_uid, generation, revision, config, published_ns) "
            "values ($1, $2, $3, $4, $5)",
            uid,
            generation,
            revision,
            text,
            now_ns,
        )
        await _own_legs(connection, uid, config)
    return StrategyPublished(
        uid=str(uid), generation=generation, revision=revision, published_ns=now_ns, config=config
    )


async def require_publishable(connection: Any, config: CompiledStrategy) -> None:
    """Ask whether `publish_strategy` would take this config now; nothing is changed.

    Raises:
        LegConflict, PositionOpen: what `publish_strategy` would raise.
    """
    row = await connection.fetchrow(
        "select uid, config from strategies where key = $1 and deleted_ns is null", config.key
    )
    if row is not None:
        try:
            before = decode_config(row["config"])
        except UnreadableConfig:
            await _require_same_legs(connection, row["uid"], config)
        else:
            await _require_flat_when_moving(connection, row["uid"], before, config)
    for leg in config.hedge_with:
        other = await connection.fetchval(
            "select s.key from leg_owners o join strategies s on s.uid = o.strategy_uid "
            "where (o.venue, o.account, o.instrument) = ($1, $2, $3) and s.key <> $4",
            leg.venue,
            leg.account,
            leg.instrument.symbol,
            config.key,
        )
        if other is not None:
            raise _leg_conflict(leg, other)


async def remove_strategy(
    connection: Any, key: str, now_ns: int, publisher: Publisher = Publisher.FILES
) -> StrategyPublished | None:
    """Take a strategy away. Its history, its intents and its position stay in the ledger.

    Returns:
        What was current, or None when there was no such strategy.

    Raises:
        DeclaredElsewhere: the other publisher declares it.
    """
    async with connection.transaction():
        row = await connection.fetchrow(
            "select uid, generation, revision, config, published_ns, publisher from strategies "
            "where key = $1 and deleted_ns is null for update",
            key,
        )
        if row is None:
            return None
        require_publisher(f"HedgeStrategy {key}", row["publisher"], publisher)
        await _remove(connection, row["uid"], now_ns)
    return _published(row)


async def _remove(connection: Any, uid: uuid.UUID, now_ns: int) -> None:
    await connection.execute(
        "update strategies set deleted_ns = $2, version = version + 1 where uid = $1", uid, now_ns
    )
    await connection.execute("delete from leg_owners where strategy_uid = $1", uid)


async def read_strategies(connection: Any) -> list[StrategyPublished]:
    """Every live strategy that can be read, by key. Who decides or claims for another quarantines it."""
    rows = await connection.fetch(
        "select uid, generation, revision, config, published_ns from strategies "
        "where deleted_ns is null order by key"
    )
    return _readable(rows)


async def strategy_keys(connection: Any) -> list[str]:
    """Of every live strategy, whether it can be read or not."""
    rows = await connection.fetch("select key from strategies where deleted_ns is null order by key")
    return [row["key"] for row in rows]


async def strategies_on_venue(
    connection: Any, venue: str, known: Mapping[str, int] | None = None
) -> list[StrategyPublished]:
    """Every live strategy that owns a leg on this venue, by key. What cannot be read is quarantined and left out.

    Args:
        known: generations by uid; a strategy that is still at its known one is left out.
    """
    known = known or {}
    rows = await connection.fetch(
        "select key, uid, generation, revision, config, published_ns from strategies where deleted_ns is null "
        "and uid in (select strategy_uid from leg_owners where venue = $1) "
        "and (uid, generation) not in (select * from unnest($2::uuid[], $3::bigint[])) order by key",
        venue,
        list(known),
        list(known.values()),
    )
    found = []
    for row in rows:
        try:
            found.append(_published(row))
        except UnreadableConfig as error:
            await quarantine_strategy(connection, row["key"], row["config"], str(error), time.time_ns())
    return found


async def hedged_instruments(connection: Any, venues: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """What live strategies hedge with on each of these Venues, sorted."""
    rows = await connection.fetch(
        "select venue, array_agg(distinct instrument order by instrument) as instruments from leg_owners "
        "where venue = any($1) group by venue",
        list(venues),
    )
    return {row["venue"]: tuple(row["instruments"]) for row in rows}


async def find_strategy(connection: Any, key: str) -> StrategyPublished | None:
    """The current generation of one strategy.

    Raises:
        UnreadableConfig: it is there, and cannot be read.
    """
    row = await connection.fetchrow(
        "select uid, generation, revision, config, published_ns from strategies "
        "where key = $1 and deleted_ns is null",
        key,
    )
    return None if row is None else _published(row)


async def find_readable_strategy(connection: Any, key: str) -> StrategyPublished | None:
    """As `find_strategy`, for who publishes it anew: None also when it cannot be read."""
    try:
        return await find_strategy(connection, key)
    except UnreadableConfig:
        return None


async def cluster_strategies(connection: Any) -> list[StrategyPublished]:
    """Every live strategy that resources of a cluster declare, and that can be read, by key."""
    rows = await connection.fetch(
        "select uid, generation, revision, config, published_ns from strategies "
        "where deleted_ns is null and publisher = $1 order by key",
        Publisher.CLUSTER.value,
    )
    return _readable(rows)


def _published(row: Any) -> StrategyPublished:
    return StrategyPublished(
        uid=str(row["uid"]),
        generation=row["generation"],
        revision=row["revision"],
        published_ns=row["published_ns"],
        config=decode_config(row["config"]),
    )


def _readable(rows: Iterable[Any]) -> list[StrategyPublished]:
    found = []
    for row in rows:
        with suppress(UnreadableConfig):
            found.append(_published(row))
    return found


def _legs(config: CompiledStrategy) -> set[tuple[int, str, str, str]]:
    return {(leg.index, leg.venue, leg.account, leg.instrument.symbol) for leg in config.hedge_with}


async def _require_flat_when_moving(
    connection: Any, uid: uuid.UUID, before: CompiledStrategy, after: CompiledStrategy
) -> None:
    if before.mode is after.mode and _legs(before) == _legs(after):
        return
    held = await connection.fetchrow(
        "select instrument, quantity from positions where strategy_uid = $1 and quantity <> 0", uid
    )
    if held is not None:
        raise PositionOpen(
            f"{after.key}: mode and hedgeWith cannot change while the hedge holds {held['quantity']:f} contracts of "
            f"{held['instrument']}; flatten it first, or put the old values back"
        )
    open_intent = await connection.fetchval(
        "select id from intents where strategy_uid = $1 and state in "
        "('Decided', 'Sending', 'Accepted', 'PartiallyFilled', 'Unknown')",
        uid,
    )
    if open_intent is not None:
        raise PositionOpen(
            f"{after.key}: mode and hedgeWith cannot change while intent {open_intent} is open; "
            "suspend the strategy, wait for it to conclude, then change it"
        )


async def _require_same_legs(connection: Any, uid: uuid.UUID, after: CompiledStrategy) -> None:
    """Where the legs before cannot be read: what is held, and what is open, has to be on one of these."""
    stray = await connection.fetchval(
        "select instrument from (select instrument, venue, account, mode from positions "
        "where strategy_uid = $1 and quantity <> 0 union all "
        "select instrument, venue, account, mode from intents where strategy_uid = $1 and state = any($2)) there "
        "where mode <> $3 or (venue, account, instrument) not in "
        "(select * from unnest($4::text[], $5::text[], $6::text[]))",
        uid,
        OPEN_STATES,
        after.mode.value,
        [leg.venue for leg in after.hedge_with],
        [leg.account for leg in after.hedge_with],
        [leg.instrument.symbol for leg in after.hedge_with],
    )
    if stray is not None:
        raise PositionOpen(
            f"{after.key}: its config in the ledger cannot be read, and its hedge in {stray} is on no leg of this one; "
            "put the mode and the hedgeWith that it had back"
        )


async def _own_legs(connection: Any, uid: uuid.UUID, config: CompiledStrategy) -> None:
    await connection.execute("delete from leg_owners where strategy_uid = $1", uid)
    for leg in config.hedge_with:
        owner = await connection.fetchval(
            "insert into leg_owners (venue, account, instrument, strategy_uid) values ($1, $2, $3, $4) "
            "on conflict (venue, account, instrument) do update set venue = excluded.venue "
            "returning strategy_uid",
            leg.venue,
            leg.account,
            leg.instrument.symbol,
            uid,
        )
        if owner != uid:
            other = await connection.fetchval("select key from strategies where uid = $1", owner)
            raise _leg_conflict(leg, other)


def _leg_conflict(leg: Leg, owner: str) -> LegConflict:
    return LegConflict(
        f"{leg.instrument.symbol} on {leg.venue} account {leg.account} already belongs to strategy {owner}; "
        "one account's instrument hedges one strategy"
    )
