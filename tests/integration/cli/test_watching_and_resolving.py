"""`top`, `status`, `orders` and `intent resolve` against a real ledger and a real Kafka."""

import fcntl
import getpass
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import asyncpg
import hedge_examples as example
import pytest
from cli_desk import ROLES, Desk, on_ledger, risk_state

from hedgerow.cli.exits import ExitCode
from hedgerow.execution.intents import Ticker
from hedgerow.execution.order_life import IntentState
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Hedge
from hedgerow.ledger.claims import claim
from hedgerow.ledger.decisions import Trace, commit_decision
from hedgerow.ledger.outcomes import record_outcome, record_state
from hedgerow.ledger.overview import read_overview
from hedgerow.ledger.snapshot import read_snapshot
from hedgerow.schemas.records import StrategyPublished
from hedgerow.schemas.topics import RISK_STATE

TRACE = Trace(cause="book:clients:1", stages="decided=1", traceparent="00-0-0-00")
DEADLINE_S = 60.0


def applied(desk: Desk, unknown_deadline: str = "60s") -> StrategyPublished:
    """Live, with quotes that stay fresh for as long as a test runs."""
    desk.write(
        lambda text: text.replace("quote: 3s", "quote: 10m").replace(
            "unknownDeadline: 60s", f"unknownDeadline: {unknown_deadline}"
        )
    )
    desk.ok("apply", "-f", str(desk.folder))
    published = desk.on_topic()
    assert published is not None
    return published


def sent(desk: Desk, published: StrategyPublished, delta: str = "0.5") -> int:
    """Decide on this delta and claim; the number of the intent, which is Sending."""
    numbers: list[int] = []

    async def work(connection: asyncpg.Connection) -> None:
        now_ns = time.time_ns()
        ledger = await read_snapshot(connection, published.uid, now_ns)
        assert ledger is not None
        risk = risk_state(desk, published, delta, 1)
        hedge = decide(risk, ledger)
        assert isinstance(hedge, Hedge), hedge
        committed = await commit_decision(connection, risk, ledger, hedge, TRACE)
        assert committed is not None
        ticker = Ticker(bid=Decimal("59999.9"), ask=Decimal("60000.1"), time_ns=now_ns)
        taken = await claim(connection, committed.intents[0], example.seen(ticker), now_ns)
        assert taken is not None
        assert taken.refusal is None, taken.refusal
        numbers.append(taken.intent.id)

    on_ledger(desk, work)
    return numbers[0]


def now_unknown(desk: Desk, intent: int) -> None:
    on_ledger(
        desk,
        lambda connection: record_state(connection, intent, IntentState.UNKNOWN, "no answer", time.time_ns()),
    )


def filled(desk: Desk, intent: int, state: IntentState, quantity: str) -> None:
    order = example.order(state, quantity)
    fill = example.fill(f"x-{intent}", quantity)
    on_ledger(
        desk,
        lambda connection: record_outcome(connection, intent, order, [fill], time.time_ns()),
    )


def test_top_shows_each_strategy_against_its_band(desk: Desk) -> None:
    assert "no strategy is live" in desk.ok("top")
    published = applied(desk)
    assert "NoRiskState" in desk.ok("top", "--once")
    desk.send(RISK_STATE.name, desk.key, risk_state(desk, published, "0.1", 1))
    desk.send(RISK_STATE.name, desk.key, risk_state(desk, published, "0.5", 2))
    out = desk.ok("top", "--once")
    assert "0.0833 outside" in out
    assert f"{desk.key}: OutsideBand: Sell 0.084 BTC/USDT:USDT at 59940" in out
    filled(desk, sent(desk, published), IntentState.FILLED, "0.084")
    (row,) = json.loads(desk.ok("top", "--json"))
    assert (row["state"], row["hedge"], row["net"]) == ("InsideBand", "-0.084", "0.416")
    assert (row["open_intents"], row["sent_last_minute"]) == (0, 1)


