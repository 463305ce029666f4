from decimal import Decimal

import pytest

from hedgerow.cli.ceilings import changed
from hedgerow.cli.exits import UsageError


def test_what_is_set_and_cleared_becomes_fields() -> None:
    assert changed(["maxOrderNotional=50000.5", "maxOrdersPerMinute=60"], ["maxDailyLoss"]) == {
        "max_order_notional": Decimal("50000.5"),
        "max_orders_per_minute": 60,
        "max_daily_loss": None,
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("maxOrder=1", '"maxOrder" is no ceiling; there are: maxOrderNotional, '),
        ("maxOrderNotional=0", "write a positive number"),
        ("maxOrderNotional=-1", "write a positive number"),
        ("maxOrderNotional=NaN", "write a positive number"),
        ("maxOrderNotional", "write a positive number"),
        ("maxOrdersPerMinute=1.5", "write a positive whole number"),
    ],
)
def test_what_is_no_ceiling_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        changed([text], [])
