"""`hedgerow replay`: one past decision, made again from its stored inputs and told in words."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from hedgerow.cli.exits import ExitCode, Refused, UsageError, complain
from hedgerow.cli.explain import show_past
from hedgerow.cli.explanation import explain_past
from hedgerow.cli.servers import Servers, open_ledger
from hedgerow.hedging.decision import Decision
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.ledger.audit import StoredDecision, decisions_there, find_decision, find_decision_of_intent
from hedgerow.schemas.risk_state import RiskState


async def replay(servers: Servers, decision: int | None, intent: int | None, as_json: bool) -> ExitCode:
    """Show what a decision saw and came to, and whether it comes to the same bytes again.

    Raises:
        Refused: the ledger has no such decision. UsageError: none is named, or two.
    """
    if (decision is None) == (intent is None):
        raise UsageError("name one decision by its number, or --intent and one of its intents")
    stored = await _find(servers, decision, intent)
    replayed = stored.replayed()
    same = replayed == stored.decision
    if as_json:
        print(_as_json(stored, replayed))
    else:
        _show(stored, same)
    if not same:
        complain(
            f"decision {stored.id} was {_text(stored.decision)}; from its inputs it is {_text(replayed)}"
        )
    return ExitCode.OK if same else ExitCode.DIFFERENT


async def _find(servers: Servers, decision: int | None, intent: int | None) -> StoredDecision:
    async with open_ledger(servers) as connection:
        number = decision
        if intent is not None:
            number = await find_decision_of_intent(connection, intent)
        found = None if number is None else await find_decision(connection, number)
        if found is not None:
            return found
        there = await decisions_there(connection)
    asked = f"decision {decision}" if intent is None else f"intent {intent}"
    has = "no decision yet" if there is None else f"decisions {there[0]} to {there[1]}"
    raise Refused(
        f"the ledger has no {asked}; it has {has}. Only decisions to trade are stored, holds are not"
    )


def _show(stored: StoredDecision, same: bool) -> None:
    when = datetime.fromtimestamp(stored.decided_ns // 1_000_000_000, UTC)
    print(
        f"decision {stored.id} of {stored.strategy}, generation {stored.generation}, "
        f"{when:%Y-%m-%d %H:%M:%S}.{stored.decided_ns % 1_000_000_000:09d} UTC, caused by {stored.cause}"
    )
    try:
        risk = msgspec.json.decode(stored.risk_state, type=RiskState)
        ledger = msgspec.json.decode(stored.snapshot, type=LedgerSnapshot)
        decision: Decision = msgspec.json.decode(stored.decision, type=Decision)
        show_past(explain_past(risk, ledger, decision), ledger.read_ns)
    except (msgspec.DecodeError, UnicodeDecodeError, LookupError) as error:
        complain(f"what it saw cannot be told: {error}")
    if stored.intents:
        print(f"its intents: {', '.join(map(str, stored.intents))}")
    if same:
        print(f"made again it comes out the same, all {len(stored.decision)} bytes")


def _as_json(stored: StoredDecision, replayed: bytes) -> str:
    """The stored texts stand in it as they are, byte for byte, where they are JSON."""
    told = {
        "decision": stored.id,
        "strategy": stored.strategy,
        "generation": stored.generation,
        "cause": stored.cause,
        "decided_ns": stored.decided_ns,
        "intents": stored.intents,
        "identical": replayed == stored.decision,
        "risk_state": _raw(stored.risk_state),
        "snapshot": _raw(stored.snapshot),
        "stored": _raw(stored.decision),
        "replayed": _raw(replayed),
    }
    return msgspec.json.encode(told).decode()


def _raw(text: bytes) -> Any:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _text(text)
    return msgspec.Raw(text)


def _text(data: bytes) -> str:
    return data.decode(errors="backslashreplace")
