"""An intent's row: what is known, and a dash for what is not."""

from decimal import Decimal

import hedge_examples as example

from hedgerow.cli.orders import HEADERS, average_price, order_cells
from hedgerow.execution.order_life import IntentState
from hedgerow.ledger.orders import OrderHistory


def test_executions_are_averaged_by_quantity_and_fees_added() -> None:
    fills = [example.fill("a", "0.1", "60000"), example.fill("b", "0.3", "60004")]
    assert average_price(fills) == Decimal(60003)
    assert average_price([]) is None
    intent = example.intent(
        state=IntentState.CANCELLED, filled_quantity=Decimal("0.4"), client_order_id="hr-1", reason="IOC"
    )
    item = OrderHistory(
        intent=intent, venue_order_id="v-1", answered_ns=1, answer="ok", concluded_ns=2, fills=fills
    )
    assert order_cells(item, example.NOW_NS + 5 * example.SECOND_NS) == (
        "1", "desk/btc", "Cancelled", "Sell", "0.5", "BTC/USDT:USDT", "59940", "0.4", "60003", "0.2", "5.0 s ago",
        "hr-1", "v-1", "IOC",
    )  # fmt: skip


def test_what_was_not_sent_yet_has_dashes() -> None:
    item = OrderHistory(
        intent=example.intent(),
        venue_order_id=None,
        answered_ns=None,
        answer=None,
        concluded_ns=None,
        fills=[],
    )
    cells = order_cells(item, example.NOW_NS)
    assert len(cells) == len(HEADERS)
    assert cells[8:10] == ("-", "-")
    assert cells[11:] == ("-", "-", "-")
