"""Replay of decisions: each one made again from the inputs that were stored with it."""

from collections.abc import Callable
from typing import Any

import msgspec

from hedgerow.hedging.decide import decide
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import RiskState


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
