"""Venues as published: the compiled config, which executors read at every claim."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import msgspec

from hedgerow.ledger.publishers import Publisher, require_publisher
from hedgerow.ledger.stored_config import UnreadableConfig, decode_venue
from hedgerow.strategy.compiled import CompiledVenue


class VenueInUse(ValueError):
    """A strategy still hedges on this venue."""


async def publish_venue(
    connection: Any, venue: CompiledVenue, now_ns: int, publisher: Publisher = Publisher.FILES
) -> None:
    """Make this the venue's current config; executors read it at every claim.

    Raises:
        DeclaredElsewhere: the other publisher declares it.
    """
    async with connection.transaction():
        owner = await connection.fetchval("select publisher from venues where key = $1 for update", venue.key)
        if owner is not None:
            require_publisher(f"Venue {venue.key}", owner, publisher)
        await connection.execute(
            "insert into venues (key, config, published_ns, publisher) values ($1, $2, $3, $4) "
            "on conflict (key) do update set config = excluded.config, published_ns = excluded.published_ns",
            venue.key,
            msgspec.json.encode(venue).decode(),
            now_ns,
            publisher.value,
        )


async def cluster_venues(connection: Any) -> list[str]:
    """Keys of the venues that resources of a cluster declare."""
    rows = await connection.fetch(
        "select key from venues where publisher = $1 order by key", Publisher.CLUSTER.value
    )
    return [row["key"] for row in rows]


async def venue_keys(connection: Any) -> list[str]:
    """Of every venue, whether it can be read or not."""
    return [row["key"] for row in await connection.fetch("select key from venues order by key")]


async def read_venues(connection: Any) -> list[CompiledVenue]:
    """Every venue that can be read, by key. Who claims for another quarantines it."""
    return _readable(await connection.fetch("select config from venues order by key"))


async def find_venues(connection: Any, keys: Iterable[str]) -> list[CompiledVenue]:
    """Those of these venues that there are and that can be read, by key."""
    return _readable(
        await connection.fetch("select config from venues where key = any($1) order by key", list(keys))
    )


async def venues_beside(connection: Any, key: str, account: str) -> list[CompiledVenue]:
    """One venue, and every other whose account is named so, as far as they can be read, by key."""
    return [venue for venue in await read_venues(connection) if venue.key == key or venue.account == account]


async def remove_venue(connection: Any, key: str, publisher: Publisher = Publisher.FILES) -> bool:
    """Take a venue away.

    Returns:
        Whether there was one.

    Raises:
        VenueInUse: a strategy's leg is on it.
        DeclaredElsewhere: the other publisher declares it.
    """
    async with connection.transaction():
        owner = await connection.fetchval("select publisher from venues where key = $1 for update", key)
        if owner is not None:
            require_publisher(f"Venue {key}", owner, publisher)
        user = await connection.fetchval(
            "select s.key from leg_owners o join strategies s on s.uid = o.strategy_uid where o.venue = $1",
            key,
        )
        if user is not None:
            raise VenueInUse(f"venue {key} is used by strategy {user}; delete or move that strategy first")
        gone = await connection.fetchval("delete from venues where key = $1 returning key", key)
    return gone is not None


def _readable(rows: Iterable[Any]) -> list[CompiledVenue]:
    found = []
    for row in rows:
        with suppress(UnreadableConfig):
            found.append(decode_venue(row["config"]))
    return found
