"""Makes a generation current: first the ledger, then the `strategies` topic.

What the topic says must not fall behind the ledger, so publishers take turns: whoever writes holds the
ledger's publish gate until the topic has confirmed. A send that fails leaves the ledger ahead; publishing again
heals it.
"""

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any

import msgspec

from hedgerow.ledger.connection import PUBLISH_GATE
from hedgerow.ledger.continuity import arrive
from hedgerow.ledger.publishers import DeclaredElsewhere, Publisher
from hedgerow.ledger.strategies import (
    LegConflict,
    PositionOpen,
    ResourceId,
    find_readable_strategy,
    publish_strategy,
    read_strategies,
    remove_strategy,
)
from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import StrategyPublished
from hedgerow.schemas.topics import STRATEGIES
from hedgerow.strategy.compile import revision_of
from hedgerow.strategy.compiled import CompiledStrategy
from hedgerow.streams.sender import Sender

# What the ledger says no with.
PublicationRefused = LegConflict | PositionOpen | DeclaredElsewhere


class Change(StrEnum):
    CREATED = "created"
    CONFIGURED = "configured"
    UNCHANGED = "unchanged"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A config to make current. `resource`: of a cluster, which declares it; None when files do."""

    config: CompiledStrategy
    resource: ResourceId | None = None


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """What is current now, and whether this call made it so."""

    change: Change
    published: StrategyPublished


async def publish(
    connection: Any, sender: Sender, config: CompiledStrategy, resource: ResourceId | None = None
) -> Publication:
    """Make this config the strategy's current generation. The topic gets it even when nothing changed.

    Args:
        resource: of a cluster, which declares it; None when files do.

    Raises:
        LegConflict, PositionOpen, DeclaredElsewhere: the ledger refused it and nothing changed.
        KafkaUnreachable: the topic could not be written.
    """
    (outcome,) = await publish_all(connection, sender, [Wanted(config=config, resource=resource)])
    if isinstance(outcome, Publication):
        return outcome
    raise outcome


async def publish_all(
    connection: Any, sender: Sender, wanted: Iterable[Wanted]
) -> list[Publication | PublicationRefused]:
    """`publish` for many in one turn: each by itself in the ledger, all of them in one go to the topic.

    Returns:
        For each what is current now, or why the ledger refused it.

    Raises:
        KafkaUnreachable: the topic could not be written.
    """
    await sender.require_topic(STRATEGIES.name)
    async with _turn(connection):
        outcomes = [await _make_current(connection, item) for item in wanted]
        await _send(sender, (item.published for item in outcomes if isinstance(item, Publication)))
    return outcomes


async def _make_current(connection: Any, wanted: Wanted) -> Publication | PublicationRefused:
    config = wanted.config
    before = await find_readable_strategy(connection, config.key)
    try:
        published = await publish_strategy(
            connection, config, revision_of(config), time.time_ns(), wanted.resource
        )
    except (LegConflict, PositionOpen, DeclaredElsewhere) as error:
        return error
    if before is None:
        return Publication(change=Change.CREATED, published=published)
    same = (before.uid, before.generation) == (published.uid, published.generation)
    return Publication(change=Change.UNCHANGED if same else Change.CONFIGURED, published=published)


async def publish_again(connection: Any, sender: Sender) -> list[StrategyPublished]:
    """Send every current strategy to the topic once more, which heals whatever an earlier publisher failed to send.

    Raises:
        KafkaUnreachable: the topic could not be written.
    """
    await sender.require_topic(STRATEGIES.name)
    async with _turn(connection):
        current = await read_strategies(connection)
        await _send(sender, current)
    return current


async def withdraw(
    connection: Any, sender: Sender, key: str, publisher: Publisher = Publisher.FILES
) -> StrategyPublished | None:
    """Take a strategy away. The tombstone is sent even when the ledger has none: an earlier one may be lost.

    Returns:
        What was current, or None when there was no such strategy.

    Raises:
        DeclaredElsewhere: the other publisher declares it.
        KafkaUnreachable: the topic could not be written.
    """
    await sender.require_topic(STRATEGIES.name)
    async with _turn(connection):
        removed = await remove_strategy(connection, key, time.time_ns(), publisher)
        await sender.send(STRATEGIES.name, key, None)
    return removed


async def _send(sender: Sender, published: Iterable[StrategyPublished]) -> None:
    await sender.send_all(STRATEGIES.name, ((item.config.key, encode(item)) for item in published))


@asynccontextmanager
async def _turn(connection: Any) -> AsyncIterator[None]:
    await connection.execute("select pg_advisory_lock($1)", PUBLISH_GATE)
    try:
        # Whoever comes first to a ledger that was restored or promoted says so: generations go on from another number.
        await arrive(connection, time.time_ns())
        yield
    finally:
        await connection.execute("select pg_advisory_unlock($1)", PUBLISH_GATE)
