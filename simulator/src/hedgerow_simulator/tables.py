"""The ledger's tables and its transactions, each done at one instant or not at all.

What a claim, an answer or a decision comes to is asked of the same pure functions that the ledger's own transactions
ask; what is modelled here is what Postgres does for them: rows, unique constraints, compare-and-set. A differential
test holds this model to the real ledger.
"""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

import asyncpg
import msgspec

from hedgerow.domain.ids import client_order_id
from hedgerow.domain.instruments import find_instrument
from hedgerow.domain.money import ZERO
from hedgerow.domain.orders import Side
from hedgerow.domain.positions import Position, apply_fill
from hedgerow.execution.claim_facts import Funds, VenueView
from hedgerow.execution.claiming import SENDING, refused, venue_missing
from hedgerow.execution.conclusion import Conclusion
from hedgerow.execution.controls import check
from hedgerow.execution.intents import Intent, VenueFill, VenueOrder
from hedgerow.execution.order_life import OPEN, IntentState
from hedgerow.execution.recording import Told, answered, booked_elsewhere, stated, step, told
from hedgerow.hedging.decision import Cancel, Hedge, NewIntent
from hedgerow.hedging.snapshot import HeldPosition, LedgerSnapshot, OpenIntent, PolicyState
from hedgerow.ledger import chain
from hedgerow.ledger.claims import Claim
from hedgerow.ledger.decisions import Committed
from hedgerow.ledger.halts import Halt, HaltTarget, halt_words
from hedgerow.ledger.outcomes import Outcome
from hedgerow.schemas.codec import encode
from hedgerow.schemas.records import StrategyPublished
from hedgerow.schemas.risk_state import RiskState
from hedgerow.strategy.compiled import CompiledStrategy, CompiledVenue
from hedgerow_simulator.claims import Day, DayKey, PositionKey, count_turnover, facts_of, position_key


class StrategyRow(msgspec.Struct, frozen=True, kw_only=True):
    published: StrategyPublished
    version: int = 0
    policy_state: PolicyState = PolicyState()


class DecisionRow(msgspec.Struct, frozen=True, kw_only=True):
    """`at`: how many changes the ledger had seen before this one."""

    id: int
    strategy_uid: str
    version: int
    risk_state: bytes
    snapshot: bytes
    result: bytes
    at: int


class FillRow(msgspec.Struct, frozen=True, kw_only=True):
    intent: int
    fill: VenueFill


