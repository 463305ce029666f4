"""`docs/reliability.md` from `docs/reliability.json`: the newest row of each scenario, as its run left it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

DOCS = Path(__file__).resolve().parents[2] / "docs"
ROWS = DOCS / "reliability.json"
PAGE = DOCS / "reliability.md"

HEAD = """\
# Reliability, measured

Written by `make faults` from what its runs found; nothing here is typed in. Every scenario runs the real pipeline:
Kafka, Postgres, Redis, the exchange and each worker are processes of their own, clients trade through the gateway, and
TCP proxies stand between workers and servers. After each run the exchange's journal, its position endpoint, the ledger
and Kafka's topics are held against each other:

| | Invariant |
|---|---|
| I1 | venue position = ledger position = recount of the journal; every order in the journal is one intent |
| I2 | at most one order per intent; never two open intents on a leg |
| I4 | every intent ends; every execution of the journal is in the ledger once |
| I5, I8 | once faults and clients stop, the book is flat within one lot |
| I6 | replaying `risk.inputs` gives `risk.state` byte for byte; each stored decision replays to its intents |
| I7 | the hash chain verifies |

*Orders* are those that reached the venue in the run. *Doubled* are orders beyond one per intent, *lost* are
executions that the ledger and the journal do not share. *Recovery* is the time from the fault's end (or the killed
process's new start) until a hedge is filled that was decided after it. *Unknown* is the time from the claim to the
end of each order whose answer did not come: one that never reached the venue is only given up when it could not
appear any more, 10 s after its claim. Until then its own leg waits and others go on. *Seed* reproduces the schedule
(`HEDGEROW_FAULTS_SEED`). *Load per core* is the machine's at that time: above 1, processes waited for a processor,
and most of a recovery is the start of a Python process. A run smaller than the full one says so under *ran at*;
`HEDGEROW_FAULTS_SCALE` chooses, 1 is full. *Postgres promoted, tail lost* lost decisions on purpose, so its row says
less: positions agree (I1), no order twice under one name (I2), every execution known (I4), flat (I5, I8), the chain
verifies (I7), and no venue got an order before it agreed with the promoted ledger. A scenario of `tests/faults`
without a row has not been run for this page yet.

## Scenarios

"""
COLUMNS = {
    "Scenario": "---",
    "Full size": "---",
    "Ran at": "---",
    "Orders": "---:",
    "Doubled": "---:",
    "Lost": "---:",
    "Invariants": "---",
    "Recovery p50 / p99 s (n)": "---:",
    "Unknown p50 / p99 s (n)": "---:",
    "Noted": "---",
    "When (UTC), seed": "---",
    "Load per core": "---:",
}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario's newest run.

    Attributes:
        full, ran: its size, as asked for and as run.
        orders: that reached the venue; doubled, lost: see the page; None when the run did not come to its check.
        violations: of invariants, in words; or why the run broke off.
        recoveries_s: each one.
        unknown_s: from the claim to the end of each order that was unknown for a while.
        noted: what else the scenario measured, in words.
        at: UTC, to the minute.
        load: of the machine, per core, over the run's last minutes.
    """

    scenario: str
    full: str
    ran: str
    orders: int | None
    doubled: int | None
    lost: int | None
    violations: tuple[str, ...]
    recoveries_s: tuple[float, ...]
    unknown_s: tuple[float, ...] = ()
    noted: str
    at: str
    seed: int
    load: str = ""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Tick to order with the ledger, beside a bare chain of hops without one, at one rate.

    Attributes:
        load: of the machine, per core, over the measurement's last minutes.
    """

    rate: int
    hedges: int
    ledger_p50_ms: float
    ledger_p99_ms: float
    bare_p50_ms: float
    bare_p99_ms: float
    at: str
    load: str = ""


class Record(msgspec.Struct, kw_only=True):
    """Everything that the page tells."""

    rows: dict[str, Row] = {}
    costs: list[Cost] = []


def now() -> str:
    """UTC, to the minute."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M")


def read() -> Record:
    return msgspec.json.decode(ROWS.read_bytes(), type=Record) if ROWS.exists() else Record()


def write(record: Record) -> None:
    """Keep it, and the page of it."""
    ROWS.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
    PAGE.write_text(render(record))


def render(record: Record) -> str:
    lines = [_line(record.rows[name]) for name in sorted(record.rows)]
    header = f"| {' | '.join(COLUMNS)} |\n|{'|'.join(COLUMNS.values())}|\n"
    return HEAD + header + "".join(f"{line}\n" for line in lines) + _costs(record.costs)


def _line(row: Row) -> str:
    held = "hold" if not row.violations else "; ".join(row.violations).replace("|", "/").replace("\n", " ")
    cells = (
        row.scenario,
        row.full,
        "full" if row.ran == row.full else row.ran,
        *("–" if number is None else f"{number:,}" for number in (row.orders, row.doubled, row.lost)),
        held,
        spread(row.recoveries_s),
        spread(row.unknown_s),
        row.noted,
        f"{row.at}, {row.seed}",
        row.load,
    )
    return f"| {' | '.join(cells)} |"


def spread(seconds: tuple[float, ...]) -> str:
    """p50 / p99 (how many)."""
    if not seconds:
        return "–"
    ordered = sorted(seconds)
    p50, p99 = (ordered[min(round(part * (len(ordered) - 1)), len(ordered) - 1)] for part in (0.5, 0.99))
    return f"{p50:.1f} / {p99:.1f} ({len(ordered)})"


def _costs(costs: Iterable[Cost]) -> str:
    lines = [
        f"| {cost.rate:,} | {cost.hedges} | {cost.ledger_p50_ms:.1f} | {cost.ledger_p99_ms:.1f} | "
        f"{cost.bare_p50_ms:.1f} | {cost.bare_p99_ms:.1f} | {cost.ledger_p99_ms / cost.bare_p99_ms:.2f} | {cost.at} | "
        f"{cost.load} |\n"
        for cost in costs
    ]
    if not lines:
        return ""
    return (
        "\n## What safety costs\n\n"
        "From the tick to the venue's acceptance, every hedge decided, claimed and concluded in the ledger; beside the "
        "time\nof the same tick through four bare hops of stock Faust, without ledger, controls or venue.\n"
        "Above a load of 1 both waited for a processor.\n\n"
        "| Ticks/s | Hedges | p50 ms | p99 ms | Bare p50 ms | Bare p99 ms | p99 ratio | When (UTC) | Load per core |\n"
        "|---:|---:|---:|---:|---:|---:|---:|---|---:|\n" + "".join(lines)
    )
