"""The command line against a real ledger and a real Kafka: apply, get, delete, halt, release, explain, audit."""

import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from cli_desk import ROLES, Desk, on_ledger, risk_state
from confluent_kafka import Producer

from hedgerow.cli.exits import ExitCode
from hedgerow.domain.orders import Side
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Hedge
from hedgerow.ledger.books import ClientFill, record_client_fill
from hedgerow.ledger.decisions import Committed, Trace, commit_decision
from hedgerow.ledger.snapshot import read_snapshot
from hedgerow.ledger.strategies import find_strategy
from hedgerow.schemas.risk_state import RiskState
from hedgerow.schemas.topics import RISK_STATE, STRATEGIES


def live(desk: Desk) -> dict[str, Any]:
    found: list[dict[str, Any]] = json.loads(desk.ok("get", "strategies", desk.name, "--json"))["strategies"]
    return found[0]


def test_applying_writes_the_ledger_and_the_topic_and_applying_again_changes_nothing(desk: Desk) -> None:
    out = desk.ok("apply", "-f", str(desk.folder))
    assert "Venue default/paper created" in out
    assert f"HedgeStrategy {desk.key} created (generation 1, revision " in out
    first = desk.on_topic()
    assert first is not None
    assert (first.generation, first.revision) == (1, live(desk)["revision"])
    out = desk.ok("apply", "-f", str(desk.folder))
    assert "Venue default/paper unchanged" in out
    assert f"HedgeStrategy {desk.key} unchanged (generation 1" in out
    desk.write(lambda text: text.replace('"25000"', '"30000"'))
    assert "configured (generation 2" in desk.ok("apply", "-f", str(desk.folder / "strategy.yaml"))
    second = desk.on_topic()
    assert second is not None
    assert (second.generation, second.uid) == (2, first.uid)
    assert second.config.bands[0].upper == Decimal(30000)


def test_a_broken_strategy_is_refused_and_the_last_good_one_stays_live(desk: Desk) -> None:
    desk.ok("apply", "-f", str(desk.folder))
    before = desk.on_topic()
    desk.write(lambda text: text.replace('upper: "25000"', 'upper: "-30000"'))
    code, out, err = desk.call("apply", "-f", str(desk.folder))
    assert code == ExitCode.REFUSED
    assert "Venue default/paper unchanged" in out
    assert (
        "spec.policy.band[0].lower: -25000 is not below upper, -30000; write the smaller edge as lower" in err
    )
    assert f"{desk.folder}/strategy.yaml:" in err
    assert desk.on_topic() == before
    assert live(desk)["generation"] == 1


def test_a_leg_that_belongs_to_another_strategy_is_refused(desk: Desk) -> None:
    desk.ok("apply", "-f", str(desk.folder))
    desk.write(lambda text: text.replace(f"name: {desk.name}", f"name: {desk.name}-2"))
    code, _, err = desk.call("apply", "-f", str(desk.folder))
    assert code == ExitCode.REFUSED
    assert "LegConflict" in err
    assert desk.key in err


def test_ready_is_what_every_role_acknowledged_of_this_generation(desk: Desk) -> None:
    desk.ok("apply", "-f", str(desk.folder))
    code, _, err = desk.call("apply", "-f", str(desk.folder), "--wait", "0.2")
    assert code == ExitCode.REFUSED
    assert "executor:default/paper, hedging, risk, router did not acknowledge it" in err
    published = desk.on_topic()
    assert published is not None
    desk.acknowledge(published, ROLES[:3])
    assert (live(desk)["acknowledged"], live(desk)["ready"]) == (["hedging", "risk", "router"], False)
    assert "no: waits for executor" in desk.ok("get")
    desk.acknowledge(published, ROLES[3:])
    assert live(desk)["ready"] is True
    assert "ready" in desk.ok("apply", "-f", str(desk.folder), "--wait", "30")
    desk.write(lambda text: text.replace('"25000"', '"30000"'))
    desk.ok("apply", "-f", str(desk.folder))
    assert (live(desk)["acknowledged"], live(desk)["ready"]) == ([], False)


