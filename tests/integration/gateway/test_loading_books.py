"""`hedgerow book load` and `show` against a gateway on a real ledger."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from gateway_process import KEYS, Gateway

Call = Callable[..., Coroutine[Any, Any, tuple[int, str, str]]]
POSITIONS = "instrument,quantity\nBTC/USDT,-1.25\nBTC/USDT:USDT,3\n"


@pytest.fixture
def hedgerow(shared_gateway: Gateway, tmp_path: Path) -> Call:
    """Runs `hedgerow book …` with alice's key, or another's."""

    async def call(*arguments: str, who: str = "alice", url: str | None = None) -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "hedgerow.cli.main",
            "book",
            *arguments,
            env={
                **os.environ,
                "HEDGEROW_GATEWAY_URL": url or await shared_gateway.url(),
                "HEDGEROW_API_KEY": KEYS[who][1],
            },
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    return call


async def test_a_file_is_shown_loaded_repeated_and_changed(
    hedgerow: Call, shared_gateway: Gateway, tmp_path: Path
) -> None:
    file = tmp_path / "positions.csv"
    file.write_text(POSITIONS)
    load = ("load", "oms", "-f", str(file), "--as-of")

    code, out, _ = await hedgerow(*load, "now", "--dry-run")
    assert code == 0
    assert "nothing was sent" in out
    assert (await shared_gateway.call("GET", "/books/oms")).status == 404

    code, out, _ = await hedgerow(*load, "now")
    assert (code, "book oms loaded: sequence 1" in out) == (0, True), out
    book = (await shared_gateway.call("GET", "/books/oms")).body
    assert book["positions"] == {"BTC/USDT": "-1.25", "BTC/USDT:USDT": "3"}

    code, out, _ = await hedgerow(*load, "now")
    assert (code, "has these positions already" in out, "sequence 1" in out) == (0, True, True), out

    file.write_text("instrument,quantity\nBTC/USDT,2\n")
    code, out, _ = await hedgerow(*load, "now", "--json")
    assert code == 0
    assert json.loads(out)["changes"] == {
        "BTC/USDT": {"before": "-1.25", "after": "2"},
        "BTC/USDT:USDT": {"before": "3", "after": "0"},
    }
    code, out, _ = await hedgerow("show", "oms", "--json", who="vera")
    assert code == 0
    shown = json.loads(out)
    assert (shown["sequence"], shown["positions"]) == (2, {"BTC/USDT": "2"})
    code, out, _ = await hedgerow("show", "oms")
    assert (code, "sequence 2" in out, "BTC/USDT" in out) == (0, True, True)

    code, _, err = await hedgerow(*load, "2020-01-01T00:00:00Z")
    assert (code, "as-of time" in err and "before the known" in err) == (1, True), err


async def test_entries_are_loaded_with_their_positions_and_are_part_of_the_content(
    hedgerow: Call, shared_gateway: Gateway, tmp_path: Path
) -> None:
    file = tmp_path / "positions.csv"
    load = ("load", "entered", "-f", str(file), "--as-of", "now")
    header = "instrument,quantity,entry_price,since\n"
    file.write_text(header + "BTC/USDT,-1.25,61000.5,2026-03-01T11:00:00Z\nBTC/USDT:USDT,3,,\n")
    assert (await hedgerow(*load))[0] == 0
    book = (await shared_gateway.call("GET", "/books/entered")).body
    entry = {"price": "61000.5", "since": "2026-03-01T11:00:00.000000000Z"}
    assert (book["sequence"], book["entries"]) == (1, {"BTC/USDT": entry})

    code, out, _ = await hedgerow(*load)
    assert (code, "has these positions already" in out, "sequence 1" in out) == (0, True, True), out
    file.write_text(header + "BTC/USDT,-1.25,60000,2026-03-01T11:00:00Z\nBTC/USDT:USDT,3,,\n")
    code, out, _ = await hedgerow(*load, "--json")
    changed = {"BTC/USDT": {"before": entry, "after": entry | {"price": "60000"}}}
    assert (code, json.loads(out)["changes"], json.loads(out)["entries"]) == (0, {}, changed)
    code, out, _ = await hedgerow("show", "entered")
    assert (code, "60000 since 2026-03-01T11:00:00" in out, "sequence 2" in out) == (0, True, True), out


@pytest.mark.parametrize(
    ("content", "options", "code", "words"),
    [
        ("instrument,quantity\nNO,1\nBTC/USDT,x\n", ("--as-of", "now"), 1, "line 3, quantity: 'x'"),
        ("instrument,quantity\nNO,1\nBTC/USDT,x\n", ("--as-of", "now"), 1, "nothing was sent: 2 problems"),
        (POSITIONS, (), 2, "say when it was so"),
        (POSITIONS, ("--as-of", "yesterday"), 2, "should be an RFC 3339 time"),
        (POSITIONS, ("--as-of", "2999-01-01T00:00:00Z"), 1, "as_of: is in the future"),
        (
            "instrument,quantity,as_of\nBTC/USDT,1,2026-01-01T00:00:00Z\n",
            ("--as-of", "now"),
            2,
            "leave --as-of out",
        ),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_is_sent(
    hedgerow: Call,
    shared_gateway: Gateway,
    tmp_path: Path,
    content: str,
    options: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(content)
    found, _, err = await hedgerow("load", "bad", "-f", str(file), *options)
    assert (found, words in err) == (code, True), err
    assert (await shared_gateway.call("GET", "/books/bad")).status == 404


async def test_loans_are_shown_loaded_repeated_and_changed(
    hedgerow: Call, shared_gateway: Gateway, tmp_path: Path
) -> None:
    file = tmp_path / "loans.csv"
    header = "id,asset,principal,interest,annual_rate,since,collateral\n"
    file.write_text(header + "loan-7,USDT,16200,12.5,0.06,2026-02-01T00:00:00Z,BTC=0.5;ETH=2\n")
    load = ("load", "lender", "-f", str(file), "--as-of")

    code, out, err = await hedgerow(*load, "now")
    assert (code, "book lender loaded: sequence 1" in out) == (0, True), out + err
    (loan,) = (await shared_gateway.call("GET", "/books/lender")).body["loans"]
    assert (loan["principal"], loan["collateral"]) == ("16200", {"BTC": "0.5", "ETH": "2"})
    code, out, _ = await hedgerow(*load, "now")
    assert (code, "has these loans already" in out, "sequence 1" in out) == (0, True, True), out

    file.write_text(header + "loan-8,BTC,2,0,0,2026-02-02T00:00:00+01:00,\n")
    code, out, _ = await hedgerow(*load, "now", "--json")
    changes = json.loads(out)["changes"]
    assert (code, sorted(changes), changes["loan-8"]["before"]) == (0, ["loan-7", "loan-8"], None)
    assert changes["loan-8"]["after"]["since"] == "2026-02-01T23:00:00.000000000Z"
    assert changes["loan-7"]["after"] is None
    code, out, _ = await hedgerow("show", "lender")
    assert (code, "2 BTC + 0 interest at 0 %, since 2026-02-01" in out) == (0, True), out
    code, _, err = await hedgerow("load", "oms-2", "-f", str(file), "--as-of", "2026-02-01T00:00:00Z")
    assert (code, "loans.0.since: is after as_of" in err) == (1, True), err


async def test_a_book_of_positions_is_not_loaded_over_by_loans_nor_the_other_way_round(
    hedgerow: Call, shared_gateway: Gateway, tmp_path: Path
) -> None:
    positions, loans = tmp_path / "positions.csv", tmp_path / "loans.csv"
    positions.write_text(POSITIONS)
    loans.write_text(
        "id,asset,principal,interest,annual_rate,since,collateral\nloan-9,BTC,2,0,0,2026-02-02T00:00:00Z,\n"
    )
    for name, first, second, words in (
        ("spot", positions, loans, "book spot holds positions and"),
        ("owed", loans, positions, "book owed holds loans and"),
    ):
        code, _, err = await hedgerow("load", name, "-f", str(first), "--as-of", "now")
        assert code == 0, err
        for option in ("--json", "--dry-run"):
            code, out, err = await hedgerow("load", name, "-f", str(second), "--as-of", "now", option)
            assert (code, out, words in err) == (1, "", True), err
        assert (await shared_gateway.call("GET", f"/books/{name}")).body["sequence"] == 1


async def test_a_refusal_or_an_absence_of_the_gateway_is_said(hedgerow: Call, tmp_path: Path) -> None:
    file = tmp_path / "positions.csv"
    file.write_text(POSITIONS)
    load = ("load", "clients", "-f", str(file), "--as-of", "now")
    code, _, err = await hedgerow(*load)
    assert (code, "moved by client fills" in err) == (1, True), err
    code, _, err = await hedgerow("load", "other", *load[2:], who="vera")
    assert (code, "vera is viewer; this needs trader" in err) == (1, True), err
    code, _, err = await hedgerow("show", "nothing")
    assert (code, "there is no book nothing" in err) == (1, True), err
    code, _, err = await hedgerow("show", "oms", url="http://127.0.0.1:1")
    assert (code, "http://127.0.0.1:1 does not answer" in err) == (3, True), err
