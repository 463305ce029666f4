"""What the processes run: the live loops of executor, hedging, risk and router, and small stand-ins for the rest."""

import asyncio
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry

from hedgerow.adapters.mounted_keys import read_keys
from hedgerow.adapters.venue import VenueUnavailable
from hedgerow.domain.money import floor_to_step
from hedgerow.ledger.connection import LedgerUnreachable
from hedgerow.ledger.halts import HaltTarget
from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import ClientBook, Quote
from hedgerow.schemas.topics import BOOKS, MARKET_ENRICHED
from hedgerow.streams import trace
from hedgerow_enrichment.router_role import role as router
from hedgerow_executor.account import Account
from hedgerow_executor.metrics import build_metrics
from hedgerow_executor.role import run_loops
from hedgerow_hedging.deciding import Deciding
from hedgerow_hedging.role import role as hedging
from hedgerow_risk.role import role as risk
from hedgerow_simulator.ledger import LedgerServer, SimulatedAccountLedger, SimulatedDecisionLedger
from hedgerow_simulator.log import Log, SimulatedProducer
from hedgerow_simulator.plan import BOOK, SYMBOL, UID, VENUE, strategy_of
from hedgerow_simulator.promotion import put_right
from hedgerow_simulator.tables import Tables
from hedgerow_simulator.venue import SimulatedVenue, SimulatedVenueClient
from hedgerow_simulator.workers import Strategies, StreamWorker, context_of
from hedgerow_simulator.world import Life, World

ROLES = {"router": router, "risk": risk, "hedging": hedging}
EXECUTOR_RETRY_S = 1.0
QUOTE_EVERY_S = 0.25
BOOK_EVERY_S = 1.0
RETRY_S = 0.2
LOOK_AFTER_S = 1.0
_METRICS = build_metrics(CollectorRegistry())


