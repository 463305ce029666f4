"""`hedgerow halt` and `hedgerow release`. This source releases only its own halts."""

import getpass
import time
from typing import Any

from hedgerow.cli.exits import ExitCode, Refused, UsageError
from hedgerow.cli.names import key_of
from hedgerow.cli.servers import Servers, open_ledger
from hedgerow.ledger.halts import HaltTarget, place_halt, release_halts, standing_halts
from hedgerow.ledger.strategies import strategy_keys
from hedgerow.ledger.venues import venue_keys

SOURCE = "cli"
# Placed by the system for what only a person can judge.
FOR_A_PERSON = ("executor", "ledger", "quarantine")


def target_of(strategy: str | None, venue: str | None, everything: bool, namespace: str) -> HaltTarget:
    """The one target that the options name.

    Raises:
        UsageError: they name none, or several.
    """
    targets = []
    if strategy:
        targets.append(HaltTarget(kind="Strategy", name=key_of(strategy, namespace)))
    if venue:
        targets.append(HaltTarget(kind="Venue", name=key_of(venue, namespace)))
    if everything:
        targets.append(HaltTarget(kind="All"))
    if len(targets) != 1:
        raise UsageError("name one target: --strategy NAME, --venue NAME or --all")
    return targets[0]


async def halt(servers: Servers, target: HaltTarget, reason: str) -> ExitCode:
    """Halt; when this returns, no order that was not yet claimed can leave.

    Raises:
        Refused: there is no such target, so that a slip of the pen is not taken for a halt.
    """
    require_reason(reason)
    async with open_ledger(servers) as connection:
        await _require_there(connection, target)
        number = await place_halt(connection, target, SOURCE, reason.strip(), time.time_ns())
    print(
        f"{_shown(target)} halted (halt {number}); nothing is sent until `hedgerow release` of the same target"
    )
    return ExitCode.OK


def require_reason(reason: str) -> None:
    """
    Raises:
        UsageError: it is empty.
    """
    if not reason.strip():
        raise UsageError("--reason is empty; say why, for those who find the halt later")


async def release(servers: Servers, target: HaltTarget, source: str = SOURCE) -> ExitCode:
    """Release one source's halts of the target: this one's, or those of a source that waits for a person.

    Raises:
        Refused: there is none.
        UsageError: the source releases its own.
    """
    if source not in (SOURCE, *FOR_A_PERSON):
        raise UsageError(
            f'"{source}" releases its own halts; from here: {", ".join((SOURCE, *FOR_A_PERSON))}'
        )
    async with open_ledger(servers) as connection:
        who = f"{SOURCE}:{getpass.getuser()}"
        released = await release_halts(connection, target, source, who, time.time_ns())
        standing = await standing_halts(connection)
    others = [f"halt {item.id} of {_shown(item.target)} by {item.source}: {item.reason}" for item in standing]
    if not released:
        raise Refused(
            f"{_shown(target)} has no halt of source {source} to release; standing: {'; '.join(others) or 'none'}"
        )
    print(f"{_shown(target)} released (halt {', '.join(map(str, released))})")
    for text in others:
        print(f"still standing: {text}")
    return ExitCode.OK


async def _require_there(connection: Any, target: HaltTarget) -> None:
    match target.kind:
        case "All":
            return
        case "Strategy":
            there = await strategy_keys(connection)
        case "Venue":
            there = await venue_keys(connection)
    if target.name not in there:
        raise Refused(
            f"nothing was halted: there is no {target.kind} {target.name}; there are: {', '.join(there) or 'none'}"
        )


def _shown(target: HaltTarget) -> str:
    return "Everything" if target.kind == "All" else f"{target.kind} {target.name}"
