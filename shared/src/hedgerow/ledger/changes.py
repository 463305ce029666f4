"""What happened since: the steps of intents after a place in each strategy's chain, which has no holes.

A chain's positions are given out under its strategy's lock, so that none appears behind one that was read; ids of
rows are not, which is why nothing here is followed by id.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from hedgerow.ledger.chain import ChainEntry


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a strategy's chain."""

    uid: str
    strategy: str
    position: int
    entry: ChainEntry


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """Steps, each strategy's in order, and what they are about.

    Attributes:
        intents: rows of `intents` with their client order id, by intent.
        fills: every execution of those intents, also such as were there before.
        decisions: rows of the decisions that the steps began with.
        unreadable: by strategy, the entry of its chain that cannot be read, and why; its steps end before it.
    """

    steps: list[Step]
    intents: dict[int, Any]
    fills: list[Any]
    decisions: list[Any]
    unreadable: dict[str, str]


async def read_changes(connection: Any, positions: Mapping[str, int], limit: int) -> Changes:
    """The next steps of every strategy that ever was; one look into an index for each that has none.

    Args:
        positions: by strategy uid, the last position that is known; a strategy that is not in there has none.
        limit: of steps per strategy.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        rows = await connection.fetch(
            "select s.uid, s.key, c.position, c.payload from strategies s "
            "left join unnest($1::uuid[], $2::bigint[]) as known (uid, position) on known.uid = s.uid "
            "cross join lateral (select position, payload from chain where strategy_uid = s.uid "
            "and position > coalesce(known.position, 0) order by position limit $3) c order by s.uid, c.position",
            list(positions),
            list(positions.values()),
            limit,
        )
        steps, unreadable = _steps(rows)
        if not steps:
            return Changes(steps=[], intents={}, fills=[], decisions=[], unreadable=unreadable)
        numbers = list({step.entry.intent for step in steps})
        intents = await connection.fetch(
            "select i.*, o.client_order_id from intents i left join orders o on o.intent = i.id "
            "where i.id = any($1)",
            numbers,
        )
        fills = await connection.fetch("select * from fills where intent = any($1)", numbers)
        begun = list({step.entry.terms.decision for step in steps if step.entry.terms is not None})
        decisions = await connection.fetch(
            "select d.id, d.strategy_uid, s.key, d.version, d.generation, d.cause, d.decision, d.traceparent, "
            "d.decided_ns from decisions d join strategies s on s.uid = d.strategy_uid where d.id = any($1)",
            begun,
        )
    return Changes(
        steps=steps,
        intents={row["id"]: row for row in intents},
        fills=fills,
        decisions=decisions,
        unreadable=unreadable,
    )


def _steps(rows: Iterable[Any]) -> tuple[list[Step], dict[str, str]]:
    """Each strategy's steps up to the first entry that cannot be read: what follows it would leave a hole."""
    steps: list[Step] = []
    unreadable: dict[str, str] = {}
    for row in rows:
        if row["key"] in unreadable:
            continue
        try:
            entry = msgspec.json.decode(row["payload"], type=ChainEntry)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            unreadable[row["key"]] = f"entry {row['position']} of its chain cannot be read: {error}"
            continue
        # An adoption is no step of an intent.
        if entry.adoption is None:
            steps.append(
                Step(uid=str(row["uid"]), strategy=row["key"], position=row["position"], entry=entry)
            )
    return steps, unreadable
