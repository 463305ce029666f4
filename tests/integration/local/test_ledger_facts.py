"""What the local stack reads of how things stand, from a real ledger."""

from decimal import Decimal

import asyncpg
import hedge_examples as example

from hedgerow.domain.loans import Loan
from hedgerow.hedging.decide import decide
from hedgerow.hedging.decision import Hedge
from hedgerow.hedging.ladder import LadderStanding, LtvState
from hedgerow.ledger.books import FedBook, replace_book
from hedgerow.ledger.decisions import Trace, commit_decision
from hedgerow.ledger.snapshot import read_snapshot
from hedgerow.ledger.strategies import publish_strategy
from hedgerow.ledger.venues import publish_venue
from hedgerow.schemas.records import BookKind
from hedgerow.strategy.compiled import BookSource
from hedgerow_local.climb import Entered
from hedgerow_local.ladder_facts import read_ladders
from hedgerow_local.ledger_facts import read_standing


async def test_positions_and_debts_add_up_as_risk_sees_them(ledger_dsn: str) -> None:
    connection = await asyncpg.connect(ledger_dsn)
    try:
        await publish_venue(connection, example.venue(), 1)
        sources = tuple(BookSource(name=name, book=name) for name in ("oms", "loans", "untold"))
        await publish_strategy(connection, example.strategy(exposure=sources), "r1", 1)
        held = {"BTC/USDT": Decimal(3), "ETH/USDT": Decimal(9)}
        await replace_book(connection, FedBook(name="oms", sequence=1, as_of_ns=1, positions=held), 1)
        owed = Loan(
            id="a",
            asset="BTC",
            principal=Decimal(1),
            interest=Decimal("0.25"),
            annual_rate=Decimal(0),
            since_ns=1,
        )
        loans = FedBook(name="loans", sequence=1, as_of_ns=1, kind=BookKind.LOANS, loans=(owed,))
        await replace_book(connection, loans, 1)
        (standing,) = (await read_standing(connection, 0)).held
    finally:
        await connection.close()
    assert (standing.band.underlying, standing.books, standing.hedge) == ("BTC", Decimal("1.75"), Decimal(0))


async def test_a_state_of_the_ladder_is_told_as_the_decision_that_entered_it_saw_it(ledger_dsn: str) -> None:
    connection = await asyncpg.connect(ledger_dsn)
    try:
        await publish_venue(connection, example.venue(), 1)
        treasury = example.by_ltv(example.ladder(no_trade_notional=Decimal(500)))
        published = await publish_strategy(connection, treasury, "r1", 1)
        ledger = await read_snapshot(connection, published.uid, example.NOW_NS)
        assert ledger is not None
        risk = example.risk(
            "2", uid=published.uid, generation=published.generation, loan=example.loan("0.82")
        )
        decision = decide(risk, ledger)
        assert isinstance(decision, Hedge)
        assert (
            await commit_decision(
                connection, risk, ledger, decision, Trace(cause="wake", stages="", traceparent="")
            )
            is not None
        )
        (record,) = await read_ladders(connection, 0)
        (later,) = await read_ladders(connection, example.NOW_NS + 1)
    finally:
        await connection.close()
    assert (record.uid, record.underlying) == (published.uid, "BTC")
    assert record.entered == (
        Entered(
            standing=LadderStanding(state=LtvState.DANGER, since_ns=example.NOW_NS),
            ltv=Decimal("0.82"),
            wants=Decimal("0.7"),
            exposure=Decimal(2),
            zone=Decimal(500),
        ),
    )
    assert later.entered == ()
