"""The rows of `top` follow from the same decision as in production, and make up nothing that is not known."""

from decimal import Decimal

import hedge_examples as example
import msgspec

from hedgerow.cli.board import HEADERS, NO_RISK_STATE, OUTSIDE_BAND, BoardRow, board, board_cells
from hedgerow.domain.orders import Side
from hedgerow.execution.order_life import IntentState
from hedgerow.hedging.snapshot import LedgerSnapshot, OpenIntent
from hedgerow.ledger.overview import Overview
from hedgerow.schemas.risk_state import RiskState


def rows(
    ledger: LedgerSnapshot | None = None, risk: RiskState | None = None, sent: int = 0
) -> list[BoardRow]:
    overview = Overview(
        strategies=(ledger or example.snapshot(),),
        sent_last_minute={example.UID: sent} if sent else {},
        halts=[],
    )
    return board(overview, {} if risk is None else {"desk/btc": risk})


def open_intent(state: IntentState) -> OpenIntent:
    return OpenIntent(
        id=4, leg=0, side=Side.SELL, quantity=Decimal(1), filled_quantity=Decimal(0), state=state
    )


def test_a_strategy_outside_its_band_shows_by_how_much_and_what_it_would_send() -> None:
    (row,) = rows(example.snapshot("-0.25"), example.risk("2"), sent=7)
    assert (row.state, row.net, row.lower, row.upper) == (OUTSIDE_BAND, Decimal("1.75"), -1, 1)
    assert (row.excess, row.hedge, row.sent_last_minute) == (Decimal("0.75"), Decimal("-0.25"), 7)
    assert row.detail == "Sell 0.75 BTC/USDT:USDT at 59940"
    assert board_cells(row) == (
        "desk/btc", "Paper", "OutsideBand", "BTC", "1.7500", "-1.0000", "1.0000", "0.7500 outside", "-0.2500", "0",
        "7", "0.0 s",
    )  # fmt: skip
    assert len(HEADERS) == len(board_cells(row))


def test_inside_the_band_halted_and_busy_show_their_reason() -> None:
    assert rows(risk=example.risk("0.5"))[0].state == "InsideBand"
    assert rows(example.snapshot(halts=("All halted by cli: x",)), example.risk("2"))[0].state == "Halted"
    busy = example.snapshot(open_intents=(open_intent(IntentState.UNKNOWN),))
    (row,) = rows(busy, example.risk("2"))
    assert (row.state, row.open_intents, row.unknown_intents) == ("OpenIntent", 1, 1)
    assert board_cells(row)[9] == "1 (1 unknown)"
    (row,) = rows(example.snapshot(open_intents=(open_intent(IntentState.ACCEPTED),)), example.risk("2"))
    assert (row.open_intents, row.unknown_intents) == (1, 0)


def test_without_a_risk_state_of_its_own_only_the_ledgers_side_is_shown() -> None:
    for risk in (None, example.risk("2", uid="an earlier strategy of this name")):
        (row,) = rows(example.snapshot("-0.25"), risk)
        assert (row.state, row.net, row.excess, row.risk_age_s) == (NO_RISK_STATE, None, None, None)
        assert row.hedge == Decimal("-0.25")
        assert board_cells(row)[4:8] == ("-", "-", "-", "-")


def test_the_age_of_the_risk_state_counts_to_the_reading() -> None:
    ledger = msgspec.structs.replace(example.snapshot(), read_ns=example.NOW_NS + 4 * example.SECOND_NS)
    (row,) = rows(ledger, example.risk("2"))
    assert (row.state, row.risk_age_s) == ("StaleRisk", 4.0)


def test_a_risk_state_that_is_not_ready_and_knows_no_exposure_makes_none_up() -> None:
    (row,) = rows(risk=example.risk(ready=False, exposures=(), marks=()))
    assert (row.state, row.net) == ("NotReady", None)


def test_each_band_has_a_row() -> None:
    ledger = example.snapshot(
        config=example.strategy(
            bands=(example.band(), msgspec.structs.replace(example.band(), underlying="ETH")), suspend=True
        )
    )
    assert [(row.underlying, row.state) for row in rows(ledger, example.risk("2"))] == [
        ("BTC", "Suspended"),
        ("ETH", "Suspended"),
    ]