class HaltRow(msgspec.Struct, frozen=True, kw_only=True):
    """`placed_at`, `released_at`: how many changes the ledger had seen by then."""

    id: int
    target: HaltTarget
    source: str
    reason: str
    placed_at: int
    released_at: int | None = None

    @property
    def released(self) -> bool:
        return self.released_at is not None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One step of an intent, in the order of commits; `fills` are those that it booked."""

    intent: Intent
    fills: tuple[VenueFill, ...] = ()


class Adoption(msgspec.Struct, frozen=True, kw_only=True):
    """An execution that no intent explains; `entry` is its step of the chain."""

    number: int
    execution_id: str
    side: Side
    quantity: Decimal
    entry: chain.ChainEntry


class Tables:
    """Rows are never changed, only replaced.

    Attributes:
        server: which one the ledger was last known to be on; None before anybody looked.
        former_ids: the names that it had before it was promoted.
    """

    def __init__(self, ledger_id: UUID) -> None:
        self.ledger_id = ledger_id
        self.former_ids: tuple[UUID, ...] = ()
        self.server: int | None = None
        self.strategies: dict[str, StrategyRow] = {}
        self.venues: dict[str, CompiledVenue] = {}
        self.book: dict[str, Decimal] = {}
        self.book_sequence = 0
        self.client_fills: frozenset[str] = frozenset()
        self.decisions: dict[int, DecisionRow] = {}
        self.intents: dict[int, Intent] = {}
        self.orders: dict[str, int] = {}
        self.fills: dict[tuple[str, str, str], FillRow] = {}
        self.positions: dict[PositionKey, Position] = {}
        self.days: dict[DayKey, Day] = {}
        self.funds: dict[tuple[str, str], Funds] = {}
        self.halts: dict[int, HaltRow] = {}
        self.chain: dict[str, list[tuple[bytes, bytes]]] = {}
        self.checkpoints: dict[tuple[str, str, int], tuple[int, bytes]] = {}
        self.adoptions: dict[int, Adoption] = {}
        self.changes: list[Change | Adoption] = []

    def publish_venue(self, venue: CompiledVenue) -> None:
        self.venues[venue.key] = venue

    def publish_strategy(
        self, uid: str, config: CompiledStrategy, revision: str, now_ns: int
    ) -> StrategyPublished:
        """A first or a next generation; an unchanged revision keeps its generation."""
        row = self.strategies.get(uid)
        if row is not None and row.published.revision == revision:
            return row.published
        published = StrategyPublished(
            uid=uid,
            generation=1 if row is None else row.published.generation + 1,
            revision=revision,
            published_ns=now_ns,
            config=config,
        )
        if row is None:
            self.strategies[uid] = StrategyRow(published=published)
        else:
            self.strategies[uid] = msgspec.structs.replace(row, published=published, version=row.version + 1)
        return published

    def write_funds(self, venue: str, account: str, funds: Funds) -> None:
        self.funds[(venue, account)] = funds

    def save_checkpoint(self, key: tuple[str, str, int], checkpoint: tuple[int, bytes]) -> None:
        self.checkpoints[key] = checkpoint

    def book_client_fill(self, fill_id: str, instrument: str, quantity: Decimal) -> int:
        """Counts once, however often it is told; the book's sequence."""
        if fill_id not in self.client_fills:
            self.client_fills |= {fill_id}
            self.book = {**self.book, instrument: self.book.get(instrument, ZERO) + quantity}
            self.book_sequence += 1
        return self.book_sequence

    def read_snapshot(self, uid: str, now_ns: int) -> LedgerSnapshot | None:
        row = self.strategies.get(uid)
        if row is None:
            return None
        config = row.published.config
        held = sorted(
            (venue, account, instrument, position.quantity)
            for (owner, mode, venue, account, instrument), position in self.positions.items()
            if owner == uid and mode is config.mode
        )
        return LedgerSnapshot(
            strategy_uid=uid,
            version=row.version,
            generation=row.published.generation,
            config=config,
            policy_state=row.policy_state,
            positions=tuple(
                HeldPosition(venue=venue, account=account, instrument=instrument, quantity=quantity)
                for venue, account, instrument, quantity in held
            ),
            open_intents=tuple(
                OpenIntent(
                    id=intent.id,
                    leg=intent.leg,
                    side=intent.side,
                    quantity=intent.quantity,
                    filled_quantity=intent.filled_quantity,
                    state=intent.state,
                    limit_price=intent.limit_price,
                    time_in_force=intent.time_in_force,
                    cancel_requested_ns=intent.cancel_requested_ns,
                )
                for intent in self.intents.values()
                if intent.strategy_uid == uid and intent.state in OPEN
            ),
            halts=self.halts_against(config.key, {leg.venue for leg in config.hedge_with}),
            read_ns=now_ns,
            gross_limits={
                venue: self.venues[venue].max_gross_notional
                for venue in sorted({leg.venue for leg in config.hedge_with})
                if venue in self.venues
            },
        )

    def commit_decision(self, risk: RiskState, ledger: LedgerSnapshot, hedge: Hedge) -> Committed | None:
        venues = {leg.venue for leg in ledger.config.hedge_with}
        if hedge.intents and self.halts_against(ledger.config.key, venues):
            return None
        if not self.is_current(ledger):
            return None
        row = self.strategies[ledger.strategy_uid]
        for wanted in hedge.intents:
            self._require_free_leg(ledger.strategy_uid, wanted.leg)
        number = len(self.decisions) + 1
        stored = (encode(risk), encode(ledger), encode(hedge))
        self.decisions[number] = DecisionRow(
            id=number,
            strategy_uid=ledger.strategy_uid,
            version=ledger.version,
            risk_state=stored[0],
            snapshot=stored[1],
            result=stored[2],
            at=len(self.changes),
        )
        self.strategies[ledger.strategy_uid] = msgspec.structs.replace(
            row, version=row.version + 1, policy_state=hedge.policy_state
        )
        digest = chain.digest(*stored)
        intents = tuple(self._insert_intent(number, digest, ledger, wanted) for wanted in hedge.intents)
        for cancel in hedge.cancels:
            self._request_cancel(cancel, ledger.read_ns)
        return Committed(decision=number, intents=intents)

    def _request_cancel(self, cancel: Cancel, now_ns: int) -> None:
        intent = self._intent(cancel.intent)
        if intent.cancel_requested_ns is None:
            intent = msgspec.structs.replace(intent, cancel_requested_ns=now_ns)
        reason = f"cancel decided: {cancel.reason}: {cancel.detail}"
        same = Conclusion(state=intent.state, filled_quantity=intent.filled_quantity, reason=reason)
        self._move(intent, same, now_ns)

    def is_current(self, ledger: LedgerSnapshot) -> bool:
        """The compare of compare-and-set."""
        row = self.strategies[ledger.strategy_uid]
        return (row.version, row.published.generation) == (ledger.version, ledger.generation)

    def _require_free_leg(self, uid: str, leg: int, but: int = 0) -> None:
        for intent in self.intents.values():
            if (intent.strategy_uid, intent.leg) == (uid, leg) and intent.state in OPEN and intent.id != but:
                raise asyncpg.UniqueViolationError(
                    f'duplicate key value violates unique constraint "intents_open_leg": intent {intent.id} is open'
                )

    def _insert_intent(self, decision: int, digest: str, ledger: LedgerSnapshot, wanted: NewIntent) -> int:
        intent = Intent(
            id=len(self.intents) + 1,
            strategy_uid=ledger.strategy_uid,
            strategy=ledger.config.key,
            generation=ledger.generation,
            decision=decision,
            leg=wanted.leg,
            mode=ledger.config.mode,
            venue=wanted.venue,
            account=wanted.account,
            instrument=wanted.instrument,
            side=wanted.side,
            quantity=wanted.quantity,
            limit_price=wanted.limit_price,
            time_in_force=wanted.time_in_force,
            state=IntentState.DECIDED,
            filled_quantity=ZERO,
            decided_ns=ledger.read_ns,
        )
        self.intents[intent.id] = intent
        self.changes.append(Change(intent=intent))
        entry = chain.entry_of_decision(intent.id, decision, digest, ledger, wanted)
        self.append(intent.strategy_uid, entry)
        return intent.id

    def open_intents(self, venue: str, account: str) -> list[Intent]:
        return [
            intent
            for intent in self.intents.values()
            if intent.state in OPEN and (intent.venue, intent.account) == (venue, account)
        ]

    def claim(self, intent_id: int, seen: VenueView, now_ns: int) -> Claim | None:
        intent = self._intent(intent_id)
        if intent.state is not IntentState.DECIDED:
            return None
        venue = self.venues.get(intent.venue)
        refusal = (
            venue_missing(intent) if venue is None else check(facts_of(self, intent, venue, seen, now_ns))
        )
        if refusal is not None:
            return Claim(intent=self._move(intent, refused(refusal), now_ns), refusal=refusal)
        name = client_order_id(self.ledger_id, intent.id)
        if name in self.orders:
            raise asyncpg.UniqueViolationError(
                f'duplicate key value violates unique constraint "orders_pkey": {name}'
            )
        self.orders[name] = intent.id
        claimed = msgspec.structs.replace(intent, client_order_id=name, claimed_ns=now_ns)
        return Claim(intent=self._move(claimed, SENDING, now_ns), refusal=None)

    def record_answer(self, intent_id: int, now_ns: int) -> Outcome:
        intent = self._intent(intent_id)
        return self._concluded(intent, answered(intent), now_ns)

    def record_state(self, intent_id: int, state: IntentState, reason: str, now_ns: int) -> Outcome:
        intent = self._intent(intent_id)
        return self._concluded(intent, stated(intent, state, reason), now_ns)

    def record_outcome(
        self, intent_id: int, order: VenueOrder, fills: Sequence[VenueFill], now_ns: int
    ) -> Outcome:
        intent = self._intent(intent_id)
        known = sorted(
            (row.fill for row in self.fills.values() if row.intent == intent_id),
            key=lambda fill: (fill.time_ns, fill.execution_id),
        )
        leg_taken = intent.state is IntentState.ABANDONED and any(
            (other.strategy_uid, other.leg) == (intent.strategy_uid, intent.leg) and other.state in OPEN
            for other in self.intents.values()
        )
        news = told(intent, known, order, fills, leg_taken)
        for fill in news.new:
            if (intent.venue, intent.account, fill.execution_id) in self.fills:
                raise booked_elsewhere(intent, fill)
        if news.conclusion is None:
            return Outcome(intent=intent, changed=False)
        step(intent, news.conclusion)  # raises before anything is written
        for fill in news.new:
            self._book(intent, fill, now_ns)
        moved = self._move(intent, news.conclusion, now_ns, news)
        return Outcome(intent=moved, changed=True)

    def place_halt(self, target: HaltTarget, source: str, reason: str) -> int:
        number = len(self.halts) + 1
        self.halts[number] = HaltRow(
            id=number, target=target, source=source, reason=reason, placed_at=len(self.changes)
        )
        return number

    def release_halts(self, target: HaltTarget, source: str) -> list[int]:
        found = [
            row
            for row in self.halts.values()
            if not row.released and (row.target, row.source) == (target, source)
        ]
        for row in found:
            self.halts[row.id] = msgspec.structs.replace(row, released_at=len(self.changes))
        return [row.id for row in found]

    def standing_halts(self) -> list[Halt]:
        return [
            Halt(id=row.id, target=row.target, source=row.source, reason=row.reason, created_ns=0)
            for row in self.halts.values()
            if not row.released
        ]

    def halts_against(self, strategy: str, venues: set[str]) -> tuple[str, ...]:
        return tuple(
            halt_words(row.target.kind, row.target.name, row.source, row.reason)
            for row in self.halts.values()
            if not row.released
            and (
                row.target.kind == "All"
                or (row.target.kind == "Strategy" and row.target.name == strategy)
                or (row.target.kind == "Venue" and row.target.name in venues)
            )
        )

    def _intent(self, intent_id: int) -> Intent:
        if intent_id not in self.intents:
            raise LookupError(f"the ledger has no intent {intent_id}")
        return self.intents[intent_id]

    def _concluded(self, intent: Intent, conclusion: Conclusion | None, now_ns: int) -> Outcome:
        if conclusion is None:
            return Outcome(intent=intent, changed=False)
        return Outcome(intent=self._move(intent, conclusion, now_ns), changed=True)

    def _move(self, intent: Intent, conclusion: Conclusion, now_ns: int, news: Told | None = None) -> Intent:
        moved = step(intent, conclusion)
        if moved.state in OPEN and intent.state not in OPEN:
            self._require_free_leg(intent.strategy_uid, intent.leg, intent.id)
        executions = None if news is None else news.executions
        self.intents[moved.id] = moved
        row = self.strategies[moved.strategy_uid]
        self.strategies[moved.strategy_uid] = msgspec.structs.replace(row, version=row.version + 1)
        self.changes.append(Change(intent=moved, fills=() if news is None else news.new))
        self.append(moved.strategy_uid, chain.entry_of_step(moved, now_ns, executions))
        return moved

    def _book(self, intent: Intent, fill: VenueFill, now_ns: int) -> None:
        self.fills[(intent.venue, intent.account, fill.execution_id)] = FillRow(intent=intent.id, fill=fill)
        key = position_key(intent)
        before = self.positions.get(key, Position())
        self.positions[key] = apply_fill(
            before,
            intent.side,
            fill.quantity,
            fill.price,
            fill.fee,
            find_instrument(intent.instrument).contract_size,
        )
        count_turnover(self, intent, before, fill, now_ns)

    def append(self, uid: str, entry: chain.ChainEntry) -> None:
        """Add a step to the strategy's chain."""
        entries = self.chain.setdefault(uid, [])
        payload = msgspec.json.encode(entry)
        entries.append((payload, chain.link(entries[-1][1] if entries else chain.GENESIS, payload)))
