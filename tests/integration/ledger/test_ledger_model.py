"""The simulator's model of the ledger against the ledger: the same commands in the same order come to the same.

I1  each command returns the same, or is refused with the same words
I2  after each, intents, positions, days, fills, version and the hash chain are equal, to the byte
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import asyncpg
import hedge_examples as example
import msgspec
import pytest
from ledger_desk import TRACE, Desk

from hedgerow.domain.orders import Side
from hedgerow.execution.account_tally import usable_mids
from hedgerow.execution.conclusion import Contradiction
from hedgerow.execution.intents import VenueExecution, VenueFill, VenueOrder
from hedgerow.execution.order_life import IllegalTransition, IntentState
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Hedge
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.ledger.adoptions import adopt_execution
from hedgerow.ledger.claims import claim
from hedgerow.ledger.connection import ledger_id
from hedgerow.ledger.decisions import commit_decision
from hedgerow.ledger.halts import HaltTarget, place_halt, release_halts
from hedgerow.ledger.intents import find_intent, open_intents
from hedgerow.ledger.outcomes import record_answer, record_outcome, record_state
from hedgerow.ledger.snapshot import read_snapshot
from hedgerow.ledger.strategies import publish_strategy
from hedgerow.ledger.trading_days import mark_day
from hedgerow_simulator.claims import mark_day as model_mark_day
from hedgerow_simulator.promoted import adopt_execution as model_adopt_execution
from hedgerow_simulator.tables import Tables

COMMANDS = 60
SEEDS = range(5)
REFUSED = (Contradiction, IllegalTransition, LookupError, asyncpg.UniqueViolationError)
STRATEGY = "desk/btc"
TARGETS = (
    HaltTarget(kind="All"),
    HaltTarget(kind="Venue", name=example.VENUE),
    HaltTarget(kind="Venue", name="desk/other"),
    HaltTarget(kind="Strategy", name=STRATEGY),
    HaltTarget(kind="Strategy", name="desk/other"),
)
SAID = (
    IntentState.UNKNOWN,
    IntentState.REJECTED,
    IntentState.ABANDONED,
    IntentState.CANCELLED,
    IntentState.EXPIRED,
)
SHOWN = (
    IntentState.ACCEPTED,
    IntentState.PARTIALLY_FILLED,
    IntentState.FILLED,
    IntentState.CANCELLED,
    IntentState.REJECTED,
)


class Both:
    """A ledger and its model, told the same."""

    def __init__(self, desk: Desk, model: Tables, drawn: random.Random) -> None:
        self.desk, self.model, self.drawn = desk, model, drawn
        self.old: list[LedgerSnapshot] = []
        self.results: Counter[str] = Counter()
        self.revisions = 1

    async def step(self) -> None:
        """One random command to both."""
        self.desk.now_ns += self.drawn.choice([0, 50_000_000, 2_500_000_000])
        commands: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (6, self.decide),
            (1, self.decide_on_old),
            (8, self.claim),
            (3, self.answer),
            (3, self.state),
            (8, self.outcome),
            (1, self.halt),
            (6, self.release),
            (1, self.publish),
            (1, self.mark),
            (1, self.adopt),
        ]
        weights, calls = zip(*commands, strict=True)
        await self.drawn.choices(calls, weights)[0]()
        await self.compare()

    async def both(self, what: str, real: Callable[[Any], Awaitable[Any]], model: Callable[[], Any]) -> Any:
        """I1"""
        outcomes: list[Any] = []
        async with self.desk.pool.acquire() as connection:
            try:
                outcomes.append(await real(connection))
            except REFUSED as error:
                outcomes.append(_words(error))
        try:
            outcomes.append(model())
        except REFUSED as error:
            outcomes.append(_words(error))
        assert outcomes[0] == outcomes[1], what
        refused = isinstance(outcomes[0], tuple)
        self.results[
            f"{what} {'refused' if refused else 'done' if outcomes[0] is not None else 'nothing'}"
        ] += 1
        return outcomes[0]

    async def decide(self) -> None:
        ledger = await self.desk.snapshot()
        assert ledger == self.model.read_snapshot(self.desk.uid, self.desk.now_ns)
        self.old.append(ledger)
        await self.commit(ledger)

    async def decide_on_old(self) -> None:
        if self.old:
            await self.commit(self.drawn.choice(self.old))

    async def commit(self, ledger: LedgerSnapshot) -> None:
        risk = self.desk.risk(format(Decimal(self.drawn.randint(-40, 40)) / 10, "f"))
        risk = msgspec.structs.replace(
            risk,
            time_ns=ledger.read_ns,
            marks=tuple(msgspec.structs.replace(mark, time_ns=ledger.read_ns) for mark in risk.marks),
        )
        hedge = decide(risk, ledger)
        if isinstance(hedge, Hedge):
            await self.both(
                "commit",
                lambda connection: commit_decision(connection, risk, ledger, hedge, TRACE),
                lambda: self.model.commit_decision(risk, ledger, hedge),
            )

    async def claim(self) -> None:
        age_ns = self.drawn.choice([0, 0, 0, 60_000_000_000])
        bid, ask = self.drawn.choice(
            [("60000.0", "60000.2")] * 5 + [("60001", "60000"), ("50000", "50000.2")]
        )
        seen = example.seen(example.ticker(bid, ask, self.desk.now_ns - age_ns))
        # Rich, or too poor for this order beside those that were sent since the venue was asked.
        asked_ns = self.desk.now_ns - self.drawn.choice([0, 10_000_000_000])
        funds = example.funds(self.drawn.choice(["1000000", "1000000", "2000"]), asked_ns)
        seen = msgspec.structs.replace(seen, funds=funds)
        number, now_ns = self.some_intent(), self.desk.now_ns
        await self.both(
            "claim",
            lambda connection: claim(connection, number, seen, now_ns),
            lambda: self.model.claim(number, seen, now_ns),
        )

    async def answer(self) -> None:
        number, now_ns = self.some_intent(), self.desk.now_ns
        await self.both(
            "answer",
            lambda connection: record_answer(connection, number, "v-1", "accepted", now_ns),
            lambda: self.model.record_answer(number, now_ns),
        )

    async def state(self) -> None:
        number, state, now_ns = self.some_intent(), self.drawn.choice(SAID), self.desk.now_ns
        await self.both(
            f"state {state}",
            lambda connection: record_state(connection, number, state, "because", now_ns),
            lambda: self.model.record_state(number, state, "because", now_ns),
        )

    async def outcome(self) -> None:
        number, now_ns = self.some_intent(), self.desk.now_ns
        intent = self.model.intents.get(number)
        whole = Decimal("0.5") if intent is None else intent.quantity
        fills = [self.fill(number, part, whole) for part in range(self.drawn.choice([0, 1, 2, 2]))]
        filled = sum((fill.quantity for fill in fills), Decimal(0))
        state = self.drawn.choice(SHOWN)
        if filled == whole:
            state = IntentState.FILLED
        elif state is IntentState.FILLED and self.drawn.random() < 0.8:
            state = IntentState.CANCELLED
        # Now and then an answer that contradicts itself, or executions that are not visible yet.
        told = self.drawn.choice([filled, filled, filled, whole])
        order = VenueOrder(client_order_id="x", venue_order_id="v-1", state=state, filled_quantity=told)
        await self.both(
            f"outcome {state}",
            lambda connection: record_outcome(connection, number, order, fills, now_ns),
            lambda: self.model.record_outcome(number, order, fills, now_ns),
        )

    def fill(self, intent: int, part: int, whole: Decimal) -> VenueFill:
        """Each of two halves, always the same; now and then one that another intent has."""
        owner = intent if self.drawn.random() < 0.97 else 1
        half = whole / 2
        return VenueFill(
            execution_id=f"e{owner}-{part}",
            quantity=half,
            price=Decimal(60_000 + intent + part),
            fee=Decimal("0.25"),
            time_ns=example.NOW_NS + part,
        )

    async def halt(self) -> None:
        target, now_ns = self.drawn.choice(TARGETS), self.desk.now_ns
        await self.both(
            "halt",
            lambda connection: place_halt(connection, target, "tests", "because", now_ns),
            lambda: self.model.place_halt(target, "tests", "because"),
        )

    async def release(self) -> None:
        target, now_ns = self.drawn.choice(TARGETS), self.desk.now_ns
        await self.both(
            "release",
            lambda connection: release_halts(connection, target, "tests", "tests", now_ns),
            lambda: self.model.release_halts(target, "tests"),
        )

    async def publish(self) -> None:
        self.revisions += self.drawn.choice([0, 1])
        config = example.strategy(bands=(example.band("-1", f"1.{self.revisions}"),))
        revision, now_ns = f"r{self.revisions}", self.desk.now_ns
        published = await self.both(
            "publish",
            lambda connection: publish_strategy(connection, config, revision, now_ns),
            lambda: self.model.publish_strategy(self.desk.uid, config, revision, now_ns),
        )
        self.desk.generation, self.desk.config = published.generation, published.config

    async def mark(self) -> None:
        now_ns = self.desk.now_ns
        mids = usable_mids({example.SYMBOL: example.ticker(time_ns=now_ns)}, now_ns)
        await self.both(
            "mark",
            lambda connection: mark_day(connection, example.VENUE, example.ACCOUNT, mids, now_ns),
            lambda: model_mark_day(self.model, example.VENUE, example.ACCOUNT, mids, now_ns),
        )

    async def adopt(self) -> None:
        """An execution of an order that the ledger lost, of one that it has, or one that is known."""
        lost = self.fill(100 + self.drawn.randint(1, 3), 0, Decimal("0.5"))
        known = self.drawn.choice([*self.model.orders] or ["hr-0-1"])
        name = self.drawn.choice(["hr-lost-1", "hr-lost-1", known])
        execution = VenueExecution(client_order_id=name, side=self.drawn.choice(list(Side)), fill=lost)
        now_ns, where = self.desk.now_ns, (example.VENUE, example.ACCOUNT, example.SYMBOL)
        await self.both(
            "adopt",
            lambda connection: adopt_execution(connection, *where, execution, now_ns),
            lambda: model_adopt_execution(self.model, *where, execution, now_ns),
        )

    def some_intent(self) -> int:
        """Mostly the newest, sometimes an older one, rarely one that is not there."""
        newest = len(self.model.intents)
        return self.drawn.choice([newest] * 8 + [max(newest - 1, 1), self.drawn.randint(1, newest + 1)])

    async def compare(self) -> None:
        """I2"""
        model, uid = self.model, self.desk.uid
        async with self.desk.pool.acquire() as connection:
            assert await read_snapshot(connection, uid, 0) == model.read_snapshot(uid, 0)
            found = await open_intents(connection, example.VENUE, example.ACCOUNT)
            assert found == model.open_intents(example.VENUE, example.ACCOUNT)
            for number, intent in model.intents.items():
                assert await find_intent(connection, number) == intent
            chain = await connection.fetch(
                "select payload, hash from chain where strategy_uid = $1 order by position", uid
            )
            assert [tuple(row) for row in chain] == model.chain.get(uid, [])
            fills = await connection.fetch("select execution_id, intent, quantity, price from fills")
            assert {tuple(row) for row in fills} == {
                (execution, row.intent, row.fill.quantity, row.fill.price)
                for (_, _, execution), row in model.fills.items()
            }
            positions = await connection.fetch(
                "select quantity, entry_price, realised_pnl, fees from positions"
            )
            assert [tuple(row) for row in positions] == [
                msgspec.structs.astuple(position) for position in model.positions.values()
            ]
            days = await connection.fetch("select turnover, opening_pnl, pnl from trading_days order by day")
            assert [tuple(row) for row in days] == [
                msgspec.structs.astuple(day)
                for _, day in sorted(model.days.items(), key=lambda item: item[0][1])
            ]


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_model_does_what_the_ledger_does(desk: Desk, seed: int) -> None:
    """I1, I2 through random commands, most of which make sense."""
    both = await _both(desk, seed)
    for _ in range(COMMANDS):
        await both.step()
    assert both.results["claim done"] > 0
    assert sum(count for name, count in both.results.items() if name.endswith("refused")) > 0


async def test_both_refuse_a_second_open_intent_on_a_leg(desk: Desk) -> None:
    """I1, when a decision forgot what is open: compare-and-set lets it through, the leg's index does not."""
    both = await _both(desk, 0)
    await both.commit(await desk.snapshot())
    now = await desk.snapshot()
    while not both.model.intents:
        await both.commit(now)
    forgetful = msgspec.structs.replace(await desk.snapshot(), open_intents=())
    desk.now_ns += desk.config.execution.cooldown_ns
    forgetful = msgspec.structs.replace(forgetful, read_ns=desk.now_ns)
    hedge = decide(desk.risk("3"), forgetful)
    assert isinstance(hedge, Hedge)
    assert hedge.intents[0].side is Side.SELL
    refused = await both.both(
        "commit",
        lambda connection: commit_decision(connection, desk.risk("3"), forgetful, hedge, TRACE),
        lambda: both.model.commit_decision(desk.risk("3"), forgetful, hedge),
    )
    assert refused[0] == "UniqueViolationError"
    await both.compare()


async def _both(desk: Desk, seed: int) -> Both:
    async with desk.pool.acquire() as connection:
        model = Tables(await ledger_id(connection))
    model.publish_venue(example.venue())
    model.publish_strategy(desk.uid, desk.config, "r1", desk.now_ns)
    return Both(desk, model, random.Random(seed))


def _words(error: Exception) -> tuple[str, str]:
    """Postgres words its own errors; ours must be equal to the word."""
    if isinstance(error, asyncpg.UniqueViolationError):
        return ("UniqueViolationError", "")
    return (type(error).__name__, str(error))
