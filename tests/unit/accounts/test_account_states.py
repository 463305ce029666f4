"""The wire record of an account: what it carries, and what it refuses to carry."""

from decimal import Decimal as D
from typing import Any

import msgspec
import pytest
from account_examples import DEBT, POSITION, account_state

from hedgerow.schemas.codec import Decoder, UndecodableRecord, encode
from hedgerow.schemas.records import AccountState


def test_a_state_comes_back_as_it_was_sent() -> None:
    assert Decoder[AccountState](AccountState).decode(encode(account_state())) == account_state()
    assert DEBT.owed == D("100.1")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"wallet": {"BTC": D("NaN")}}, r"wallet\[BTC\] is NaN; it should be a finite number"),
        ({"collateral": {"BTC": D("-1")}}, r"collateral\[BTC\] is -1; it should not be below zero"),
        ({"debts": (DEBT, DEBT)}, "a debt in USDT stands twice"),
        ({"debts": (msgspec.structs.replace(DEBT, interest=D(-1)),)}, "interest in USDT is -1"),
        ({"positions": (POSITION, POSITION)}, "a position in BTC/USDT:USDT stands twice"),
        (
            {"positions": (msgspec.structs.replace(POSITION, quantity=D("Infinity")),)},
            "quantity of BTC/USDT:USDT is Infinity",
        ),
        (
            {"positions": (msgspec.structs.replace(POSITION, liquidation_price=D(-5)),)},
            "liquidation_price of BTC/USDT:USDT is -5",
        ),
    ],
)
def test_what_no_account_can_hold_is_refused_where_it_is_made_and_where_it_is_read(
    changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        account_state(**changes)
    sent = msgspec.to_builtins(account_state()) | msgspec.to_builtins(changes)
    with pytest.raises(UndecodableRecord, match=words):
        Decoder[AccountState](AccountState).decode(msgspec.json.encode(sent))
