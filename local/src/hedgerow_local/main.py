"""`hedgerow-local`: what `make demo`, `stop`, `status`, `logs` and `doctor` call."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from hedgerow.adapters.synthetic.scenarios import Scenario
from hedgerow_local import asking, doctor, ending, generated, processes
from hedgerow_local.demo import Demo
from hedgerow_local.errors import LocalError
from hedgerow_local.interrupts import Terminated
from hedgerow_local.layout import find_layout
from hedgerow_local.owned import log_tail
from hedgerow_local.scenario import read_scenario
from hedgerow_local.state import StackState, read_state
from hedgerow_local.supervisor import Supervisor, restarts

DEMO_SECONDS = 60.0
# Two laps of the market: whenever in a lap it begins, an LTV ladder climbs from Normal to Critical and comes back once.
CRASH_SECONDS = 120.0
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143

app = typer.Typer(
    help="The local stack: real servers and every role on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@contextmanager
def _problems_in_words() -> Iterator[None]:
    try:
        yield
    except LocalError as problem:
        typer.echo(f"hedgerow-local: {problem}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_INTERRUPTED) from None
    except Terminated:
        raise typer.Exit(EXIT_TERMINATED) from None


@app.command("demo")
def demo_command() -> None:
    """Run the pipeline: until Ctrl-C on a terminal, else for DEMO_SECONDS (60; 120 with SCENARIO=crash).

    Markets are recorded where there is a recording, else synthetic. SCENARIO=crash, squeeze, calm or gap makes all
    synthetic, and makes that happen each minute.
    """
    with _problems_in_words():
        scenario = read_scenario()
        seconds = _demo_seconds(CRASH_SECONDS if scenario is Scenario.CRASH else DEMO_SECONDS)
        if scenario is not None:
            typer.echo(f"Scenario {scenario}: every market is synthetic.")
        if not Demo(find_layout()).run(seconds):
            raise typer.Exit(1)


def _demo_seconds(otherwise: float) -> float | None:
    given = os.environ.get("DEMO_SECONDS")
    if given is None:
        return None if sys.stdout.isatty() else otherwise
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise LocalError(f"DEMO_SECONDS={given!r} should be a positive number of seconds")
    return seconds


@app.command("stop")
def stop_command() -> None:
    """End everything that this checkout's stack runs."""
    with _problems_in_words():
        typer.echo(ending.stop(find_layout()))


@app.command("status")
def status_command() -> None:
    """What runs, whether it is ready, and how often it was started again. Exit 1 when something is not."""
    with _problems_in_words():
        layout = find_layout()
        state = read_state(layout.state)
        if state is None or state.supervisor is None or state.supervisor.find() is None:
            typer.echo("Nothing runs; `make demo` starts the stack.")
            raise typer.Exit(1)
        programs = Supervisor(layout.supervisor_socket).status()
        again = restarts(layout.log("supervisor"))
        healthy = True
        for name, info in programs.items():
            ready = _readiness(state, name) if info.state == "RUNNING" else ""
            healthy &= info.state == "RUNNING" and not ready.startswith("not")
            typer.echo(
                f"{name:<12} {info.state:<9} {ready:<10} restarts {again.get(name, 0):<3} {info.description}"
            )
        if not healthy:
            raise typer.Exit(1)


def _readiness(state: StackState, name: str) -> str:
    if name not in processes.WORKERS:
        return ""
    return "ready" if asking.get(processes.http_port(state, name), "/ready").ok else "not ready"


@app.command("logs")
def logs_command(program: Annotated[str, typer.Argument(help="One program; without it, all.")] = "") -> None:
    """The last lines of every log; of one program, followed."""
    with _problems_in_words():
        layout = find_layout()
        names = sorted(path.stem for path in layout.logs.glob("*.log"))
        if program:
            if program not in names:
                raise LocalError(f"no log of {program!r}; there are: {', '.join(names) or 'none'}")
            path = str(layout.log(program))
            sys.stdout.flush()
            os.execvp("tail", ["tail", "-n", "50", "-F", path])
        for name in names:
            typer.echo(f"==> {name}\n{log_tail(layout.log(name))}")


@app.command("generate")
def generate_command() -> None:
    """Write the files that are made from the resources' models."""
    with _problems_in_words():
        written = generated.generate(find_layout().root)
        typer.echo("\n".join(f"wrote {path}" for path in written) or "Every generated file is up to date.")


@app.command("doctor")
def doctor_command() -> None:
    """Tell what this machine would trip over, and change nothing. Exit 1 when there is something."""
    with _problems_in_words():
        findings = doctor.examine(find_layout())
        for finding in findings:
            typer.echo(f"  {'ok' if finding.ok else 'problem':<8} {finding.text}")
        if not all(finding.ok for finding in findings):
            raise typer.Exit(1)


if __name__ == "__main__":
    app()
