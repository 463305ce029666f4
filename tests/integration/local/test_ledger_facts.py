"""What the local stack reads of how things stand, from a real ledger."""

from decimal import Decimal

import asyncpg
import hedge_examples as example

from hedgerow.domain.loans import Loan
from hedgerow.ledger.books import FedBook, replace_book
from hedgerow.ledger.strategies import publish_strategy, publish_venue
from hedgerow.schemas.records import BookKind
from hedgerow.strategy.compiled import BookSource
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