def test_top_on_a_terminal_follows_until_it_is_interrupted(desk: Desk) -> None:
    published = applied(desk)
    desk.send(RISK_STATE.name, desk.key, risk_state(desk, published, "0.1", 1))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "hedgerow.cli.main", "top"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "200"},
    )
    os.close(theirs)
    try:
        _read_until(ours, "InsideBand")
        desk.send(RISK_STATE.name, desk.key, risk_state(desk, published, "0.5", 2))
        _read_until(ours, "OutsideBand")
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE_S) == ExitCode.OK
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _read_until(terminal: int, text: str) -> None:
    seen, give_up = "", time.monotonic() + DEADLINE_S
    while text not in seen:
        assert time.monotonic() < give_up, seen
        if select.select([terminal], [], [], 1.0)[0]:
            seen += os.read(terminal, 65_536).decode(errors="replace")


def test_an_overview_reads_of_each_strategy_what_a_snapshot_reads_of_one(desk: Desk) -> None:
    published = applied(desk)
    filled(desk, sent(desk, published), IntentState.CANCELLED, "0.04")
    desk.write(lambda text: text)
    desk.ok("halt", "--all", "--reason", "a")
    desk.ok("halt", "--venue", "paper", "--reason", "b")
    desk.ok("halt", "--strategy", desk.name, "--reason", "c")

    async def compare(connection: asyncpg.Connection) -> None:
        overview = await read_overview(connection, 7)
        assert overview.strategies == (await read_snapshot(connection, published.uid, 7),)
        assert len(overview.halts) == 3

    on_ledger(desk, compare)


def test_status_names_what_waits_for_a_person(desk: Desk) -> None:
    published = applied(desk, "1s")
    code, out, _ = desk.call("status")
    assert code == ExitCode.ATTENTION
    assert f"{desk.key}: generation 1 waits for executor:default/paper, hedging, risk, router" in out
    desk.acknowledge(published, ROLES)
    assert "nothing waits for a person" in desk.ok("status")
    intent = sent(desk, published)
    now_unknown(desk, intent)
    desk.ok("halt", "--all", "--reason", "drill")
    _wait_past_deadline(desk, intent)
    code, out, _ = desk.call("status")
    assert code == ExitCode.ATTENTION
    assert f"`hedgerow intent resolve {intent} --as cancelled|abandoned" in out
    assert "of All by cli: drill" in out
    found = json.loads(desk.call("status", "--json")[1])
    assert [server["usable"] for server in found["servers"]] == [True, True]
    assert found["strategies"][0]["missing"] == []
    assert found["unknown"][0]["intent"] == intent


def test_status_tells_which_server_is_away_and_still_shows_the_rest(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, free_port: Callable[[], int]
) -> None:
    applied(desk)
    away = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("HEDGEROW_KAFKA", away)
    code, out, _ = desk.call("status")
    assert code == ExitCode.UNREACHABLE
    assert f"Kafka at {away} cannot be reached" in out
    assert desk.key in out
    monkeypatch.setenv("HEDGEROW_KAFKA", desk.kafka)
    monkeypatch.setenv("HEDGEROW_LEDGER_DSN", f"postgres://someone:secret@{away}/ledger")
    code, out, err = desk.call("status")
    assert code == ExitCode.UNREACHABLE
    assert f"the ledger's Postgres at {away}/ledger cannot be reached" in out
    assert "secret" not in out + err


def test_orders_show_intents_with_their_orders_and_executions(desk: Desk) -> None:
    published = applied(desk)
    assert "no intents yet" in desk.ok("orders", desk.name)
    code, _, err = desk.call("orders", "nobody")
    assert code == ExitCode.REFUSED
    assert "there is no HedgeStrategy default/nobody" in err
    first = sent(desk, published)
    assert "Sending" in desk.ok("orders", desk.name, "--open")
    filled(desk, first, IntentState.CANCELLED, "0.04")
    assert "no open intents" in desk.ok("orders", "--open")
    (item,) = json.loads(desk.ok("orders", desk.name, "--json"))
    assert (item["intent"]["state"], item["intent"]["filled_quantity"]) == ("Cancelled", "0.04")
    assert item["venue_order_id"] == "v-1"
    assert [fill["quantity"] for fill in item["fills"]] == ["0.04"]
    desk.ok("delete", "strategy", desk.name)
    assert str(first) in desk.ok("orders", desk.name, "--limit", "1")