def test_deleting_takes_it_from_the_ledger_and_the_topic_and_a_used_venue_stays(desk: Desk) -> None:
    desk.ok("apply", "-f", str(desk.folder))
    code, _, err = desk.call("delete", "venue", "paper")
    assert code == ExitCode.REFUSED
    assert desk.key in err
    assert "deleted (was generation 1)" in desk.ok("delete", "HedgeStrategy", desk.key)
    assert desk.on_topic() is None
    code, _, err = desk.call("delete", "strategy", desk.name)
    assert code == ExitCode.REFUSED
    assert f"there is no HedgeStrategy {desk.key}" in err
    assert "Venue default/paper deleted" in desk.ok("delete", "venue", "paper")
    assert json.loads(desk.ok("get", "--json")) == {"strategies": [], "venues": [], "halts": []}


def test_a_topic_that_lost_a_generation_is_healed_by_applying_again(desk: Desk) -> None:
    desk.ok("apply", "-f", str(desk.folder))
    published = desk.on_topic()
    producer = Producer({"bootstrap.servers": desk.kafka})
    producer.produce(STRATEGIES.name, None, desk.key.encode())
    assert producer.flush(10) == 0
    assert desk.on_topic() is None
    desk.ok("apply", "-f", str(desk.folder))
    assert desk.on_topic() == published


def test_kafka_that_does_not_answer_is_named_and_nothing_is_written(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, free_port: Callable[[], int]
) -> None:
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("HEDGEROW_KAFKA", address)
    code, _, err = desk.call("apply", "-f", str(desk.folder))
    assert code == ExitCode.UNREACHABLE
    assert f"Kafka at {address} cannot be reached" in err
    assert json.loads(desk.ok("get", "strategies", "--json")) == {"strategies": []}


def test_halts_stand_until_their_source_releases_them(desk: Desk) -> None:
    desk.ok("apply", "-f", str(desk.folder))
    code, _, err = desk.call("halt", "--strategy", "nobody", "--reason", "x")
    assert code == ExitCode.REFUSED
    assert "nothing was halted: there is no Strategy default/nobody" in err
    assert f"Strategy {desk.key} halted" in desk.ok("halt", "--strategy", desk.name, "--reason", "[drill] a")
    desk.ok("halt", "--venue", "paper", "--reason", "b")
    desk.ok("halt", "--all", "--reason", "c")
    assert live(desk)["halts"] == ["[drill] a", "b", "c"]
    assert "halted: [drill] a; b; c" in desk.ok("get")
    assert "still standing" in desk.ok("release", "--strategy", desk.name)
    desk.ok("release", "--venue", "paper")
    assert live(desk)["halts"] == ["c"]
    desk.ok("release", "--all")
    code, _, err = desk.call("release", "--all")
    assert code == ExitCode.REFUSED
    assert "Everything has no halt of source cli to release; standing: none" in err
    assert live(desk)["halts"] == []


def test_explain_says_what_it_sees_and_what_it_would_send(desk: Desk) -> None:
    desk.write(lambda text: text.replace("quote: 3s", "quote: 10m"))
    desk.ok("apply", "-f", str(desk.folder))
    assert "It sends nothing: no risk state of it was seen." in desk.ok("explain", desk.name)
    published = desk.on_topic()
    assert published is not None
    fill = ClientFill(
        fill_id="f-1",
        book="clients",
        instrument="BTC/USDT",
        side=Side.BUY,
        quantity=Decimal("0.5"),
        price=Decimal(60_000),
        time_ns=time.time_ns(),
    )
    on_ledger(desk, lambda connection: record_client_fill(connection, fill, time.time_ns()))
    # Others on the same partitions must not be taken for it, nor its own older states.
    desk.send(RISK_STATE.name, desk.key, risk_state(desk, published, "0.1", 1))
    desk.send(RISK_STATE.name, desk.key, risk_state(desk, published, "0.5", 2))
    for number in range(8):
        desk.send(RISK_STATE.name, f"default/other-{number}", risk_state(desk, published, "9", 3))
    out = desk.ok("explain", desk.name)
    assert "book clients" in out
    assert "0.5 BTC/USDT" in out
    assert "0.08333333 outside" in out
    assert "It would send: Sell 0.084 BTC/USDT:USDT at 59940 or better (IOC) on default/paper" in out
    found = json.loads(desk.ok("explain", desk.key, "--json"))
    assert found["decision"]["intents"][0]["side"] == "Sell"
    assert found["bands"][0]["net"] == "0.5"
    desk.ok("halt", "--strategy", desk.name, "--reason", "drill")
    assert "It sends nothing: Halted" in desk.ok("explain", desk.name)


