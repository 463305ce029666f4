"""`plan` and `diff` against a real ledger and a real Kafka: they tell what applying would do, and do nothing."""

import json
import time
from decimal import Decimal
from typing import Any

import asyncpg
from cli_desk import Desk, on_ledger, risk_state

from hedgerow.cli.exits import ExitCode
from hedgerow.domain.orders import Side
from hedgerow.ledger.books import ClientFill, record_client_fill
from hedgerow.schemas.records import Quote
from hedgerow.schemas.topics import MARKET_ENRICHED, RISK_STATE

TABLES = ("strategies", "generations", "leg_owners", "venues", "decisions", "intents", "books")


def quote(instrument: str, mid: float, sequence: int) -> Quote:
    now_ns = time.time_ns()
    return Quote(
        instrument=instrument,
        underlying="BTC",
        sequence=sequence,
        time_ns=now_ns,
        source_time_ns=now_ns,
        bid=mid - 0.1,
        ask=mid + 0.1,
        bid_size=1.0,
        ask_size=1.0,
        mid=mid,
        spread_bps=0.03,
        imbalance=0.0,
        depth_bps=50.0,
        bid_depth_usd=1e6,
        ask_depth_usd=1e6,
        reach_bps=60.0,
        valid=True,
    )


def everything(desk: Desk) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}

    async def read(connection: asyncpg.Connection) -> None:
        for table in TABLES:
            found[table] = [tuple(row) for row in await connection.fetch(f"select * from {table}")]

    on_ledger(desk, read)
    return found


def fill_the_book(desk: Desk, quantity: str) -> None:
    fill = ClientFill(
        fill_id=f"f-{desk.name}-{quantity}",
        book="clients",
        instrument="BTC/USDT",
        side=Side.BUY,
        quantity=Decimal(quantity),
        price=Decimal(60_000),
        time_ns=time.time_ns(),
    )
    on_ledger(desk, lambda connection: record_client_fill(connection, fill, time.time_ns()))


def test_a_plan_is_made_of_the_newest_books_and_quotes_and_writes_nothing(desk: Desk) -> None:
    desk.write(lambda text: text.replace("quote: 3s", "quote: 10m"))
    fill_the_book(desk, "0.5")
    for sequence, mid in ((1, 50_000.0), (2, 60_000.0)):
        for instrument in ("BTC/USDT", "BTC/USDT:USDT"):
            desk.send(MARKET_ENRICHED.name, "BTC", quote(instrument, mid, time.time_ns() + sequence))
    before = everything(desk)
    out = desk.ok("plan", "-f", str(desk.folder))
    assert f"HedgeStrategy {desk.key} would be created" in out
    assert "with risk from books and market.enriched" in out
    assert "It would send: Sell 0.084 BTC/USDT:USDT at 59940 or better (IOC) on default/paper" in out
    found = json.loads(desk.ok("plan", "-f", str(desk.folder), "--json"))[0]
    assert (found["change"], found["outlook"]["bands"][0]["net"]) == ("created", "0.5")
    assert everything(desk) == before
    assert desk.on_topic() is None


def test_a_live_strategy_is_planned_on_its_risk_state_and_a_changed_one_anew(desk: Desk) -> None:
    desk.write(lambda text: text.replace("quote: 3s", "quote: 10m"))
    desk.ok("apply", "-f", str(desk.folder))
    published = desk.on_topic()
    assert published is not None
    desk.send(RISK_STATE.name, desk.key, risk_state(desk, published, "0.5", 1))
    out = desk.ok("plan", "-f", str(desk.folder))
    assert f"HedgeStrategy {desk.key} would be unchanged" in out
    assert "with risk from risk.state" in out
    assert "It would send: Sell 0.084" in out
    desk.write(
        lambda text: text.replace("quote: 3s", "quote: 10m").replace('upper: "25000"', 'upper: "30000"')
    )
    found = json.loads(desk.ok("plan", "-f", str(desk.folder), "--json"))[0]
    assert (found["change"], found["generation"], found["risk_from"]) == (
        "configured",
        2,
        "books and market.enriched",
    )


def test_a_plan_says_what_apply_would_refuse(desk: Desk) -> None:
    desk.ok("apply", "-f", str(desk.folder))
    desk.write(lambda text: text.replace(f"name: {desk.name}", f"name: {desk.name}-2"))
    code, out, _ = desk.call("plan", "-f", str(desk.folder))
    assert code == ExitCode.REFUSED
    assert (
        "`apply` refuses it: LegConflict: BTC/USDT:USDT on default/paper account hedge-01 already belongs to "
        f"strategy {desk.key}" in out
    )
    desk.write(lambda text: text.replace("BTC/USDT:USDT", "DOGE/USDT:USDT"))
    code, _, err = desk.call("plan", "-f", str(desk.folder))
    assert code == ExitCode.REFUSED
    assert "DOGE/USDT:USDT" in err


def test_diff_ends_with_0_when_equal_1_when_different_and_2_when_it_cannot_tell(desk: Desk) -> None:
    code, out, _ = desk.call("diff", "-f", str(desk.folder))
    assert code == ExitCode.DIFFERENT == 1
    assert f"HedgeStrategy {desk.key}: added" in out
    assert "  + spec.policy.band[BTC].upper: 25000" in out
    desk.ok("apply", "-f", str(desk.folder))
    assert desk.ok("diff", "-f", str(desk.folder)).splitlines() == [
        "Venue default/paper: unchanged",
        f"HedgeStrategy {desk.key}: unchanged against generation 1",
    ]
    # Written otherwise, meant the same.
    desk.write(lambda text: text.replace('"25000"', '"25000.0"'))
    desk.ok("diff", "-f", str(desk.folder))
    before = everything(desk)
    desk.write(lambda text: text.replace('upper: "25000"', 'upper: "30000"'))
    code, out, _ = desk.call("diff", "-f", str(desk.folder))
    assert code == 1
    assert f"HedgeStrategy {desk.key}: changed against generation 1\n" in out
    assert "  ~ spec.policy.band[BTC].upper: 25000 -> 30000\n" in out
    found = json.loads(desk.call("diff", "-f", str(desk.folder), "--json")[1])
    assert found[1]["fields"] == [
        {"path": "spec.policy.band[BTC].upper", "live": "25000", "declared": "30000"}
    ]
    desk.write(lambda text: text.replace('upper: "25000"', 'upper: "-30000"'))
    code, _, err = desk.call("diff", "-f", str(desk.folder))
    assert code == ExitCode.USAGE
    assert "is not below upper" in err
    assert everything(desk) == before
