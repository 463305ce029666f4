"""How far history goes: the next message that it lacks, per partition, moved in the transaction of the rows.

So a message is in history once: what was written moved the offset, and a rewrite from an old offset finds it moved.
"""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

# A topic and the number of one of its partitions.
Partition = tuple[str, int]


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Messages that Kafka let go of before they were recorded: `start` <= offset < `end`."""

    partition: Partition
    start: int
    end: int


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where to go on reading.

    Attributes:
        gaps: what is lost since.
        begun_anew: partitions whose topic ends before where history was: it is another one of the same name.
    """

    at: dict[Partition, int]
    gaps: list[Gap]
    begun_anew: list[Partition]


class Moved(RuntimeError):
    """Somebody else recorded these messages meanwhile; nothing was written."""


def find_places(
    known: Mapping[Partition, int], first: Mapping[Partition, int], end: Mapping[Partition, int]
) -> Places:
    """Pure. History begins at the first message that is there.

    Args:
        known: where history is; without a partition that it never had.
        first, end: the first offset that Kafka holds of each partition, and the one that its next message will get.
    """
    at, gaps, begun_anew = {}, [], []
    for partition, start in first.items():
        place = known.get(partition, start)
        if place > end[partition]:
            begun_anew.append(partition)
            place = start
        elif place < start:
            gaps.append(Gap(partition=partition, start=place, end=start))
            place = start
        at[partition] = place
    return Places(at=at, gaps=gaps, begun_anew=begun_anew)


async def settle_places(
    connection: Any, first: Mapping[Partition, int], end: Mapping[Partition, int], now_ns: int
) -> Places:
    """Find the places and write them down, with the gaps."""
    async with connection.transaction():
        rows = await connection.fetch(
            "select o.topic, o.partition, o.next_offset from offsets o "
            "join unnest($1::text[], $2::int[]) as n (topic, partition) "
            "on o.topic = n.topic and o.partition = n.partition for update of o",
            *_columns(first),
        )
        places = find_places(
            {(row["topic"], row["partition"]): row["next_offset"] for row in rows}, first, end
        )
        await connection.execute(
            "insert into offsets (topic, partition, next_offset) "
            "select * from unnest($1::text[], $2::int[], $3::bigint[]) "
            "on conflict (topic, partition) do update set next_offset = excluded.next_offset",
            *_columns(places.at),
            list(places.at.values()),
        )
        await connection.executemany(
            "insert into gaps (topic, partition, from_offset, to_offset, noticed_ns) values ($1, $2, $3, $4, $5)",
            [(*gap.partition, gap.start, gap.end, now_ns) for gap in places.gaps],
        )
    return places


async def move_offsets(
    connection: Any,
    was: Mapping[Partition, int],
    to: Mapping[Partition, int],
    minutes: Collection[tuple[str, int]] = (),
) -> None:
    """Move offsets on and mark minutes (see `marks`), inside the caller's transaction, in one round trip.

    Raises:
        Moved: an offset is not where the caller believes; the transaction must not be committed.
    """
    moved = await connection.fetchval(
        "with moved as (update offsets o set next_offset = n.next_offset "
        "from unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[]) as n (topic, partition, was, next_offset) "
        "where o.topic = n.topic and o.partition = n.partition and o.next_offset = n.was returning 1), "
        "marked as (insert into rollup_marks (source, minute_ns) select * from unnest($5::text[], $6::bigint[])) "
        "select count(*) from moved",
        *_columns(to),
        [was[partition] for partition in to],
        list(to.values()),
        [source for source, _ in minutes],
        [minute for _, minute in minutes],
    )
    if moved != len(to):
        raise Moved(f"{len(to) - moved} of {len(to)} partitions were recorded by somebody else")


def _columns(partitions: Mapping[Partition, Any]) -> tuple[list[str], list[int]]:
    return [topic for topic, _ in partitions], [number for _, number in partitions]