class Scene:
    """All servers of one run, and the programs that meet on them."""

    def __init__(self, world: World, ledger: LedgerServer, venue: SimulatedVenue, log: Log) -> None:
        self.world = world
        self.ledger = ledger
        self.venue = venue
        self.log = log
        self.strategies = Strategies(world)
        self.mid = Decimal(60_000)

    async def stream_role(self, name: str, life: Life) -> None:
        context = context_of(name, life, self.log)
        worker = StreamWorker(ROLES[name], life, self.log, self.ledger, self.strategies, context)
        if name == "hedging":
            stepper: Any = worker.stepper
            deciding = Deciding(context, stepper, lambda dsn: self._open_ledger(life), life.now_ns)
            background = asyncio.create_task(deciding.run())
            running = asyncio.create_task(worker.run())
            done, _ = await asyncio.wait([background, running], return_when=asyncio.FIRST_COMPLETED)
            for task in (background, running):
                if task in done:
                    task.result()
        await worker.run()

    async def _open_ledger(self, life: Life) -> Any:
        try:
            await self.ledger.ask(life, "connect", lambda tables: None)
        except ConnectionError as error:
            raise LedgerUnreachable(str(error)) from error
        return SimulatedDecisionLedger(self.ledger, life)

    async def executor(self, life: Life) -> None:
        """As `hedgerow_executor.role` serves one venue: hold the lock, run the loops, try again."""
        while True:
            try:
                await self._serve_account(life)
            except (VenueUnavailable, LedgerUnreachable, ConnectionError) as error:
                self.world.tell(life.name, f"stops serving: {error}")
            await asyncio.sleep(EXECUTOR_RETRY_S)

    async def _serve_account(self, life: Life) -> None:
        session = await self.ledger.connect(life)
        try:
            if not await session.try_lock():
                return
            client = SimulatedVenueClient(self.venue, life)
            await client.start()
            self.world.tell(life.name, "serves the account")
            ledger: Any = SimulatedAccountLedger(session, VENUE.key, VENUE.account)
            pool: Any = None
            account = Account(
                context=context_of("executor", life, self.log),
                venue_key=VENUE.key,
                name=VENUE.account,
                opened=VENUE.prices,
                venue=client,
                pool=pool,
                ledger=ledger,
                metrics=_METRICS,
                tickers={},
                traces=None,
                now_ns=life.now_ns,
            )
            await run_loops(account, session, read_keys(account.context.settings.keys_dir / VENUE.account))
        finally:
            session.close()

    async def market(self, life: Life) -> None:
        """Moves the price, at the venue and on the stream."""
        moves, faults = self.world.random("market"), self.world.random("quotes")
        producer = SimulatedProducer(self.log, life)
        sequence = 0
        while True:
            step_bps = moves.gauss(0, self.world.plan.volatility_bps)
            self.mid = max(
                floor_to_step(self.mid * (1 + Decimal(repr(step_bps)) / 10_000), Decimal("0.1")),
                Decimal(1_000),
            )
            bid, ask = self.mid, self.mid + Decimal("0.2")
            self.venue.quote(bid, ask)
            sequence += 1
            valid = not self.world.happens("invalid quote", self.world.plan.invalid_quote)
            quote = _quote(bid, ask, sequence, life.now_ns(), valid)
            self._send(producer, MARKET_ENRICHED.name, "BTC", quote, life)
            if self.world.happens("poison message", self.world.plan.poison):
                producer.send(MARKET_ENRICHED.name, "BTC", b'{"type":"Quote","v":1', {})
            await asyncio.sleep(QUOTE_EVERY_S * faults.uniform(0.8, 1.2))

    async def gateway(self, life: Life) -> None:
        """Takes client fills into the ledger, then tells the book; tells it again each second."""
        drawn, plan = self.world.random("clients"), self.world.plan
        producer = SimulatedProducer(self.log, life)
        told_s, number = 0.0, 0
        while True:
            await asyncio.sleep(min(drawn.expovariate(1 / plan.clients_every_s), BOOK_EVERY_S / 2))
            if not self.world.calm and drawn.random() < 0.5:
                number += 1
                size = floor_to_step(
                    Decimal(repr(drawn.uniform(0.001, float(plan.largest_fill)))), Decimal("0.001")
                )
                quantity = max(size, Decimal("0.001")) * drawn.choice([1, -1])
                fill_id = f"{life.name}-{life.world.now_ns}-{number}"
                book_it = partial(
                    Tables.book_client_fill, fill_id=fill_id, instrument=SYMBOL, quantity=quantity
                )
                await self.insist(life, "client fill", book_it)
                self.world.tell("client", f"trades {quantity:f}")
                told_s = 0.0
            if self.world.loop.seconds - told_s >= BOOK_EVERY_S:
                told_s = self.world.loop.seconds
                sequence, positions = await self.insist(
                    life, "read book", lambda tables: (tables.book_sequence, tables.book)
                )
                book = ClientBook(
                    name=BOOK,
                    sequence=sequence,
                    as_of_ns=life.now_ns(),
                    published_ns=life.now_ns(),
                    positions=positions,
                )
                self._send(producer, BOOKS.name, BOOK, book, life)

    async def operator(self, life: Life) -> None:
        """A person: publishes new generations, halts, and releases."""
        drawn, plan = self.world.random("operator"), self.world.plan
        times = sorted(
            [(drawn.uniform(0.5, plan.faults_s), "publish") for _ in range(plan.republishes)]
            + [(drawn.uniform(0.5, plan.faults_s - 2), "halt") for _ in range(plan.halts)]
        )
        widened = 0
        for at_s, what in times:
            await asyncio.sleep(max(at_s - self.world.loop.seconds, 0))
            if what == "publish":
                widened += 1
                await self.publish(life, widened)
            else:
                await self._halt_for(life, drawn.uniform(0.1, 2.0))
        while True:
            await asyncio.sleep(LOOK_AFTER_S)
            await put_right(self, life)

    async def publish(self, life: Life, widened: int) -> None:
        config = strategy_of(self.world.plan, widened)
        published = await self.insist(
            life,
            "publish",
            lambda tables: tables.publish_strategy(UID, config, f"r{widened}", life.world.now_ns),
        )
        self.world.tell("person", f"publishes generation {published.generation}")
        self.strategies.publish(published)

    async def _halt_for(self, life: Life, seconds: float) -> None:
        target = self.world.random("operator").choice(
            [
                HaltTarget(kind="All"),
                HaltTarget(kind="Venue", name=VENUE.key),
                HaltTarget(kind="Strategy", name=strategy_of(self.world.plan).key),
            ]
        )
        await self.insist(life, "halt", lambda tables: tables.place_halt(target, "person", "because"))
        self.world.tell("person", f"halts {target.kind} {target.name}")
        await asyncio.sleep(seconds)
        await self.release(life, target)

    async def release(self, life: Life, target: HaltTarget) -> None:
        await self.insist(life, "release", lambda tables: tables.release_halts(target, "person"))
        self.world.tell("person", f"releases {target.kind} {target.name}")

    async def insist(self, life: Life, what: str, transaction: Any) -> Any:
        """What is done here may be done twice: an answer that is lost is asked for again."""
        while True:
            try:
                return await self.ledger.ask(life, what, transaction)
            except ConnectionError:
                await asyncio.sleep(RETRY_S)

    def _send(
        self, producer: SimulatedProducer, topic: str, key: str, record: msgspec.Struct, life: Life
    ) -> None:
        headers = trace.start(f"{topic}:{life.now_ns()}", life.now_ns())
        producer.send(topic, key, encode(record), headers)


def _quote(bid: Decimal, ask: Decimal, sequence: int, now_ns: int, valid: bool) -> Quote:
    low, high = (float(bid), float(ask)) if valid else (0.0, 0.0)
    return Quote(
        instrument=SYMBOL,
        underlying="BTC",
        sequence=now_ns + sequence,
        time_ns=now_ns,
        source_time_ns=now_ns,
        bid=low,
        ask=high,
        bid_size=1.0,
        ask_size=1.0,
        mid=(low + high) / 2,
        spread_bps=0.0,
        imbalance=0.0,
        depth_bps=10.0,
        bid_depth_usd=1.0,
        ask_depth_usd=1.0,
        reach_bps=10.0,
        valid=valid,
        reason="" if valid else "crossed",
    )
