"""What a release's ledger, exchange and journal say, read from outside its cluster."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from cluster import Cluster, wait_for

from hedgerow.adapters.ccxt_venue import CcxtVenue
from hedgerow.domain.instruments import LISTINGS
from hedgerow_local.balance import Accounts, imbalances
from hedgerow_local.journal import JOURNAL_NAME, recount
from hedgerow_local.ledger_facts import History, read_history

T = TypeVar("T")
ACCOUNT = "hedge-01"
TRADE_SECRET = "paper-trade"


class ReleaseLedger:
    """The bundled servers of one release."""

    def __init__(self, cluster: Cluster, release: str) -> None:
        self._cluster = cluster
        self._release = release

    def ask(self, question: Callable[[Any], Awaitable[T]]) -> T:
        """One question to the ledger, over a connection of its own; asked again while nobody answers."""

        async def connected(dsn: str) -> T:
            connection = await asyncpg.connect(dsn, timeout=10)
            try:
                return await question(connection)
            finally:
                await connection.close()

        def once() -> tuple[T] | None:
            dsn = urlsplit(self._cluster.secret(f"{self._release}-ledger", "HEDGEROW_LEDGER_DSN"))
            try:
                with self._cluster.forwarded(f"service/{self._release}-postgres", 5432) as port:
                    place = f"{dsn.username}:{dsn.password}@127.0.0.1:{port}"
                    return (asyncio.run(connected(urlunsplit(dsn._replace(netloc=place)))),)
            except (OSError, asyncpg.PostgresError, AssertionError):
                return None

        return wait_for("the ledger", once)[0]

    def value(self, query: str, *arguments: object) -> Any:
        return self.ask(lambda connection: connection.fetchval(query, *arguments))

    def rows(self, query: str, *arguments: object) -> list[Any]:
        return self.ask(lambda connection: connection.fetch(query, *arguments))

    def hedges(self) -> int:
        """Intents that were filled, wholly or in part."""
        return int(self.value("select count(distinct intent) from fills"))

    def position(self, strategy_uid: str) -> Decimal:
        found = self.value("select sum(quantity) from positions where strategy_uid = $1", strategy_uid)
        return found or Decimal(0)

    def history(self) -> History:
        return self.ask(lambda connection: read_history(connection, ACCOUNT, 0))

    def disagreements(self, folder: Path) -> tuple[list[str], int]:
        """What venue, ledger and the exchange's journal say differently, and how many orders were compared."""
        history = self.history()
        text = self._cluster.kubectl(
            "exec", f"{self._release}-exchange-0", "--", "cat", f"/data/{JOURNAL_NAME}"
        )
        (folder / JOURNAL_NAME).write_text(text)
        journal = recount(folder / JOURNAL_NAME, ACCOUNT)
        accounts = Accounts(
            venue=self._venue_positions(),
            ledger=history.positions,
            journal=journal.positions,
            journal_orders=journal.orders,
            intents=history.intents,
        )
        return imbalances(accounts), len(journal.orders)

    def _venue_positions(self) -> dict[str, Decimal]:
        hedges = [item.symbol for item in LISTINGS.values() if item.can_hedge]

        async def positions(url: str, key: str, secret: str) -> dict[str, Decimal]:
            venue = CcxtVenue("bybit", url, key, secret)
            try:
                await venue.start()
                return {item.instrument: item.quantity for item in await venue.positions(hedges)}
            finally:
                await venue.close()

        key, secret = (self._cluster.secret(TRADE_SECRET, entry) for entry in ("apiKey", "secret"))
        with self._cluster.forwarded(f"service/{self._release}-exchange", 8081) as port:
            return asyncio.run(positions(f"http://127.0.0.1:{port}", key, secret))
