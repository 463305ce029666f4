"""Asks the running stack for facts: workers, ledger, venue, journal."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TypeVar

import asyncpg

from hedgerow.adapters.ccxt_venue import CcxtVenue
from hedgerow.domain.instruments import LISTINGS
from hedgerow_local import (
    client_orders,
    climb,
    counters,
    exposure,
    journal,
    ladder_facts,
    latency,
    ledger_facts,
    processes,
)
from hedgerow_local.balance import Accounts
from hedgerow_local.client_orders import ClientOrders
from hedgerow_local.feed import RiskFeed
from hedgerow_local.keys import ACCOUNT
from hedgerow_local.ledger_facts import History, Standing
from hedgerow_local.report import Facts
from hedgerow_local.stack import Stack

T = TypeVar("T")
ATTEMPTS = 10
PAUSE_S = 0.3


class Collector:
    """Looks at one running stack from outside, as an operator would.

    Args:
        ladders: whether the report tells of LTV ladders: where the market is made to move them.

    Raises:
        KafkaException: Kafka does not answer when the collector is made.
    """

    def __init__(self, stack: Stack, begun_ns: int, *, ladders: bool = False) -> None:
        self._stack = stack
        self._ladders = ladders
        self._begun_ns = begun_ns
        self._since_ns = stack.state.session_start_ns
        self.totals = counters.Totals()
        self.lag = 0
        self.feed = RiskFeed(processes.kafka_bootstrap(stack.state), self._since_ns)

    def look(self) -> Standing:
        """Take up what the workers count and what risk published since, and read how the ledger stands.

        Raises:
            OSError, asyncpg.PostgresError: the ledger cannot be read now.
        """
        found = counters.read_metrics(processes.worker_ports(self._stack.state))
        self.totals.update(found)
        self.lag = counters.lag(found)
        self.feed.drain()
        return self._ledger(lambda connection: ledger_facts.read_standing(connection, self._since_ns))

    def facts(self, startup_s: dict[str, float]) -> Facts:
        """Everything the report needs.

        Raises:
            OSError, asyncpg.PostgresError, VenueUnavailable: a server cannot be asked now.
            LocalError: the journal cannot be read.
        """
        standing, history, accounts = self._same_moment()
        self.feed.drain()
        first = history.first_fill_ns
        return Facts(
            stages=self.totals.stages(),
            orders=self._orders(history),
            hedges=standing.hedges,
            instruments=history.instruments,
            held=tuple((item.strategy, item.band.underlying) for item in standing.held),
            exposures=exposure.summarise(self.feed.samples, history.fills, history.bands),
            latencies=latency.summarise(history.journeys),
            restarts=self._stack.restarts(),
            accounts=accounts,
            startup_s=startup_s,
            first_hedge_s=None if first is None else round((first - self._begun_ns) / 1e9, 2),
            climbs=self._climbs(history) if self._ladders else None,
        )

    def _climbs(self, history: History) -> tuple[climb.Climb, ...]:
        records = self._ledger(lambda connection: ladder_facts.read_ladders(connection, self._since_ns))
        return tuple(climb.climb_of(record, history.fills, self.feed.samples) for record in records)

    def _orders(self, history: History) -> ClientOrders:
        return ClientOrders(
            generator=client_orders.read_generated(
                self._stack.layout.data("order-generator"), self._stack.state.session_start_ns
            ),
            own=history.generated_orders,
            everybody=history.orders,
            gateway_received=self.totals.total(client_orders.RECEIVED),
            gateway_filled=self.totals.total(client_orders.FILLED),
            gateway_restarts=self._stack.restarts().get("gateway", 0),
        )

    def _same_moment(self) -> tuple[Standing, History, Accounts]:
        """Read all sides until no hedge moved in between; a hedge that never rests shows as an imbalance."""
        for _ in range(ATTEMPTS):
            before = self.look()
            history = self._ledger(
                lambda connection: ledger_facts.read_history(connection, ACCOUNT, self._since_ns)
            )
            accounts = self._accounts(history)
            after = self.look()
            if before.version == after.version and not after.hedges.open:
                break
            time.sleep(PAUSE_S)
        return after, history, accounts

    def _accounts(self, history: History) -> Accounts:
        path = self._stack.layout.data("exchange") / journal.JOURNAL_NAME
        counted = journal.recount(path, ACCOUNT)
        return Accounts(
            venue=asyncio.run(self._venue_positions()),
            ledger=history.positions,
            journal=counted.positions,
            journal_orders=counted.orders,
            intents=history.intents,
        )

    async def _venue_positions(self) -> dict[str, Decimal]:
        keys = self._stack.layout.keys / ACCOUNT
        venue = CcxtVenue(
            "bybit",
            processes.exchange_url(self._stack.state),
            (keys / "apiKey").read_text(),
            (keys / "secret").read_text(),
        )
        hedges = [item.symbol for item in LISTINGS.values() if item.can_hedge]
        try:
            await venue.start()
            return {item.instrument: item.quantity for item in await venue.positions(hedges)}
        finally:
            await venue.close()

    def _ledger(self, question: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        async def ask() -> T:
            connection = await asyncpg.connect(processes.ledger_dsn(self._stack.state), timeout=5)
            try:
                return await question(connection)
            finally:
                await connection.close()

        return asyncio.run(ask())
