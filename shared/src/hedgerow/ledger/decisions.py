"""Committing a decision: compare-and-set on the strategy's version, then its intents, in one transaction."""

from typing import Any

import msgspec

from hedgerow.hedging.decision import Cancel, Decision, Hedge, NewIntent
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.ledger import chain
from hedgerow.ledger.connection import take_halt_gate
from hedgerow.ledger.halts import halts_against
from hedgerow.ledger.outcomes import request_cancel
from hedgerow.schemas.codec import encode
from hedgerow.schemas.risk_state import RiskState

INTENTS_CHANNEL = "hedgerow_intents"


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a decision came from: the id of the input that caused it, when each stage took it up, its trace."""

    cause: str
    stages: str
    traceparent: str


class Committed(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that is in the ledger, and the ids of its intents."""

    decision: int
    intents: tuple[int, ...]


async def commit_decision(
    connection: Any, risk: RiskState, ledger: LedgerSnapshot, hedge: Hedge, trace: Trace
) -> Committed | None:
    """Write the hedge if the ledger still is what it was decided on. A halt stops orders, and no cancel.

    Returns:
        What was written; None when another worker, a fill, a new generation or a halt came first: read the
        ledger again and decide anew.
    """
    venues = sorted({leg.venue for leg in ledger.config.hedge_with})
    async with connection.transaction():
        await take_halt_gate(connection)
        if hedge.intents and await halts_against(connection, ledger.config.key, venues):
            return None
        won = await connection.fetchval(
            "update strategies set version = version + 1, policy_state = $4 "
            "where uid = $1 and version = $2 and generation = $3 and deleted_ns is null returning key",
            ledger.strategy_uid,
            ledger.version,
            ledger.generation,
            msgspec.json.encode(hedge.policy_state).decode(),
        )
        if won is None:
            return None
        decision, digest = await _insert_decision(connection, risk, ledger, hedge, trace)
        intents = [
            await _insert_intent(connection, decision, digest, ledger, intent) for intent in hedge.intents
        ]
        for cancel in hedge.cancels:
            await _request(connection, cancel, ledger)
    return Committed(decision=decision, intents=tuple(intents))


async def _insert_decision(
    connection: Any, risk: RiskState, ledger: LedgerSnapshot, hedge: Decision, trace: Trace
) -> tuple[int, str]:
    inputs_and_result = (encode(risk), encode(ledger), encode(hedge))
    decision: int = await connection.fetchval(
        "insert into decisions (strategy_uid, version, generation, risk_state, snapshot, decision, cause, "
        "stages, traceparent, decided_ns) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id",
        ledger.strategy_uid,
        ledger.version,
        ledger.generation,
        *inputs_and_result,
        trace.cause,
        trace.stages,
        trace.traceparent,
        ledger.read_ns,
    )
    return decision, chain.digest(*inputs_and_result)


async def _request(connection: Any, cancel: Cancel, ledger: LedgerSnapshot) -> None:
    intent = await request_cancel(
        connection, cancel.intent, f"cancel decided: {cancel.reason}: {cancel.detail}", ledger.read_ns
    )
    await connection.execute("select pg_notify($1, $2)", INTENTS_CHANNEL, intent.venue)


async def _insert_intent(
    connection: Any, decision: int, digest: str, ledger: LedgerSnapshot, intent: NewIntent
) -> int:
    intent_id: int = await connection.fetchval(
        "insert into intents (decision, strategy_uid, generation, leg, mode, venue, account, instrument, side, "
        "quantity, limit_price, time_in_force, state, decided_ns) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'Decided', $13) returning id",
        decision,
        ledger.strategy_uid,
        ledger.generation,
        intent.leg,
        ledger.config.mode.value,
        intent.venue,
        intent.account,
        intent.instrument,
        intent.side.value,
        intent.quantity,
        intent.limit_price,
        intent.time_in_force.value,
        ledger.read_ns,
    )
    entry = chain.entry_of_decision(intent_id, decision, digest, ledger, intent)
    await chain.append(connection, ledger.strategy_uid, entry)
    await connection.execute("select pg_notify($1, $2)", INTENTS_CHANNEL, intent.venue)
    return intent_id