def test_audit_finds_what_was_changed_behind_its_back(desk: Desk) -> None:
    desk.ok("apply", "-f", str(desk.folder))
    assert desk.ok("audit", "verify") == "0 entries, 0 breaks; 0 decisions made again, 0 differ\n"

    async def forge(connection: asyncpg.Connection) -> None:
        published = await find_strategy(connection, desk.key)
        assert published is not None
        await connection.execute(
            "insert into chain (strategy_uid, position, payload, hash) values ($1, 1, $2, $3)",
            published.uid,
            b'{"intent":1,"state":"Decided","quantity":"1","filled_quantity":"0","reason":"","time_ns":1}',
            bytes(32),
        )

    on_ledger(desk, forge)
    code, _, err = desk.call("audit", "verify", desk.name)
    assert code == ExitCode.REFUSED
    assert "does not match its hash" in err
    assert json.loads(desk.call("audit", "verify", "--json")[1])["chain"]["entries"] == 1


async def decide_once(connection: asyncpg.Connection, risk: RiskState) -> Committed:
    ledger = await read_snapshot(connection, risk.uid, risk.time_ns)
    assert ledger is not None
    decision = decide(risk, ledger)
    assert isinstance(decision, Hedge)
    trace = Trace(cause=risk.cause, stages="decided=1", traceparent="00-0-0-00")
    committed = await commit_decision(connection, risk, ledger, decision, trace)
    assert committed is not None
    return committed


def test_replay_makes_a_decision_again_and_says_when_it_comes_out_otherwise(desk: Desk) -> None:
    desk.ok("apply", "-f", str(desk.folder))
    published = desk.on_topic()
    assert published is not None
    code, _, err = desk.call("replay", "1")
    assert code == ExitCode.REFUSED
    assert "the ledger has no decision 1; it has no decision yet. Only decisions to trade are stored" in err

    risk = risk_state(desk, published, "0.5", 1)
    committed = on_ledger(desk, lambda connection: decide_once(connection, risk))
    number, (intent,) = str(committed.decision), committed.intents
    out = desk.ok("replay", number)
    assert f"decision {number} of {desk.key}, generation 1" in out
    assert "It decided: Sell 0.084 BTC/USDT:USDT at 59940 or better (IOC) on default/paper" in out
    assert f"its intents: {intent}" in out
    assert "made again it comes out the same, all " in out
    assert desk.ok("replay", "--intent", str(intent)) == out
    found = json.loads(desk.ok("replay", number, "--json"))
    assert (found["identical"], found["stored"]) == (True, found["replayed"])
    assert (found["risk_state"]["sequence"], found["snapshot"]["generation"]) == (risk.sequence, 1)

    for named in ((), (number, "--intent", str(intent))):
        code, _, err = desk.call("replay", *named)
        assert (code, "name one decision" in err) == (ExitCode.USAGE, True)
    code, _, err = desk.call("replay", "--intent", "999999")
    assert code == ExitCode.REFUSED
    assert f"the ledger has no intent 999999; it has decisions {number} to {number}" in err

    forged = "replace(convert_from(decision, 'UTF8'), '\"0.084\"', '\"0.9\"')::bytea"
    forged = f"update decisions set decision = {forged}"
    on_ledger(desk, lambda connection: connection.execute(forged))
    code, out, err = desk.call("replay", number)
    assert code == ExitCode.DIFFERENT
    assert f"decision {number} was" in err
    assert "0.9" in err
    assert "comes out the same" not in out
    code, out, _ = desk.call("replay", number, "--json")
    assert (code, json.loads(out)["identical"]) == (ExitCode.DIFFERENT, False)
    on_ledger(desk, lambda connection: connection.execute("update decisions set snapshot = '{}'"))
    code, _, err = desk.call("replay", number)
    assert (code, "what it saw cannot be told" in err, "cannot be decided again" in err) == (1, True, True)
