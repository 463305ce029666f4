"""The journal is recounted from its text alone."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from hedgerow_local.errors import LocalError
from hedgerow_local.journal import Recount, recount


def order(order_id: str, link: str, account: str = "hedge-01") -> dict[str, str]:
    return {"orderId": order_id, "orderLinkId": link, "account": account}


def execution(side: str, quantity: str, account: str = "hedge-01") -> dict[str, str]:
    return {"account": account, "symbol": "BTC/USDT:USDT", "side": side, "execQty": quantity}


def write(path: Path, *lines: dict[str, object]) -> Path:
    header = {"format": "hedgerow-exchange-journal", "version": 1}
    path.write_text("".join(json.dumps(line) + "\n" for line in (header, *lines)))
    return path


def test_executions_of_the_account_are_added_up_and_an_order_counts_once(tmp_path: Path) -> None:
    path = write(
        tmp_path / "journal",
        {"orders": [order("1", "hr-a")], "executions": [execution("Sell", "0.3")]},
        {"orders": [order("1", "hr-a")], "executions": [execution("Buy", "0.1")]},
        {"orders": [order("2", "x", "maker")], "executions": [execution("Buy", "9", "maker")]},
    )
    assert recount(path, "hedge-01") == Recount(
        positions={"BTC/USDT:USDT": Decimal("-0.2")}, orders=("hr-a",)
    )


def test_the_same_client_order_id_on_two_orders_is_seen_twice(tmp_path: Path) -> None:
    lines = {"orders": [order("1", "hr-a"), order("2", "hr-a")], "executions": []}
    assert recount(write(tmp_path / "journal", lines), "hedge-01").orders == ("hr-a", "hr-a")


def test_a_line_that_is_still_being_written_is_not_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "journal", {"orders": [], "executions": [execution("Buy", "1")]})
    with path.open("a") as file:
        file.write('{"orders": [], "exec')
    assert recount(path, "hedge-01").positions == {"BTC/USDT:USDT": Decimal(1)}


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "journal", {"orders": [], "executions": [{"account": "hedge-01"}]})
    with pytest.raises(LocalError, match="line 2 is not a line of a journal"):
        recount(path, "hedge-01")


def test_a_missing_journal_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="no journal at"):
        recount(tmp_path / "journal", "hedge-01")
