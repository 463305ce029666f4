"""Halts: any unreleased row halts. Each source releases its own."""

from typing import Any, Literal

import msgspec

from hedgerow.ledger.connection import close_halt_gate

HALTS_CHANNEL = "hedgerow_halts"

TargetKind = Literal["All", "Venue", "Strategy"]


class HaltTarget(msgspec.Struct, frozen=True, kw_only=True):
    """What is halted: everything, a venue or a strategy by its `namespace/name` (empty for everything)."""

    kind: TargetKind
    name: str = ""


class Halt(msgspec.Struct, frozen=True, kw_only=True):
    """A standing halt."""

    id: int
    target: HaltTarget
    source: str
    reason: str
    created_ns: int


async def place_halt(connection: Any, target: HaltTarget, source: str, reason: str, now_ns: int) -> int:
    """Halt the target. When this returns, no claim that did not see the halt can commit any more.

    Returns:
        The halt's id.
    """
    async with connection.transaction():
        await close_halt_gate(connection)
        halt: int = await connection.fetchval(
            "insert into halts (target_kind, target, source, reason, created_ns) "
            "values ($1, $2, $3, $4, $5) returning id",
            target.kind,
            target.name,
            source,
            reason,
            now_ns,
        )
        await connection.execute("select pg_notify($1, $2)", HALTS_CHANNEL, target.name)
    return halt


async def release_halts(
    connection: Any, target: HaltTarget, source: str, released_by: str, now_ns: int
) -> list[int]:
    """Release this source's halts of the target; those of other sources stand.

    Returns:
        The ids released; empty when there was nothing to release.
    """
    rows = await connection.fetch(
        "update halts set released_ns = $1, released_by = $2 "
        "where target_kind = $3 and target = $4 and source = $5 and released_ns is null returning id",
        now_ns,
        released_by,
        target.kind,
        target.name,
        source,
    )
    return [row["id"] for row in rows]


async def release_halt(connection: Any, halt: int, source: str, released_by: str, now_ns: int) -> bool:
    """Release one halt of this source.

    Returns:
        Whether it stood until now.
    """
    released = await connection.fetchval(
        "update halts set released_ns = $1, released_by = $2 "
        "where id = $3 and source = $4 and released_ns is null returning id",
        now_ns,
        released_by,
        halt,
        source,
    )
    return released is not None


async def standing_halts(connection: Any) -> list[Halt]:
    """Every halt that is not released, oldest first."""
    rows = await connection.fetch("select * from halts where released_ns is null order by id")
    return [
        Halt(
            id=row["id"],
            target=HaltTarget(kind=row["target_kind"], name=row["target"]),
            source=row["source"],
            reason=row["reason"],
            created_ns=row["created_ns"],
        )
        for row in rows
    ]


async def halts_against(connection: Any, strategy: str, venues: list[str]) -> tuple[str, ...]:
    """Reasons of the halts that stand against a strategy or any of the venues; empty when none does."""
    rows = await connection.fetch(
        "select target_kind, target, source, reason from halts where released_ns is null and "
        "(target_kind = 'All' or (target_kind = 'Strategy' and target = $1) "
        "or (target_kind = 'Venue' and target = any($2))) order by id",
        strategy,
        venues,
    )
    return tuple(halt_words(*row) for row in rows)


def halt_words(target_kind: str, target: str, source: str, reason: str) -> str:
    """A standing halt as a reason not to send."""
    return f"{f'{target_kind} {target}'.strip()} halted by {source}: {reason}"
