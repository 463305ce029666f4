"""The ledger's server: requests that take time, sessions that can be lost, commits whose answer does not come."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from hedgerow.domain.money import ZERO
from hedgerow.execution.claim_facts import Funds, VenueView
from hedgerow.execution.intents import Intent, VenueExecution, VenueFill, VenueOrder
from hedgerow.execution.order_life import OPEN, IntentState
from hedgerow.hedging.decision import Hedge
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.ledger.adoptions import Adopted
from hedgerow.ledger.claims import Claim
from hedgerow.ledger.connection import LedgerUnreachable
from hedgerow.ledger.decisions import Committed, Trace
from hedgerow.ledger.halts import Halt, HaltTarget
from hedgerow.ledger.outcomes import Outcome
from hedgerow.schemas.records import StrategyPublished
from hedgerow.schemas.risk_state import RiskState
from hedgerow_executor.account_ledger import LATELY_NS, AccountSide
from hedgerow_simulator.claims import mark_day
from hedgerow_simulator.promoted import adopt_execution, arrive
from hedgerow_simulator.tables import Adoption, Tables
from hedgerow_simulator.world import CRITICAL, CRITICAL_WEIGHT, Life, World

R = TypeVar("R")
FIRST_SERVER = 1


class LedgerServer:
    """One Postgres. A request is a whole transaction: it takes place at one instant, or not at all.

    Attributes:
        epoch: rises when the server goes down: what was under way gets no answer.
        server: which one it is; the next after each promotion.
        lost_orders: the names of orders that were claimed, and whose claim is not in the ledger any more.
        promoted_at: how many changes the promoted ledgers had seen, in the order of the promotions.
    """

    def __init__(self, world: World, tables: Tables) -> None:
        self.world = world
        self.tables = tables
        self.up = True
        self.epoch = 0
        self.server = FIRST_SERVER
        self.lost_orders: set[str] = set()
        self.promoted_at: list[int] = []
        self.sessions: list[Session] = []
        self._lock: Session | None = None

    async def ask(self, life: Life, what: str, transaction: Callable[[Tables], R]) -> R:
        """
        Raises:
            ConnectionError: no answer came; the transaction may have been done.
        """
        await life.passes(f"ledger {what}")
        answer: asyncio.Future[R] = self.world.loop.create_future()
        self.world.later(self._delay(what), self._arrive, life, what, transaction, answer)
        result = await answer
        await life.passes(f"ledger {what} answered")
        return result

    def _delay(self, what: str = "") -> float:
        delay = self.world.random("ledger delay").uniform(0.0003, 0.002)
        weight = CRITICAL_WEIGHT if f"ledger {what}" in CRITICAL else 1
        if self.world.happens("slow ledger", self.world.plan.slow * weight):
            delay += self.world.random("ledger delay").uniform(0.1, 3.0)
        return delay

    def _arrive(
        self, life: Life, what: str, transaction: Callable[[Tables], R], answer: "asyncio.Future[R]"
    ) -> None:
        plan = self.world.plan
        if not self.up:
            return self._fail(answer, "the server does not answer")
        if self.world.happens("request to the ledger lost", plan.unanswered_before):
            return self._fail(answer, "connection lost before the commit")
        error: Exception | None = None
        result: Any = None
        changes = len(self.tables.changes)
        try:
            result = transaction(self.tables)
        except Exception as raised:
            error = raised
        for change in self.tables.changes[changes:]:
            if isinstance(change, Adoption):
                continue  # The executor tells of it.
            intent = change.intent
            filled = f" filled {intent.filled_quantity:f} of {intent.quantity:f}"
            self.world.tell(
                "ledger",
                f"intent {intent.id} {intent.side} {intent.state}{filled}"
                f"{f' ({intent.reason})' if intent.reason else ''}, by {life.name}",
            )
        if self.world.happens("answer of the ledger lost", plan.unanswered_after):
            self.world.tell("ledger", f"the answer to {life.name}'s {what} is lost")
            return self._fail(answer, "connection lost, perhaps after the commit")
        self.world.later(self._delay(), self._reply, answer, result, error, self.epoch)
        return None

    def _reply(self, answer: "asyncio.Future[R]", result: R, error: Exception | None, epoch: int) -> None:
        if answer.done():
            return
        if epoch != self.epoch:
            self._fail(answer, "the server went down")
        elif error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)

    @staticmethod
    def _fail(answer: "asyncio.Future[R]", why: str) -> None:
        if not answer.done():
            answer.set_exception(ConnectionResetError(f"ledger: {why}"))

    async def connect(self, life: Life) -> "Session":
        """Of an executor, which looks first whether it is the ledger that it was.

        Raises:
            LedgerUnreachable: no server answers.
        """

        def arrives(tables: Tables) -> int:
            arrive(tables, self.server, life.now_ns())
            return self.server

        try:
            arrived_at = await self.ask(life, "connect", arrives)
        except ConnectionError as error:
            raise LedgerUnreachable(str(error)) from error
        session = Session(self, life, arrived_at)
        self.sessions.append(session)
        life.on_death.append(session.close)
        return session

    def take_lock(self, session: "Session") -> bool:
        """The advisory lock that makes a process the account's only executor."""
        if session.closed or self._lock not in (None, session):
            return False
        self._lock = session
        return True

    def drop(self, session: "Session") -> None:
        """The server gives a session up, and with it its lock."""
        session.closed = True
        if session in self.sessions:
            self.sessions.remove(session)
        if self._lock is session:
            self._lock = None

    def lose_lock(self) -> None:
        """The lock's connection breaks: the server sees it at once, its holder when it next looks."""
        session = self._lock
        if session is None:
            return
        self.world.tell("ledger", f"lets go of the lock of {session.life.name}, which does not know yet")
        self.drop(session)
        self.world.later(self.world.random("lock").uniform(0.0, 4.0), session.notice)

    def crash(self, down_s: float) -> None:
        if not self.up:
            return
        self.world.tell("ledger", f"CRASHES for {down_s:.3f} s")
        self.up = False
        self.epoch += 1
        for session in list(self.sessions):
            self.drop(session)
            self.world.later(self.world.random("lock").uniform(0.0, 0.5), session.notice)
        self.world.later(down_s, self._start)

    def _start(self) -> None:
        self.up = True
        self.world.tell("ledger", "is up again")

    def promote(self, replica: Tables, down_s: float) -> None:
        """Go on with what a replica has, under another server's name, as soon as it is up.

        A generation is not lost: its publisher sees what the ledger has, and publishing it again is not modelled.
        """
        lost = self.tables.orders.keys() - replica.orders.keys()
        self.crash(down_s)
        self.world.tell("ledger", f"LOSES ITS TAIL: {len(lost)} orders")
        for uid, row in self.tables.strategies.items():
            kept = msgspec.structs.replace(replica.strategies[uid], published=row.published)
            replica.strategies[uid] = kept
        self.lost_orders |= lost
        self.promoted_at.append(len(replica.changes))
        self.tables = replica
        self.server += 1

    def notify(self) -> None:
        """What `pg_notify` does after a commit."""
        for session in self.sessions:
            for listener in session.listeners:
                self.world.later(0.001, listener)


