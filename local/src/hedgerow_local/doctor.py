"""What this machine would trip over; `scripts/install.sh --check` has looked at what is installed."""

import shutil
from collections.abc import Callable

import msgspec
import psutil  # type: ignore[import-untyped]

from hedgerow.ledger.connection import address_of
from hedgerow_local import kafka, processes, redis_cluster
from hedgerow_local.errors import LocalError
from hedgerow_local.layout import Layout
from hedgerow_local.ports import free_port
from hedgerow_local.postgres_programs import for_history, packaged
from hedgerow_local.state import read_state

GIB = 1024**3
NEEDED_MEMORY_GIB = 3.0
NEEDED_DISK_GIB = 2.0


class Finding(msgspec.Struct, frozen=True):
    ok: bool
    text: str


def examine(layout: Layout) -> list[Finding]:
    """Look at everything; nothing is changed."""
    checks: tuple[Callable[[Layout], str], ...] = (
        _postgres,
        _history,
        _kafka,
        _redis,
        _loopback,
        _memory,
        _disk,
        _recordings,
        _examples,
        _running,
    )
    findings = []
    for check in checks:
        try:
            findings.append(Finding(True, check(layout)))
        except (LocalError, OSError) as problem:
            findings.append(Finding(False, str(problem)))
    return findings


def _postgres(layout: Layout) -> str:
    programs = packaged()
    return f"Postgres in {programs.bindir}" + (f", run as user {programs.user}" if programs.user else "")


def _history(layout: Layout) -> str:
    given = processes.given_history_dsn()
    if given:
        return f"history goes to {address_of(given)}"
    programs = for_history()
    kind = "TimescaleDB" if programs.has_timescaledb else "plain Postgres, as TimescaleDB is not here"
    return f"history goes to {kind} in {programs.root / programs.bindir.relative_to('/')}"


def _kafka(layout: Layout) -> str:
    kafka.server_command(layout.kafka)
    return f"Kafka {kafka.VERSION} in {kafka.jars_folder()}"


def _redis(layout: Layout) -> str:
    return f"Redis for the cache: {redis_cluster.server_program()}"


def _loopback(layout: Layout) -> str:
    free_port()
    return "free ports on 127.0.0.1"


def _memory(layout: Layout) -> str:
    available = psutil.virtual_memory().available / GIB
    if available < NEEDED_MEMORY_GIB:
        raise LocalError(
            f"{available:.1f} GiB of memory available, about {NEEDED_MEMORY_GIB:.0f} are needed: end something"
        )
    return f"{available:.1f} GiB of memory available"


def _disk(layout: Layout) -> str:
    free = shutil.disk_usage(layout.root).free / GIB
    if free < NEEDED_DISK_GIB:
        raise LocalError(f"{free:.1f} GiB free at {layout.root}, about {NEEDED_DISK_GIB:.0f} are needed")
    return f"{free:.1f} GiB of disk free"


def _recordings(layout: Layout) -> str:
    if not any(layout.recordings.glob("**/*.parquet")):
        raise LocalError(
            f"no recordings (*.parquet) in {layout.recordings}; point HEDGEROW_RECORDINGS to a folder of "
            "recordings, or unset it to use the project's own"
        )
    return f"recordings in {layout.recordings}"


def _examples(layout: Layout) -> str:
    if not any(layout.examples.glob("*.yaml")):
        raise LocalError(f"no resources (*.yaml) in {layout.examples}; the demo has nothing to hedge")
    return f"resources in {layout.examples}"


def _running(layout: Layout) -> str:
    state = read_state(layout.state)
    if state is None:
        return "no stack runs"
    if state.owner.find() is None:
        raise LocalError(
            "a stack was killed and left remains; `make stop` ends them (`make demo` does so too)"
        )
    return f"a stack runs, started by process {state.owner.pid}"
