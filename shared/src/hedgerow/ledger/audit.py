"""Replay of decisions: each one made again from the inputs that were stored with it."""

from collections.abc import Callable
from typing import Any

import msgspec

from hedgerow.hedging.decide import decide
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.ledger.connection import allow_silence
from hedgerow.schemas.codec import encode
from hedgerow.schemas.risk_state import RiskState


class ReplayDifference(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that did not come out as it was stored; `replayed` says why when it could not be made again."""

    decision: int
    stored: str
    replayed: str


class ReplayReport(msgspec.Struct, frozen=True, kw_only=True):
    """How many decisions were made again, and those that came out otherwise, by id."""

    decisions: int
    differences: tuple[ReplayDifference, ...]


async def count_decisions(connection: Any, uid: str | None) -> int:
    """How many decisions there are to make again; as `replay_decisions`."""
    count: int = await connection.fetchval(
        "select count(*) from decisions where $1::uuid is null or strategy_uid = $1", uid
    )
    return count


async def replay_decisions(
    connection: Any, uid: str | None, on_decision: Callable[[], None] = lambda: None
) -> ReplayReport:
    """Make every stored decision again and compare it with what was stored, byte by byte.

    Args:
        uid: of one strategy; None for all.
        on_decision: called after each, for those who wait.
    """
    count = 0
    differences = []
    async with connection.transaction(readonly=True):
        await allow_silence(connection)
        # A cursor, because a ledger holds more decisions with their inputs than fit into memory.
        async for row in connection.cursor(
            "select id, risk_state, snapshot, decision from decisions "
            "where $1::uuid is null or strategy_uid = $1 order by id",
            uid,
        ):
            count += 1
            on_decision()
            replayed = _replay(row["risk_state"], row["snapshot"])
            if replayed != row["decision"]:
                differences.append(
                    ReplayDifference(
                        decision=row["id"], stored=_text(row["decision"]), replayed=_text(replayed)
                    )
                )
    return ReplayReport(decisions=count, differences=tuple(differences))


class StoredDecision(msgspec.Struct, frozen=True, kw_only=True):
    """One decision as the ledger has it: its inputs and its result, byte for byte.

    Attributes:
        cause: the id of the input that it was made on; decided_ns: when.
        intents: the orders that it led to.
    """

    id: int
    strategy: str
    generation: int
    cause: str
    decided_ns: int
    risk_state: bytes
    snapshot: bytes
    decision: bytes
    intents: tuple[int, ...]

    def replayed(self) -> bytes:
        """The decision made again; when it cannot be, why, in words."""
        return _replay(self.risk_state, self.snapshot)


async def find_decision(connection: Any, decision: int) -> StoredDecision | None:
    """A past decision, of a deleted strategy as well; None when the ledger has none of this number."""
    row = await connection.fetchrow(
        "select d.id, s.key, d.generation, d.cause, d.decided_ns, d.risk_state, d.snapshot, d.decision, "
        "array(select i.id from intents i where i.decision = d.id order by i.id) as intents "
        "from decisions d join strategies s on s.uid = d.strategy_uid where d.id = $1",
        decision,
    )
    if row is None:
        return None
    number, key, *values, intents = row.values()
    names = ("generation", "cause", "decided_ns", "risk_state", "snapshot", "decision")
    fields = dict(zip(names, values, strict=True))
    return StoredDecision(id=number, strategy=key, intents=tuple(intents), **fields)


async def find_decision_of_intent(connection: Any, intent: int) -> int | None:
    """The number of the decision that an intent came from; None when the ledger has no such intent."""
    found: int | None = await connection.fetchval("select decision from intents where id = $1", intent)
    return found


async def decisions_there(connection: Any) -> tuple[int, int] | None:
    """The numbers of the first and the newest decision; None when there is none."""
    row = await connection.fetchrow("select min(id) as first, max(id) as last from decisions")
    return None if row["first"] is None else (row["first"], row["last"])


def _replay(risk_state: bytes, snapshot: bytes) -> bytes:
    try:
        risk = msgspec.json.decode(risk_state, type=RiskState)
        ledger = msgspec.json.decode(snapshot, type=LedgerSnapshot)
        return encode(decide(risk, ledger))
    except Exception as error:
        # Inputs that were damaged are a finding about this decision, and must not hide those after it.
        return f"cannot be decided again: {error}".encode()


def _text(data: bytes) -> str:
    return data.decode(errors="backslashreplace")
