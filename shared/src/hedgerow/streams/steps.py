"""Named steps at which the fault rig may kill or stop a process.

A rig sets `HEDGEROW_STEPS_DIR` and puts a file `<step>.SIGKILL` or `<step>.SIGSTOP` there; the first process that
reaches the step takes the file away (its new name proves that the step was reached, and by whom) and gets the
signal. Without the variable a step costs one comparison.
"""

import os
import signal
from pathlib import Path

_DIR = os.environ.get("HEDGEROW_STEPS_DIR")


def reached(step: str) -> None:
    """Say that a step was reached; returns unless a rig waits for it."""
    if _DIR is None:
        return
    for name in ("SIGKILL", "SIGSTOP"):
        armed = Path(_DIR) / f"{step}.{name}"
        taken = armed.with_suffix(f".{name}.{os.getpid()}.reached")
        try:
            armed.rename(taken)
        except FileNotFoundError:
            continue
        os.kill(os.getpid(), signal.Signals[name])
