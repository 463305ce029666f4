"""What `hedgerow simulate` does: one run with its story, or many with a table."""

import json
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

import msgspec

from hedgerow.cli.exits import ExitCode
from hedgerow.cli.tables import console, progress, table
from hedgerow_simulator.run import Verdict, simulate

SHOWN = 20
CHUNK = 25


def simulate_seeds(seeds: range, processes: int | None, as_json: bool) -> ExitCode:
    """Run every seed; with one seed the story is told. Ends with 1 when an invariant was broken.

    Args:
        processes: None for one per processor.
    """
    if len(seeds) == 1:
        verdict = simulate(seeds[0])
        print(msgspec.json.encode(verdict).decode() if as_json else _told(verdict))
        return ExitCode.REFUSED if verdict.violations else ExitCode.OK
    began = time.monotonic()
    verdicts = []
    with progress() as bar:
        task = bar.add_task("runs", total=len(seeds))
        for verdict in simulate_many(seeds, processes):
            verdicts.append(verdict)
            bar.advance(task)
    took_s = time.monotonic() - began
    broken = [verdict for verdict in verdicts if verdict.violations]
    if as_json:
        print(json.dumps(_summary(verdicts, broken, took_s)))
    else:
        _print_table(verdicts, broken, took_s)
    return ExitCode.REFUSED if broken else ExitCode.OK


def simulate_many(seeds: Sequence[int], processes: int | None = None) -> Iterator[Verdict]:
    """The verdicts in the order of the seeds, without their stories."""
    workers = processes or os.cpu_count() or 1
    if workers == 1:
        yield from map(_without_story, seeds)
        return
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_without_story, seeds, chunksize=CHUNK)


def _without_story(seed: int) -> Verdict:
    return msgspec.structs.replace(simulate(seed), story=())


def _told(verdict: Verdict) -> str:
    settled = (
        "never settled"
        if verdict.settled_s is None
        else f"settled {verdict.settled_s:.1f} s after the faults"
    )
    faults = ", ".join(f"{name} {count}" for name, count in verdict.faults.items()) or "none"
    return "\n".join(
        [
            *verdict.story,
            "",
            f"seed {verdict.seed}: {verdict.intents} intents, {verdict.orders} orders, "
            f"{verdict.executions} executions, {verdict.adopted} of a lost tail; {settled}",
            f"faults: {faults}",
            f"trace {verdict.trace}",
            *(f"BROKEN {violation}" for violation in verdict.violations),
            "every invariant holds" if not verdict.violations else f"{len(verdict.violations)} broken",
        ]
    )


def _summary(verdicts: Sequence[Verdict], broken: Sequence[Verdict], took_s: float) -> dict[str, object]:
    settled = sorted(verdict.settled_s for verdict in verdicts if verdict.settled_s is not None)
    return {
        "runs": len(verdicts),
        "seconds": round(took_s, 1),
        "intents": sum(verdict.intents for verdict in verdicts),
        "orders": sum(verdict.orders for verdict in verdicts),
        "executions": sum(verdict.executions for verdict in verdicts),
        "adopted": sum(verdict.adopted for verdict in verdicts),
        "faults": dict(sorted(sum((Counter(verdict.faults) for verdict in verdicts), Counter()).items())),
        "settled_p50_s": _quantile(settled, 0.5),
        "settled_p99_s": _quantile(settled, 0.99),
        "broken": {verdict.seed: verdict.violations for verdict in broken},
    }


def _print_table(verdicts: Sequence[Verdict], broken: Sequence[Verdict], took_s: float) -> None:
    summary = _summary(verdicts, broken, took_s)
    faults = summary.pop("faults")
    summary["broken"] = len(broken)
    assert isinstance(faults, dict)
    out = console()
    out.print(table(["what", "in all runs"], [[name, str(value)] for name, value in summary.items()]))
    out.print()
    out.print(table(["fault", "times"], [[name, str(count)] for name, count in faults.items()]))
    for verdict in broken[:SHOWN]:
        out.print(f"seed {verdict.seed}: {verdict.violations[0]}")
    if len(broken) > SHOWN:
        out.print(f"and {len(broken) - SHOWN} more")


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else None
