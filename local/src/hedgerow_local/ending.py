"""Ends a stack, whoever started it and however much of it still runs."""

import contextlib
import os
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from hedgerow_local.errors import LocalError
from hedgerow_local.layout import Layout
from hedgerow_local.owned import end_all, marked_processes, still_running
from hedgerow_local.postgres import STOP_GRACE_S, STOP_SIGNAL, running_postmaster
from hedgerow_local.processes import STOP_ORDER
from hedgerow_local.state import RUN_VARIABLE, StackState, read_state
from hedgerow_local.supervisor import Supervisor

PROGRAM_DEADLINE_S = 30.0
SUPERVISOR_GRACE_S = 10.0
OWNER_DEADLINE_S = 120.0


def end_stack(layout: Layout, state: StackState) -> None:
    """End every process of this stack, in order where its supervisor still answers, and forget the stack.

    Raises:
        LocalError: something of it could not be ended.
    """
    supervisor = state.supervisor.find() if state.supervisor else None
    if supervisor is not None:
        _end_in_order(layout, supervisor)
    _end_postgres(layout.postgres)
    _end_postgres(layout.history)
    end_all(marked_processes(RUN_VARIABLE, state.run), SUPERVISOR_GRACE_S)
    left = marked_processes(RUN_VARIABLE, state.run)
    if left:
        raise LocalError(f"these processes could not be ended: {', '.join(str(p.pid) for p in left)}")
    layout.supervisor_socket.unlink(missing_ok=True)
    layout.environment.unlink(missing_ok=True)
    layout.state.unlink(missing_ok=True)


def _end_in_order(layout: Layout, process: psutil.Process) -> None:
    """What does not end this way, or cannot be asked any more, is ended by its mark afterwards."""
    commands = Supervisor(layout.supervisor_socket)
    with contextlib.suppress(LocalError):
        there = commands.status()
        for names in STOP_ORDER:
            commands.stop([name for name in names if name in there], PROGRAM_DEADLINE_S)
        commands.shut_down()
        still_running([process], SUPERVISOR_GRACE_S)


def _end_postgres(data: Path) -> None:
    """Its lock file names it even when the supervisor that ran it is gone."""
    server = running_postmaster(data.resolve())
    if server is None:
        return
    server.send_signal(STOP_SIGNAL)
    end_all(still_running([server], STOP_GRACE_S), SUPERVISOR_GRACE_S)


def stop(layout: Layout) -> str:
    """End the stack of this checkout: through the command that owns it while that lives, else directly.

    Returns:
        What was done, in words.

    Raises:
        LocalError: it could not be ended.
    """
    state = read_state(layout.state)
    if state is None:
        return "Nothing runs."
    owner = state.owner.find()
    if owner is not None and owner.pid != os.getpid():
        owner.terminate()
        if still_running([owner], OWNER_DEADLINE_S):
            raise LocalError(
                f"process {owner.pid}, which owns the stack, did not end in {OWNER_DEADLINE_S:.0f} s"
            )
    remains = read_state(layout.state)
    if remains is not None:
        end_stack(layout, remains)
    return "Stopped."


def clear_the_way(layout: Layout) -> bool:
    """Make sure that no other stack of this checkout runs before a new one starts.

    Returns:
        Whether the remains of a killed run had to be ended.

    Raises:
        LocalError: one runs and its owner lives.
    """
    state = read_state(layout.state)
    if state is None:
        return False
    owner = state.owner.find()
    if owner is not None and owner.pid != os.getpid():
        raise LocalError(f"the stack already runs, started by process {owner.pid}; `make stop` ends it")
    end_stack(layout, state)
    return True