class Session:
    """A connection that is held: for a lock, and to be notified. Has what `run_loops` asks of asyncpg's."""

    def __init__(self, server: LedgerServer, life: Life, arrived_at: int) -> None:
        self.server = server
        self.life = life
        self.arrived_at = arrived_at
        self.closed = False
        self.listeners: list[Callable[[], None]] = []
        self._on_termination: list[Callable[[Any], None]] = []

    async def try_lock(self) -> bool:
        return await self.server.ask(self.life, "lock", lambda tables: self.server.take_lock(self))

    def add_termination_listener(self, call: Callable[[Any], None]) -> None:
        self._on_termination.append(call)

    async def add_listener(self, channel: str, call: Callable[..., None]) -> None:
        await self.server.ask(self.life, "listen", lambda tables: None)
        self.listeners.append(call)

    def notice(self) -> None:
        """The client learns that its connection is gone."""
        if self.life.paused:
            self.server.world.later(0.1, self.notice)
            return
        for call in self._on_termination:
            call(self)

    def close(self) -> None:
        self.server.drop(self)


class SimulatedAccountLedger:
    """What `hedgerow_executor.account_ledger.AccountLedger` is on Postgres."""

    def __init__(self, session: Session, venue_key: str, name: str) -> None:
        self._server = session.server
        self._life = session.life
        self._arrived_at = session.arrived_at
        self._venue_key = venue_key
        self._name = name

    async def _ask(self, what: str, transaction: Callable[[Tables], R]) -> R:
        def on_the_same_server(tables: Tables) -> R:
            """As each new connection of the pool is asked."""
            if self._arrived_at != self._server.server:
                raise LedgerUnreachable("the ledger is on another server than before")
            return transaction(tables)

        return await self._server.ask(self._life, what, on_the_same_server)

    async def open_intents(self) -> list[Intent]:
        return await self._ask("read", lambda tables: tables.open_intents(self._venue_key, self._name))

    async def find_intent(self, intent: int) -> Intent | None:
        return await self._ask("read", lambda tables: tables.intents.get(intent))

    async def claim(self, intent: int, seen: VenueView, now_ns: int) -> Claim | None:
        return await self._ask("claim", lambda tables: tables.claim(intent, seen, now_ns))

    async def write_funds(self, funds: Funds) -> None:
        await self._ask("funds", lambda tables: tables.write_funds(self._venue_key, self._name, funds))

    async def mark_day(self, mids: Mapping[str, Decimal], now_ns: int) -> None:
        await self._ask("mark", lambda tables: mark_day(tables, self._venue_key, self._name, mids, now_ns))

    async def record_answer(self, intent: int, venue_order_id: str, answer: str, now_ns: int) -> Outcome:
        return await self._ask("answer", lambda tables: tables.record_answer(intent, now_ns))

    async def record_state(self, intent: int, state: IntentState, reason: str, now_ns: int) -> Outcome:
        return await self._ask("state", lambda tables: tables.record_state(intent, state, reason, now_ns))

    async def record_outcome(
        self, intent: int, order: VenueOrder, fills: Sequence[VenueFill], now_ns: int
    ) -> Outcome:
        return await self._ask("outcome", lambda tables: tables.record_outcome(intent, order, fills, now_ns))

    async def unknown_deadline_ns(self, strategy_uid: str) -> int:
        return await self._ask(
            "read",
            lambda tables: tables.strategies[strategy_uid].published.config.execution.unknown_deadline_ns,
        )

    async def place_halt(self, target: HaltTarget, source: str, reason: str, now_ns: int) -> int:
        return await self._ask("halt", lambda tables: tables.place_halt(target, source, reason))

    async def release_halts(
        self, target: HaltTarget, source: str, released_by: str, now_ns: int
    ) -> list[int]:
        return await self._ask("release", lambda tables: tables.release_halts(target, source))

    async def standing_halts(self) -> list[Halt]:
        return await self._ask("read", Tables.standing_halts)

    async def changed_strategies(self, known: Mapping[str, int]) -> list[StrategyPublished]:
        def changed(tables: Tables) -> list[StrategyPublished]:
            found = (row.published for row in tables.strategies.values())
            return [item for item in found if known.get(item.uid) != item.generation]

        return await self._ask("read", changed)

    async def instruments(self) -> list[str]:
        return await self._ask("read", lambda tables: _legs(tables, self._venue_key, self._name))

    async def held(self, instrument: str) -> Decimal:
        return await self._ask("read", lambda tables: self._positions(tables).get(instrument, ZERO))

    async def newest_ns(self) -> int:
        return await self._ask("read", _newest_claim_ns)

    async def adopt_execution(
        self, instrument: str, execution: VenueExecution, now_ns: int
    ) -> Adopted | None:
        return await self._ask(
            "adopt",
            lambda tables: adopt_execution(
                tables, self._venue_key, self._name, instrument, execution, now_ns
            ),
        )

    async def side(self, now_ns: int) -> AccountSide:
        return await self._ask("read", lambda tables: self._side(tables, now_ns))

    def _side(self, tables: Tables, now_ns: int) -> AccountSide:
        here = (self._venue_key, self._name)
        moving = tables.open_intents(*here) + [
            intent
            for intent in tables.intents.values()
            if (intent.venue, intent.account) == here
            and intent.state not in OPEN
            and (intent.claimed_ns or 0) > now_ns - LATELY_NS
        ]
        return AccountSide(
            newest_intent=len(tables.intents),
            positions=self._positions(tables),
            moving=tuple(moving),
            instruments=_legs(tables, self._venue_key, self._name),
            ledger=tables.ledger_id,
            former=tables.former_ids,
        )

    def _positions(self, tables: Tables) -> dict[str, Decimal]:
        return {
            instrument: position.quantity
            for (_, _, venue, account, instrument), position in tables.positions.items()
            if (venue, account) == (self._venue_key, self._name) and position.quantity
        }