def _wait_past_deadline(desk: Desk, intent: int) -> None:
    """The deadline is 1 s; wait until it is over by the clock that judges it."""
    (item,) = (item for item in json.loads(desk.ok("orders", "--json")) if item["intent"]["id"] == intent)
    over_ns = item["intent"]["claimed_ns"] + 1_100_000_000
    time.sleep(max(0.0, (over_ns - time.time_ns()) / 1e9))


def intent_row(desk: Desk, intent: int) -> dict[str, Any]:
    return next(
        item["intent"] for item in json.loads(desk.ok("orders", "--json")) if item["intent"]["id"] == intent
    )


def test_a_person_resolves_an_unknown_intent_and_the_chain_says_who_and_why(desk: Desk) -> None:
    published = applied(desk, "1s")
    intent = sent(desk, published)
    call = ("intent", "resolve", str(intent), "--reason", "not on the venue's screen", "--as")
    code, _, err = desk.call(*call, "abandoned")
    assert code == ExitCode.REFUSED
    assert "is Sending" in err
    now_unknown(desk, intent)
    _wait_past_deadline(desk, intent)
    code, _, err = desk.call(*call, "filled")
    assert code == ExitCode.REFUSED
    assert "becomes Filled only by what the venue tells" in err
    assert desk.call(*call, "gone")[0] == ExitCode.USAGE
    assert intent_row(desk, intent)["state"] == "Unknown"
    assert f"intent {intent} of {desk.key} is Abandoned with 0 of 0.084" in desk.ok(*call, "ABANDONED")
    row = intent_row(desk, intent)
    assert row["state"] == "Abandoned"
    assert row["reason"] == (
        f"resolved by {getpass.getuser()} from the command line: not on the venue's screen"
    )
    assert "0 breaks" in desk.ok("audit", "verify", desk.name)
    code, _, err = desk.call(*call, "abandoned")
    assert code == ExitCode.REFUSED
    assert "is Abandoned already" in err
    code, _, err = desk.call("intent", "resolve", "999999", "--reason", "x", "--as", "cancelled")
    assert code == ExitCode.REFUSED
    assert "the ledger has no intent 999999" in err


def test_a_part_that_was_filled_stays_counted_when_a_person_resolves_the_rest(desk: Desk) -> None:
    published = applied(desk, "1s")
    intent = sent(desk, published)
    filled(desk, intent, IntentState.PARTIALLY_FILLED, "0.04")
    _wait_past_deadline(desk, intent)
    desk.ok("intent", "resolve", str(intent), "--as", "cancelled", "--reason", "venue says cancelled")
    row = intent_row(desk, intent)
    assert (row["state"], row["filled_quantity"]) == ("Cancelled", "0.04")
    assert "0 breaks" in desk.ok("audit", "verify", desk.name)
    desk.send(RISK_STATE.name, desk.key, risk_state(desk, published, "0.5", 1))
    (shown,) = json.loads(desk.ok("top", "--json"))
    assert (shown["hedge"], shown["open_intents"]) == ("-0.04", 0)


def test_an_intent_in_time_is_left_to_the_executor(desk: Desk) -> None:
    intent = sent(desk, applied(desk, "10m"))
    now_unknown(desk, intent)
    code, _, err = desk.call("intent", "resolve", str(intent), "--as", "abandoned", "--reason", "x")
    assert code == ExitCode.REFUSED
    assert "execution.unknownDeadline is 600 s: wait" in err
    assert intent_row(desk, intent)["state"] == "Unknown"


def test_an_order_that_shows_up_after_it_was_abandoned_by_hand_counts_all_the_same(desk: Desk) -> None:
    published = applied(desk, "1s")
    intent = sent(desk, published)
    now_unknown(desk, intent)
    _wait_past_deadline(desk, intent)
    desk.ok("intent", "resolve", str(intent), "--as", "abandoned", "--reason", "x")
    filled(desk, intent, IntentState.FILLED, "0.084")
    assert intent_row(desk, intent)["state"] == "Filled"
    assert "0 breaks" in desk.ok("audit", "verify", desk.name)
