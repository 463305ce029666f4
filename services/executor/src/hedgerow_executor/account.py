"""One venue account: what its loops share."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal

import asyncpg
import msgspec
import structlog

from hedgerow.adapters.venue import VenueClient
from hedgerow.execution.claim_facts import Funds
from hedgerow.execution.conclusion import Contradiction
from hedgerow.execution.intents import Intent, Ticker
from hedgerow.execution.order_life import TERMINAL, IllegalTransition
from hedgerow.ledger.connection import LEDGER_LOST
from hedgerow.ledger.halts import HaltTarget
from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import HedgeConcluded
from hedgerow.schemas.topics import HEDGE_FILLS
from hedgerow.streams import trace
from hedgerow.streams.context import Context
from hedgerow_executor.account_ledger import AccountLedger
from hedgerow_executor.metrics import Metrics
from hedgerow_executor.tracing import Traces

_log = structlog.get_logger()
Work = Callable[["Account", Intent], Awaitable[None]]


class Account(msgspec.Struct, kw_only=True):
    """The account's venue, its connections, and what is known of it between two looks at the ledger.

    Attributes:
        opened: which exchange and environment `venue` speaks to, as `CompiledVenue.prices` names it.
        ledger: what the loops ask of the ledger; pool: for what only looks on, such as traces.
        tickers: the venue's own touch by instrument, from the executor's own poll.
        liquidation_prices: where the venue would close a position, as it last said; no entry where it names none.
        funds: what the venue lets the account put up, from the executor's own poll; None before the first answer.
        following: intents that a task of this process has in hand right now.
        news: set when the venue's stream tells of the order of this client order id, while somebody follows it.
        cancelling: those whose order another task is taking back.
        claiming: one claim at a time, so that account-wide caps see each other.
        halted_for: contradictions that this process has halted the venue for.
        traces: where ended intents are told; None when nobody listens.
        now_ns: this process's clock.
        reachable: whether Kafka answers; while it does not, hints are left out.
        failed: set by a task that met what nobody foresaw; the process must end.
    """

    context: Context
    venue_key: str
    name: str
    opened: str
    venue: VenueClient
    pool: asyncpg.Pool
    ledger: AccountLedger
    metrics: Metrics
    tickers: dict[str, Ticker]
    traces: Traces | None
    liquidation_prices: dict[str, Decimal] = msgspec.field(default_factory=dict)
    funds: Funds | None = None
    now_ns: Callable[[], int] = time.time_ns
    reachable: Callable[[], bool] = lambda: True
    following: dict[int, asyncio.Task[None]] = msgspec.field(default_factory=dict)
    news: dict[str, asyncio.Event] = msgspec.field(default_factory=dict)
    cancelling: dict[int, asyncio.Task[None]] = msgspec.field(default_factory=dict)
    claiming: asyncio.Lock = msgspec.field(default_factory=asyncio.Lock)
    halted_for: set[str] = msgspec.field(default_factory=set)
    failed: asyncio.Future[None] = msgspec.field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """Everything that works on an intent now."""
        return [*self.following.values(), *self.cancelling.values()]

    def stir(self, client_order_id: str) -> None:
        """Have the order looked at now, by whoever follows it."""
        if client_order_id in self.news:
            self.news[client_order_id].set()

    def stir_all(self) -> None:
        """Have every order that is followed looked at now."""
        for event in self.news.values():
            event.set()

    def follow(self, intent: Intent, work: Work) -> None:
        """Give an intent to a task of its own, unless one has it already."""
        self._begin(self.following, intent, work, "intent")

    def take_back(self, intent: Intent, work: Work) -> None:
        """Give an intent's cancel to a task of its own, beside the one that follows the order."""
        self._begin(self.cancelling, intent, work, "cancel")

    def _begin(self, tasks: dict[int, asyncio.Task[None]], intent: Intent, work: Work, name: str) -> None:
        if intent.id not in tasks:
            running = self._run(tasks, intent, work)
            tasks[intent.id] = asyncio.create_task(running, name=f"{name}-{intent.id}")

    async def _run(self, tasks: dict[int, asyncio.Task[None]], intent: Intent, work: Work) -> None:
        try:
            await self._work_or_halt(intent, work)
        except LEDGER_LOST as error:
            # The intent stays as the ledger has it; the resolver takes it up when the ledger is back.
            _log.warning("ledger away", intent=intent.id, error=str(error) or type(error).__name__)
        except Exception as error:
            if not self.failed.done():
                self.failed.set_exception(error)
        finally:
            tasks.pop(intent.id, None)

    async def _work_or_halt(self, intent: Intent, work: Work) -> None:
        try:
            await work(self, intent)
        except (Contradiction, IllegalTransition) as error:
            await self._halt(f"intent {intent.id}: {error}")

    async def _halt(self, reason: str) -> None:
        """The venue says what cannot be: nothing more is sent there until a person has looked.

        Raises:
            one of LEDGER_LOST: the halt may not stand; it is placed when the venue says so again.
        """
        if reason in self.halted_for:
            return
        self.halted_for.add(reason)
        _log.error("venue and ledger contradict each other: halted", venue=self.venue_key, reason=reason)
        target = HaltTarget(kind="Venue", name=self.venue_key)
        try:
            await self.ledger.place_halt(target, "executor", reason, self.now_ns())
        except LEDGER_LOST:
            self.halted_for.discard(reason)
            raise

    def announce(self, intent: Intent) -> None:
        """Tell hedging that an intent moved; a hint, sent after the commit."""
        self.metrics.intents.labels(intent.state.value).inc()
        _log.info(
            "intent",
            intent=intent.id,
            state=intent.state,
            filled=str(intent.filled_quantity),
            order=intent.client_order_id,
            reason=intent.reason,
        )
        if intent.state not in TERMINAL:
            return
        if self.traces is not None:
            self.traces.concluded(intent.id)
        filled = self.metrics.filled.labels(intent.instrument, intent.side.value)
        filled.inc(float(intent.filled_quantity))
        record = HedgeConcluded(
            strategy=intent.strategy,
            uid=intent.strategy_uid,
            intent=intent.id,
            state=intent.state.value,
            filled_quantity=intent.filled_quantity,
            time_ns=self.now_ns(),
        )
        if self.reachable():
            headers = trace.start(f"intent:{intent.id}", record.time_ns)
            self.context.producer.send(HEDGE_FILLS.name, intent.strategy, encode(record), headers)