def _newest_claim_ns(tables: Tables) -> int:
    return max((intent.claimed_ns or 0 for intent in tables.intents.values()), default=0)


class SimulatedDecisionLedger:
    """What `hedgerow_hedging.decision_ledger.DecisionLedger` is on Postgres."""

    def __init__(self, server: LedgerServer, life: Life) -> None:
        self._server = server
        self._life = life
        self._connected_to = server.server

    async def _ask(self, what: str, transaction: Callable[[Tables], R]) -> R:
        def on_the_same_server(tables: Tables) -> R:
            """One connection is held: it does not outlive the server."""
            if self._connected_to != self._server.server:
                raise ConnectionResetError("ledger: the connection was to another server")
            return transaction(tables)

        return await self._server.ask(self._life, what, on_the_same_server)

    async def read(self, uid: str, now_ns: int) -> LedgerSnapshot | None:
        return await self._ask("read", lambda tables: tables.read_snapshot(uid, now_ns))

    async def commit(
        self, risk: RiskState, ledger: LedgerSnapshot, hedge: Hedge, trace: Trace
    ) -> Committed | None:
        def transaction(tables: Tables) -> Committed | None:
            committed = tables.commit_decision(risk, ledger, hedge)
            if committed is not None:
                self._server.notify()
            return committed

        return await self._ask("commit", transaction)

    async def close(self) -> None:
        """Nothing is held."""

    def terminate(self) -> None:
        """Nothing is held."""


def _legs(tables: Tables, venue: str, account: str) -> list[str]:
    legs = {
        leg.instrument.symbol
        for row in tables.strategies.values()
        for leg in row.published.config.hedge_with
        if (leg.venue, leg.account) == (venue, account)
    }
    held = {
        instrument
        for (_, _, where, owner, instrument), position in tables.positions.items()
        if (where, owner) == (venue, account) and position.quantity
    }
    return sorted(legs | held)
