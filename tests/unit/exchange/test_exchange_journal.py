"""The journal: what was appended is on disk in order, and whatever is wrong with the file is found."""

import asyncio
import json
import os
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from hedgerow.domain.orders import Side
from hedgerow_exchange import journal as journal_module
from hedgerow_exchange.book import TimeInForce
from hedgerow_exchange.engine import Engine
from hedgerow_exchange.journal import JOURNAL_NAME, Journal, JournalError
from hedgerow_exchange.listings import paper_listings
from hedgerow_exchange.maker import Maker
from hedgerow_exchange.orders import OrderType, Outcome, PlaceOrder
from hedgerow_exchange.role import restored_engine

PERP = "BTC/USDT:USDT"
NOW = 1_790_000_000_000_000_000


def quoted_engine() -> Engine:
    engine = Engine(paper_listings(), ["one"], "0badcafe")
    maker = Maker(engine.listings[PERP], engine.books[PERP])
    maker.mirror([(60_000.0, 100.0)], [(60_000.5, 100.0)], (None, None))
    return engine


def buy(engine: Engine, name: str, quantity: str = "0.001") -> Outcome:
    return engine.place(
        "one",
        PlaceOrder(
            symbol=PERP,
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            quantity=Decimal(quantity),
            price=Decimal("60000.5"),
            time_in_force=TimeInForce.IOC,
            client_order_id=name,
        ),
        NOW,
    )


async def write_orders(folder: Path, count: int) -> Path:
    engine = quoted_engine()
    with Journal.open(folder, NOW) as journal:
        assert list(journal.outcomes()) == []
        journal.start()
        for number in range(count):
            journal.append(buy(engine, f"order-{number}"))
        await journal.durable()
    return folder / JOURNAL_NAME


def read_back(folder: Path) -> list[Outcome]:
    with Journal.open(folder, NOW) as journal:
        return [outcome for _, outcome in journal.outcomes()]


async def test_what_was_appended_is_read_back_in_order(tmp_path: Path) -> None:
    await write_orders(tmp_path, 5)
    names = [outcome.orders[0].order_link_id for outcome in read_back(tmp_path)]
    assert names == [f"order-{number}" for number in range(5)]


async def test_a_restarted_journal_goes_on_where_it_ended(tmp_path: Path) -> None:
    path = await write_orders(tmp_path, 2)
    first_id = json.loads(path.read_text().splitlines()[0])["id"]
    with Journal.open(tmp_path, NOW + 1) as journal:
        engine = restored_engine(journal, paper_listings(), ["one"])
        journal.start()
        maker = Maker(engine.listings[PERP], engine.books[PERP])
        maker.mirror([], [(60_000.5, 1.0)], (None, None))
        journal.append(buy(engine, "after"))
        await journal.durable()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0]["id"] == first_id
    assert [line["seq"] for line in lines[1:]] == [1, 2, 3]
    assert len({line["executions"][0]["execId"] for line in lines[1:]}) == 3
    assert engine.accounts["one"].position(PERP).quantity == Decimal("0.003")


async def test_positions_can_be_recounted_from_the_text_alone(tmp_path: Path) -> None:
    path = await write_orders(tmp_path, 7)
    positions: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in path.read_text().splitlines()[1:]:
        for execution in json.loads(line)["executions"]:
            sign = {"Buy": 1, "Sell": -1}[execution["side"]]
            positions[execution["account"], execution["symbol"]] += sign * Decimal(execution["execQty"])
    assert positions == {("one", PERP): Decimal("0.007")}


async def test_appends_while_a_write_is_under_way_share_the_next_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs = 0

    def count_sync(descriptor: int) -> None:
        nonlocal syncs
        syncs += 1
        os.fsync(descriptor)

    monkeypatch.setattr(journal_module, "_sync", count_sync)
    engine = quoted_engine()

    async def one_request(journal: Journal, number: int) -> int:
        journal.append(buy(engine, f"order-{number}"))
        await journal.durable()
        return len((tmp_path / JOURNAL_NAME).read_bytes().splitlines()) - 1

    with Journal.open(tmp_path, NOW) as journal:
        journal.start()
        on_disk = await asyncio.gather(*(one_request(journal, number) for number in range(50)))
    # Whoever was told finds its own line in the file; the first write took one line, the second the rest.
    assert all(lines > number for number, lines in enumerate(on_disk))
    assert syncs == 2
    assert [o.orders[0].order_link_id for o in read_back(tmp_path)] == [f"order-{n}" for n in range(50)]


async def test_a_torn_last_line_is_cut_off_and_said_so(tmp_path: Path) -> None:
    path = await write_orders(tmp_path, 3)
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    with capture_logs() as logs:
        assert len(read_back(tmp_path)) == 2
    assert [entry["event"] for entry in logs] == ["journal: torn last line cut off"]
    assert whole.startswith(path.read_bytes())
    assert path.read_bytes().endswith(b"\n")


async def test_a_line_without_its_end_is_torn_even_if_it_reads_well(tmp_path: Path) -> None:
    path = await write_orders(tmp_path, 3)
    path.write_bytes(path.read_bytes()[:-1])
    assert len(read_back(tmp_path)) == 2


async def test_a_torn_header_begins_a_new_journal(tmp_path: Path) -> None:
    (tmp_path / JOURNAL_NAME).write_text('{"format":"hedg')
    await write_orders(tmp_path, 1)
    assert len(read_back(tmp_path)) == 1


@pytest.mark.parametrize(
    ("line", "damage", "problem"),
    [
        (3, lambda line: b"{nonsense\n", "line 3"),
        (3, lambda line: line.replace(b'"seq":2', b'"seq":7'), "line 3: seq is 7, should be 2"),
        (3, lambda line: b"", "line 3: seq is 3, should be 2"),
        (4, lambda line: b"{nonsense\n", "line 4"),
        (4, lambda line: line.replace(b'"execQty":"0.001"', b'"execQty":"0.002"'), "line 4: order"),
        (2, lambda line: line.replace(b"BTC/USDT:USDT", b"DOGE/USDT:USDT"), "line 2: .*not listed"),
        (1, lambda line: b'{"some":"file"}\n', "line 1"),
        (1, lambda line: line.replace(b'"version":1', b'"version":2'), "line 1: .*2, but this exchange"),
    ],
)
async def test_anything_else_that_is_wrong_refuses_to_start(
    tmp_path: Path, line: int, damage: "object", problem: str
) -> None:
    path = await write_orders(tmp_path, 3)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line - 1] = damage(lines[line - 1])  # type: ignore[operator]
    path.write_bytes(b"".join(lines))
    with pytest.raises(JournalError, match=problem) as error, Journal.open(tmp_path, NOW) as journal:
        restored_engine(journal, paper_listings(), ["one"])
    assert str(path) in str(error.value)


async def test_a_second_exchange_on_the_same_journal_is_refused(tmp_path: Path) -> None:
    with Journal.open(tmp_path, NOW), pytest.raises(JournalError, match="held by another process"):
        Journal.open(tmp_path, NOW)
    Journal.open(tmp_path, NOW).close()


async def test_after_a_failed_write_nobody_is_told_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal_module, "_sync", full)
    engine = quoted_engine()
    with Journal.open(tmp_path, NOW) as journal:
        journal.start()
        journal.append(buy(engine, "lost"))
        journal.append(buy(engine, "lost as well"))
        with pytest.raises(JournalError, match="No space left"):
            await journal.durable()
        with pytest.raises(JournalError, match="No space left"):
            journal.append(buy(engine, "later"))
        assert journal.failed is not None
        assert isinstance(journal.failed.exception(), JournalError)
