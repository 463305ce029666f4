"""What is written down about a running stack, so that anyone can find it, count it and end it."""

import os
from pathlib import Path

import msgspec

from hedgerow_local.errors import LocalError
from hedgerow_local.owned import ProcessId

# Every process of a stack has this in its environment, with the stack's `run` as the value.
RUN_VARIABLE = "HEDGEROW_STACK_RUN"


class StackState(msgspec.Struct, frozen=True, kw_only=True):
    """One running stack.

    Attributes:
        run: unique to this start; every process of it carries this in its environment.
        owner: the command that started it and will end it.
        supervisor: None until it runs.
        ports: by name: `kafka`, `kafka-controller`, `postgres`, `history`, `exchange` (the venue's REST door),
            `gateway` (the desk's), `redis-1` … and `redis-1-bus` … (where the masters talk), and one per worker where
            `/ready` and `/metrics` answer.
        session_start_ns: when the replay session began.
    """

    run: str
    owner: ProcessId
    supervisor: ProcessId | None
    ports: dict[str, int]
    session_start_ns: int


def claim_state(path: Path, state: StackState) -> None:
    """Write the file of a new stack. Of two that start at the same moment, one gets it.

    Raises:
        LocalError: the file is there.
    """
    aside = _written_aside(path, state)
    try:
        path.hardlink_to(aside)
    except FileExistsError:
        raise LocalError("another stack of this checkout is being started; `make stop` ends it") from None
    finally:
        aside.unlink()


def write_state(path: Path, state: StackState) -> None:
    """Replace the file in one step, so that a reader never sees half of it."""
    _written_aside(path, state).rename(path)


def _written_aside(path: Path, state: StackState) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".{os.getpid()}")
    aside.write_bytes(msgspec.json.format(msgspec.json.encode(state), indent=2))
    return aside


def read_state(path: Path) -> StackState | None:
    """The stack that was started last and not ended, running or not; None when there is none.

    Raises:
        LocalError: the file is not readable as one.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=StackState)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as problem:
        raise LocalError(f"{path} is not readable ({problem}); look for what runs, then delete it") from None
