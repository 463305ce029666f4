"""Hedging's loop around `decide`, on a real ledger: what it tells of a strategy, and when it forgets one."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import asyncpg
import msgspec
import pytest
from ledger_desk import Desk
from role_context import RememberingProducer, role_context, settings

from hedgerow.ledger.halts import standing_halts
from hedgerow.schemas.records import StrategyState
from hedgerow.streams.context import Context, Incoming
from hedgerow_hedging import deciding
from hedgerow_hedging.newest import NewestRisk

PATIENCE_S = 60.0
TOPIC, PARTITION = "risk.state", 2


class Loop:
    """A deciding loop at work."""

    def __init__(self, context: Context, producer: RememberingProducer, desk: Desk) -> None:
        self.context, self.producer, self.desk = context, producer, desk
        self.newest = NewestRisk()
        self.sequence = 0

    @property
    def reports(self) -> list[StrategyState]:
        return [sent.record for sent in self.producer.sent]

    def feed(self, delta: str) -> None:
        """A fresh risk state of the desk's strategy."""
        self.sequence += 1
        self.desk.now_ns = time.time_ns()
        record = msgspec.structs.replace(self.desk.risk(delta), sequence=self.sequence)
        self.newest.step(
            Incoming(
                topic=TOPIC,
                partition=PARTITION,
                offset=self.sequence,
                key=record.strategy,
                record=record,
                headers={},
                received_ns=self.desk.now_ns,
            )
        )

    def metric(self, name: str, **labels: str) -> float | None:
        wanted = {"strategy": self.desk.config.key, **labels}
        return self.context.metrics.get_sample_value(name, wanted)

    async def until(self, what: str, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline, f"{what}: did not happen"
            await asyncio.sleep(0.02)


@pytest.fixture
async def loop(pool: asyncpg.Pool, ledger_dsn: str) -> AsyncIterator[Loop]:
    producer = RememberingProducer(StrategyState)
    context = role_context("hedging", producer, settings(ledger_dsn=ledger_dsn))
    loop = Loop(context, producer, await Desk(pool).open())
    task = asyncio.create_task(deciding.run(context, loop.newest))
    yield loop
    context.stopping.set()
    await asyncio.wait_for(task, PATIENCE_S)


async def test_metrics_show_the_newest_decision_against_the_band(loop: Loop) -> None:
    loop.feed("0.25")
    await loop.until("told", lambda: loop.metric("hedgerow_strategy_holding", reason="InsideBand") == 1)
    assert loop.metric("hedgerow_net_exposure_usd", underlying="BTC") == pytest.approx(0.25 * 60_000.1)
    assert loop.metric("hedgerow_band_upper_usd", underlying="BTC") == pytest.approx(60_000.1)
    assert loop.metric("hedgerow_strategy_halted") == 0
    loop.feed("0.5")
    await loop.until(
        "the newer one is told",
        lambda: loop.metric("hedgerow_net_exposure_usd", underlying="BTC") == pytest.approx(0.5 * 60_000.1),
    )


async def test_a_state_is_reported_once_and_again_when_the_strategy_comes_back(loop: Loop) -> None:
    loop.feed("0.25")
    await loop.until("reported", lambda: len(loop.reports) == 1)
    loop.feed("0.5")
    await loop.until(
        "decided again",
        lambda: loop.metric("hedgerow_net_exposure_usd", underlying="BTC") == pytest.approx(0.5 * 60_000.1),
    )
    assert [report.state for report in loop.reports] == ["InsideBand"]
    loop.newest.revoke(TOPIC, PARTITION)
    await loop.until("forgotten", lambda: loop.metric("hedgerow_strategy_halted") is None)
    loop.feed("0.5")
    await loop.until("reported anew", lambda: len(loop.reports) == 2)
    assert loop.reports[1].state == "InsideBand"


async def test_a_strategy_that_was_taken_away_is_told_no_more(loop: Loop) -> None:
    loop.feed("0.25")
    await loop.until("told", lambda: loop.metric("hedgerow_strategy_halted") == 0)
    loop.newest.strategy_changed(loop.desk.config.key, None)
    await loop.until("forgotten", lambda: loop.metric("hedgerow_strategy_halted") is None)


@pytest.mark.parametrize("column", ["config", "policy_state"])
async def test_a_row_that_cannot_be_read_is_quarantined_and_its_strategy_halted(
    loop: Loop, column: str
) -> None:
    await loop.desk.execute(f"update strategies set {column} = '{{\"mode\": 7' where uid = '{loop.desk.uid}'")
    loop.feed("0.25")
    deadline = time.monotonic() + PATIENCE_S
    async with loop.desk.pool.acquire() as connection:
        while not (halts := await standing_halts(connection)):
            assert time.monotonic() < deadline, "nothing was halted"
            await asyncio.sleep(0.02)
        kept = await connection.fetch("select key, bytes from quarantine")
    assert [(halt.target.name, halt.source) for halt in halts] == [(loop.desk.config.key, "quarantine")]
    assert [(row["key"], row["bytes"]) for row in kept] == [(loop.desk.config.key, b'{"mode": 7')]
