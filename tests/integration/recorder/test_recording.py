"""What the topics carried is in history once, whatever happens to the recorder and to its database.

I1: after any kill, the rows of a symbol are exactly what was sent, each once.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import asyncpg
import pytest
from history_desk import BEGIN_NS, Desk, quote, reset, risk
from worker_process import WorkerProcess, eventually

from hedgerow.history.migrate import upgrade
from hedgerow.schemas.codec import encode
from hedgerow.schemas.risk_state import Exposure
from hedgerow.schemas.topics import MARKET_ENRICHED, MARKET_RAW, RISK_STATE
from hedgerow_local.ports import free_port
from hedgerow_local.postgres import (
    PostgresServer,
    data_folder,
    ensure_database,
    remove_data,
    server_dsn,
)

Start = Callable[..., WorkerProcess]
TABLES = ("ticks", "enriched", "risk_states")


def test_a_row_says_what_its_message_said(desk: Desk, start_recorder: Start) -> None:
    exposure = Exposure(
        underlying="BTC",
        delta=Decimal("0.123456789012345678901234567"),
        mark=Decimal("60000.1"),
        notional=Decimal("7407.42"),
    )
    desk.send([1])
    desk.send_raw(MARKET_RAW.name, desk.symbol, encode(reset(desk.symbol, 2, BEGIN_NS + 7)))
    state = risk(desk.strategy, 2, BEGIN_NS + 9, (exposure, exposure))
    desk.send_raw(RISK_STATE.name, desk.strategy, encode(state))
    desk.flush()
    worker = start_recorder(desk.dsn).wait_ready()
    eventually("recorded", lambda: len(desk.numbers("ticks")) == len(desk.numbers("risk_states")) == 2)
    tick, begun_anew = desk.ask("select * from ticks where instrument = $1 order by sequence", desk.symbol)
    assert (tick["bid"], tick["bid_size"], tick["ask"], tick["ask_size"]) == (99.5, 1.0, 100.5, 2.0)
    assert (tick["time_ns"], tick["valid"]) == (BEGIN_NS + 10_000_000, True)
    assert (begun_anew["bid"], begun_anew["valid"], begun_anew["time_ns"]) == (None, False, BEGIN_NS + 7)
    assert begun_anew["reason"] == "reset, lap 2: tape begins anew"
    (enriched,) = desk.ask("select * from enriched where instrument = $1", desk.symbol)
    sent = quote(desk.symbol, 1, BEGIN_NS + 10_000_000)
    assert {name: getattr(sent, name) for name in enriched.keys()} == dict(enriched)  # noqa: SIM118
    exposures = desk.ask("select * from risk_exposures where strategy = $1", desk.strategy)
    assert [row["delta"] for row in exposures] == [exposure.delta] * 2
    assert exposures[0]["time_ns"] == BEGIN_NS + 9
    assert worker.signal(signal.SIGTERM) == 0


@pytest.mark.parametrize(
    ("history_dsn", "step"),
    [("timescale", "recorder.batch"), ("postgres", "recorder.committed")],
    indirect=["history_dsn"],
)
def test_a_recorder_that_is_killed_between_batches_leaves_no_hole_and_no_double(
    desk: Desk, start_recorder: Start, tmp_path: Path, step: str
) -> None:
    steps = tmp_path / "steps"
    steps.mkdir()
    desk.send(range(4_000))
    for round_ in range(2):
        worker = start_recorder(desk.dsn, HEDGEROW_STEPS_DIR=str(steps)).wait_ready()
        eventually("at work", lambda: desk.numbers("ticks"))
        (steps / f"{step}.SIGKILL").touch()
        desk.send(range(4_000 + round_ * 500, 4_500 + round_ * 500))
        assert worker.wait() == -signal.SIGKILL
    start_recorder(desk.dsn)
    eventually("all recorded", lambda: desk.holds(5_000))
    for table in TABLES:
        assert desk.numbers(table) == list(range(5_000))


@pytest.mark.parametrize("history_dsn", ["timescale"], indirect=True)
def test_two_recorders_share_the_topics_and_one_takes_over_from_the_other(
    desk: Desk, start_recorder: Start
) -> None:
    first = start_recorder(desk.dsn).wait_ready()
    second = start_recorder(desk.dsn).wait_ready()
    desk.send(range(2_000))
    eventually("some recorded", lambda: desk.numbers("enriched"))
    first.signal(signal.SIGKILL)
    desk.send(range(2_000, 3_000))
    eventually("all recorded", lambda: desk.holds(3_000))
    for table in TABLES:
        assert desk.numbers(table) == list(range(3_000))
    assert second.is_ready()


def test_what_cannot_be_recorded_is_a_dead_letter_and_the_rest_goes_in(
    desk: Desk, start_recorder: Start
) -> None:
    bad = {
        "no JSON": b"{",
        "a null byte, which Postgres refuses": encode(quote(desk.symbol + "\0", 5, BEGIN_NS)),
        "a number past 64 bits": encode(quote(desk.symbol, 2**64 - 1, BEGIN_NS)),
        "null": None,
    }
    desk.send(range(100))
    for value in bad.values():
        desk.send_raw(MARKET_ENRICHED.name, desk.symbol, value)
    desk.send(range(100, 200))
    start_recorder(desk.dsn)
    eventually("the rest is recorded", lambda: desk.holds(200))
    assert desk.numbers("enriched") == list(range(200))
    letters = [letter for letter in desk.dead_letters() if letter.role == "recorder"]
    assert {letter.value for letter in letters} == set(bad.values())
    assert all(letter.cause for letter in letters)


@contextmanager
def locked(dsn: str, table: str) -> Iterator[None]:
    """While another session holds the table for itself."""
    taken, release = threading.Event(), threading.Event()

    async def hold() -> None:
        connection = await asyncpg.connect(dsn)
        async with connection.transaction():
            await connection.execute(f"lock table {table} in access exclusive mode")
            taken.set()
            await asyncio.to_thread(release.wait)
        await connection.close()

    with ThreadPoolExecutor(1) as threads:
        held = threads.submit(asyncio.run, hold())
        try:
            assert taken.wait(30)
            yield
        finally:
            release.set()
            held.result(30)


@pytest.mark.parametrize("history_dsn", ["postgres"], indirect=True)
def test_a_database_that_is_slow_holds_nothing_up_but_history(desk: Desk, start_recorder: Start) -> None:
    worker = start_recorder(desk.dsn).wait_ready()
    desk.send(range(200))
    eventually("recorded", lambda: desk.holds(200))
    with locked(desk.dsn, "ticks"):
        desk.send(range(200, 1_500))
        eventually("it says how far it is behind", lambda: lag_s(worker) > 1)
        assert worker.get("/healthz")[0] == 200
    eventually("drained", lambda: desk.holds(1_500))
    for table in TABLES:
        assert desk.numbers(table) == list(range(1_500))
    eventually("it is up to date", lambda: lag_s(worker) == 0)


def lag_s(worker: WorkerProcess) -> float:
    (line,) = [
        line
        for line in worker.get("/metrics")[1].splitlines()
        if line.startswith("hedgerow_recorder_lag_seconds ")
    ]
    return float(line.split()[1])


def test_a_database_that_goes_away_is_waited_for_and_nothing_is_lost(
    kafka: str, start_recorder: Start, tmp_path: Path
) -> None:
    data, port = data_folder(tmp_path / "pg"), free_port()
    dsn = server_dsn(port, "history")
    server = PostgresServer(data, port, tmp_path / "postgres.log")
    try:
        server.start()
        ensure_database(server.dsn, "history")
        upgrade(dsn)
        desk = Desk(kafka, dsn)
        worker = start_recorder(dsn).wait_ready()
        desk.send(range(500))
        eventually("recorded", lambda: desk.holds(500))
        server.kill()
        desk.send(range(500, 3_000))
        eventually("it says so", lambda: "recorder.history" in worker.get("/ready")[1])
        again = PostgresServer(data, port, tmp_path / "postgres.log")
        again.start()
        server = again
        eventually("drained", lambda: desk.holds(3_000))
        for table in TABLES:
            assert desk.numbers(table) == list(range(3_000))
        eventually("ready again", worker.is_ready)
    finally:
        server.stop()
        if data.parent != tmp_path:
            remove_data(data.parent)
