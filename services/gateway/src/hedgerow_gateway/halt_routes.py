"""`/halts`."""

import time
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from hedgerow.ledger.halts import Halt, HaltTarget, place_halt, release_halt, standing_halts
from hedgerow.ledger.strategies import strategy_keys
from hedgerow.ledger.venues import venue_keys
from hedgerow_gateway.desk_models import (
    HaltAnswer,
    HaltRequest,
    ReleasedAnswer,
    halt_answer,
)
from hedgerow_gateway.door import READERS, RISK, TRADERS_AND_RISK, CallerOf, GuardedRoute, allow
from hedgerow_gateway.keys import Caller
from hedgerow_gateway.ledger_pool import LedgerPool
from hedgerow_gateway.problems import FieldError, Problem, invalid, not_found
from hedgerow_gateway.refusals import refusals

SOURCE = "rest:"

router = APIRouter(prefix="/halts", tags=["halts"], route_class=GuardedRoute)


@router.post("", status_code=201, responses=refusals(400, 408, 413, 415))
@allow(TRADERS_AND_RISK)
async def place(body: HaltRequest, request: Request, caller: CallerOf) -> HaltAnswer:
    """Halt hedging. When the answer comes, no order that was not yet claimed can leave; what is open is cancelled.
    Client orders go on."""
    ledger: LedgerPool = request.app.state.ledger
    target = HaltTarget(kind=body.target.kind.value, name=body.target.name)
    return halt_answer(await ledger.run(partial(_halt, target, body.reason, _source(caller), time.time_ns())))


@router.get("", responses=refusals())
@allow(READERS)
async def list_halts(request: Request) -> list[HaltAnswer]:
    """Every standing halt, whoever placed it, oldest first."""
    ledger: LedgerPool = request.app.state.ledger
    return [halt_answer(halt) for halt in await ledger.run(standing_halts)]


@router.delete("/{halt_id}", responses=refusals(404))
@allow(RISK)
async def release(
    halt_id: Annotated[int, Path(ge=1, le=2**63 - 1)], request: Request, caller: CallerOf
) -> ReleasedAnswer:
    """Release a halt that was placed here, by whatever key; each source releases its own."""
    ledger: LedgerPool = request.app.state.ledger
    await ledger.run(partial(_release, halt_id, caller, time.time_ns()))
    return ReleasedAnswer(id=halt_id)


def _source(caller: Caller) -> str:
    return f"{SOURCE}{caller.name}"


async def _halt(target: HaltTarget, reason: str, source: str, now_ns: int, connection: Any) -> Halt:
    await _require_there(connection, target)
    number = await place_halt(connection, target, source, reason, now_ns)
    return Halt(id=number, target=target, source=source, reason=reason, created_ns=now_ns)


async def _require_there(connection: Any, target: HaltTarget) -> None:
    """A slip of the pen must not be taken for a halt."""
    match target.kind:
        case "All":
            there = [""]
        case "Strategy":
            there = await strategy_keys(connection)
        case "Venue":
            there = await venue_keys(connection)
    if target.name not in there:
        reason = (
            "is empty when everything is halted"
            if target.kind == "All"
            else f"is no {target.kind}; there are: {', '.join(there) or 'none'}"
        )
        raise invalid(FieldError(field="target.name", reason=reason))


async def _release(halt_id: int, caller: Caller, now_ns: int, connection: Any) -> None:
    halt = next((item for item in await standing_halts(connection) if item.id == halt_id), None)
    if halt is None:
        raise not_found(f"no halt {halt_id} stands")
    if not halt.source.startswith(SOURCE):
        raise Problem(
            403, "forbidden", f"halt {halt_id} was placed by {halt.source}; each source releases its own"
        )
    if not await release_halt(connection, halt_id, halt.source, _source(caller), now_ns):
        raise not_found(f"no halt {halt_id} stands")
