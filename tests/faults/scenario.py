"""One scenario: trade, be hurt, recover; then settle, check every invariant, and keep a row of what was found.

`HEDGEROW_FAULTS=1` runs scenarios at their full size (times `HEDGEROW_FAULTS_SCALE`) and writes
`docs/reliability.md`; without it they are short and only print. `HEDGEROW_FAULTS_SEED` takes another schedule.
"""

import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from random import Random
from typing import TypeVar

from faults import invariants, reliability_page
from faults.reliability_page import Row
from faults.rig import RECOVERY_DEADLINE_S, Rig

T = TypeVar("T")

FULL = os.environ.get("HEDGEROW_FAULTS") == "1"
SCALE = float(os.environ.get("HEDGEROW_FAULTS_SCALE", "1"))
SEED = int(os.environ.get("HEDGEROW_FAULTS_SEED", "20240808"))
TRADING_DEADLINE_S = 90.0


def size(full: int, short: int) -> int:
    """How often, how many or how many seconds in this run."""
    return max(1, round(full * SCALE)) if FULL else short


def chosen(every: Sequence[T], short: Sequence[T]) -> Sequence[T]:
    """Which variants of a scenario this run has."""
    return every if FULL else short


class Run:
    """A scenario under way.

    Attributes:
        random: decides the schedule; the seed is printed.
        recoveries: seconds from each fault's end until work was done again.
        unknown_s: seconds from its claim to the end of each order that was unknown for a while.
        noted: what else was measured, in words.
    """

    def __init__(self, rig: Rig, random: Random) -> None:
        self.rig = rig
        self.random = random
        self.recoveries: list[float] = []
        self.unknown_s: list[float] = []
        self.noted: list[str] = []
        self.settle_deadline_s = invariants.SETTLE_DEADLINE_S

    async def recovered(self, what: str, deadline_s: float = RECOVERY_DEADLINE_S) -> float:
        """Call at the fault's end. Waits until a hedge is filled that was decided after it.

        How long orders stay unknown is another matter, and told from the chain.
        """
        newest = await self.rig.ledger.fetchval("select coalesce(max(id), 0) from intents")

        async def works_again() -> bool:
            query = "select count(*) from intents where state = 'Filled' and id > $1"
            return bool(await self.rig.ledger.fetchval(query, newest))

        seconds = await self.rig.until(works_again, f"hedges fill again after {what}", deadline_s)
        self.recoveries.append(seconds)
        return seconds

    async def hedged(self, count: int, deadline_s: float) -> None:
        """Wait until so many more orders were claimed."""
        claimed = "select count(*) from orders"
        enough = await self.rig.ledger.fetchval(claimed) + count

        async def reached() -> bool:
            return bool(await self.rig.ledger.fetchval(claimed) >= enough)

        await self.rig.until(reached, f"{count} more orders were claimed", deadline_s)


@asynccontextmanager
async def scenario(
    rig: Rig, name: str, full: str, ran: str, *, supervised: bool = False
) -> AsyncIterator[Run]:
    """Begins with everything at work; ends settled and checked.

    Args:
        full, ran: its size as asked for and as it is run now, in words.
        supervised: workers may die of the fault, also of its end, and are started again until all is settled.
    """
    run = await hurt(rig, name)
    before = rig.journal.stat().st_size
    newest = await rig.ledger.fetchval("select coalesce(max(id), 0) from intents")
    try:
        with break_off_kept(name, full, ran, run):
            async with rig.supervised() if supervised else nullcontext():
                yield run
                await invariants.settle(rig, rig.ledger, run.settle_deadline_s)
            found = await invariants.check(rig, rig.ledger)
    finally:
        for doors in rig.doors.values():
            doors.heal()
    run.unknown_s = await invariants.unknown_seconds(rig.ledger, newest)
    keep(
        name,
        full,
        ran,
        run,
        orders=len(invariants.journal_orders(rig.journal, before)),
        doubled=found.doubled,
        lost=found.lost,
        violations=tuple(found.violations()),
    )
    assert found.violations() == []


@contextmanager
def break_off_kept(name: str, full: str, ran: str, run: Run) -> Iterator[None]:
    """A run that does not come to its check leaves a row that says why."""
    try:
        yield
    except Exception as error:
        why = (str(error) or repr(error)).splitlines()[0][:200]
        keep(name, full, ran, run, violations=(f"broke off: {why}",))
        raise


async def hurt(rig: Rig, name: str) -> Run:
    """A run of a scenario, with everything at work to be hurt."""
    await _at_work(rig)
    return Run(rig, Random(f"{SEED} {name}"))


async def _at_work(rig: Rig) -> None:
    """Every process alive, clients trading, hedges filling."""
    await rig.faults([])
    if rig.workers["order-generator"].is_alive():
        rig.workers["order-generator"].resume()
    newest = await rig.ledger.fetchval("select coalesce(max(id), 0) from intents")

    async def filled() -> bool:
        query = "select count(*) from intents where state = 'Filled' and id > $1"
        return bool(await rig.ledger.fetchval(query, newest))

    # Also for clients that were held for long: their worker's watchdog ends it once they go on.
    async with rig.supervised():
        await rig.until(filled, "clients trade and hedges fill", TRADING_DEADLINE_S)


def keep(
    name: str,
    full: str,
    ran: str,
    run: Run,
    *,
    orders: int | None = None,
    doubled: int | None = None,
    lost: int | None = None,
    violations: tuple[str, ...] = (),
) -> None:
    """Print the row of a run; keep it when it is one of those that the page tells of."""
    row = Row(
        scenario=name,
        full=full,
        ran=ran,
        orders=orders,
        doubled=doubled,
        lost=lost,
        violations=violations,
        recoveries_s=tuple(round(seconds, 2) for seconds in run.recoveries),
        unknown_s=tuple(round(seconds, 2) for seconds in run.unknown_s),
        noted="; ".join(run.noted),
        at=reliability_page.now(),
        seed=SEED,
        load=f"{os.getloadavg()[1] / (os.cpu_count() or 1):.1f}",
    )
    print(
        f"\n{row.scenario} ({row.ran}; seed {row.seed}): {row.orders} orders, {row.doubled} doubled, {row.lost} lost, "
        f"recovery {reliability_page.spread(row.recoveries_s)}, unknown {reliability_page.spread(row.unknown_s)}, "
        f"{row.noted or 'nothing else noted'}, "
        f"{'; '.join(row.violations) or 'invariants hold'}"
    )
    if FULL:
        record = reliability_page.read()
        record.rows[name] = row
        reliability_page.write(record)
