"""What the executor asks of the ledger about one account. Each call is one transaction, done or not done as a whole.

The loops know the ledger through this class only, so that the deterministic simulator can run them on a ledger of its
own.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from hedgerow.domain.ids import intent_of
from hedgerow.execution.claim_facts import Funds, VenueView
from hedgerow.execution.intents import Intent, VenueExecution, VenueFill, VenueOrder
from hedgerow.execution.order_life import OPEN, IntentState
from hedgerow.ledger.account_funds import write_funds
from hedgerow.ledger.adoptions import Adopted, adopt_execution
from hedgerow.ledger.claims import Claim, claim
from hedgerow.ledger.halts import Halt, HaltTarget, place_halt, release_halts, standing_halts
from hedgerow.ledger.intents import find_intent, lately_sent, open_intents
from hedgerow.ledger.outcomes import Outcome, record_answer, record_outcome, record_state
from hedgerow.ledger.resolution import unknown_deadline_ns
from hedgerow.ledger.strategies import strategies_on_venue
from hedgerow.ledger.trading_days import mark_day
from hedgerow.schemas.records import StrategyPublished

# A venue's positions may show a fill some seconds after it told of it.
LATELY_NS = 5_000_000_000


class AccountSide(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger's side of a reconciliation.

    Attributes:
        newest_intent: 0 when there is none; positions: signed contracts that are not zero, by instrument.
        moving: intents that are open, and those that were sent within `LATELY_NS`.
        instruments: those of the account's legs and positions, sorted.
    """

    newest_intent: int
    positions: dict[str, Decimal]
    moving: tuple[Intent, ...]
    instruments: list[str]
    ledger: UUID
    former: tuple[UUID, ...] = ()

    @property
    def open_names(self) -> frozenset[str]:
        """Client order ids of orders that may rest at the venue."""
        return frozenset(
            intent.client_order_id
            for intent in self.moving
            if intent.state in OPEN and intent.client_order_id is not None
        )

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is on its way."""
        return not any(intent.state in OPEN for intent in self.moving)

    def ours(self, name: str) -> bool:
        """Whether this ledger gave the client order id, now or before it was restored or promoted."""
        return any(intent_of(ledger, name) is not None for ledger in (self.ledger, *self.former))


class AccountLedger:
    """The ledger's Postgres, for the account `name` of the venue `venue_key`."""

    def __init__(self, pool: Any, venue_key: str, name: str) -> None:
        self._pool = pool
        self._venue_key = venue_key
        self._name = name

    async def open_intents(self) -> list[Intent]:
        async with self._pool.acquire() as connection:
            return await open_intents(connection, self._venue_key, self._name)

    async def find_intent(self, intent: int) -> Intent | None:
        async with self._pool.acquire() as connection:
            return await find_intent(connection, intent)

    async def claim(self, intent: int, seen: VenueView, now_ns: int) -> Claim | None:
        async with self._pool.acquire() as connection:
            return await claim(connection, intent, seen, now_ns)

    async def write_funds(self, funds: Funds) -> None:
        """For the claims of other accounts, whose legs may go together with this one's."""
        async with self._pool.acquire() as connection:
            await write_funds(connection, self._venue_key, self._name, funds)

    async def mark_day(self, mids: Mapping[str, Decimal], now_ns: int) -> None:
        async with self._pool.acquire() as connection:
            await mark_day(connection, self._venue_key, self._name, mids, now_ns)

    async def record_answer(self, intent: int, venue_order_id: str, answer: str, now_ns: int) -> Outcome:
        async with self._pool.acquire() as connection:
            return await record_answer(connection, intent, venue_order_id, answer, now_ns)

    async def record_state(self, intent: int, state: IntentState, reason: str, now_ns: int) -> Outcome:
        async with self._pool.acquire() as connection:
            return await record_state(connection, intent, state, reason, now_ns)

    async def record_outcome(
        self, intent: int, order: VenueOrder, fills: Sequence[VenueFill], now_ns: int
    ) -> Outcome:
        async with self._pool.acquire() as connection:
            return await record_outcome(connection, intent, order, fills, now_ns)

    async def unknown_deadline_ns(self, strategy_uid: str) -> int:
        async with self._pool.acquire() as connection:
            return await unknown_deadline_ns(connection, strategy_uid)

    async def place_halt(self, target: HaltTarget, source: str, reason: str, now_ns: int) -> int:
        async with self._pool.acquire() as connection:
            return await place_halt(connection, target, source, reason, now_ns)

    async def release_halts(
        self, target: HaltTarget, source: str, released_by: str, now_ns: int
    ) -> list[int]:
        async with self._pool.acquire() as connection:
            return await release_halts(connection, target, source, released_by, now_ns)

    async def standing_halts(self) -> list[Halt]:
        async with self._pool.acquire() as connection:
            return await standing_halts(connection)

    async def changed_strategies(self, known: Mapping[str, int]) -> list[StrategyPublished]:
        """Those that own a leg on this account's Venue and are at another generation than is known, by uid."""
        async with self._pool.acquire() as connection:
            return await strategies_on_venue(connection, self._venue_key, known)

    async def instruments(self) -> list[str]:
        """Those of the legs on this account and of what is still held there, sorted."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(
                "select instrument from leg_owners where venue = $1 and account = $2 union "
                "select instrument from positions where venue = $1 and account = $2 and quantity <> 0 order by 1",
                self._venue_key,
                self._name,
            )
        return [row["instrument"] for row in rows]

    async def held(self, instrument: str) -> Decimal:
        """Signed contracts that the ledger knows to be at the venue."""
        async with self._pool.acquire() as connection:
            quantity: Decimal = await connection.fetchval(
                "select coalesce(sum(quantity), 0) from positions "
                "where (venue, account, instrument) = ($1, $2, $3) and mode <> 'Shadow'",
                self._venue_key,
                self._name,
                instrument,
            )
        return quantity

    async def newest_ns(self) -> int:
        """When the ledger last learned of an order of this account; 0 when it never did."""
        async with self._pool.acquire() as connection:
            newest: int = await connection.fetchval(
                "select coalesce(max(claimed_ns), 0) from orders where venue = $1 and account = $2",
                self._venue_key,
                self._name,
            )
        return newest

    async def adopt_execution(
        self, instrument: str, execution: VenueExecution, now_ns: int
    ) -> Adopted | None:
        async with self._pool.acquire() as connection:
            return await adopt_execution(
                connection, self._venue_key, self._name, instrument, execution, now_ns
            )

    async def side(self, now_ns: int) -> AccountSide:
        """How far the account has come, and what is on its way."""
        where = (self._venue_key, self._name)
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            moving = await open_intents(connection, *where)
            moving += await lately_sent(connection, *where, now_ns - LATELY_NS)
            rows = await connection.fetch(
                "select instrument, sum(quantity) as quantity from positions "
                "where venue = $1 and account = $2 and mode <> 'Shadow' group by instrument",
                *where,
            )
            owned = await connection.fetch(
                "select distinct instrument from leg_owners where venue = $1 and account = $2", *where
            )
            newest = await connection.fetchval(
                "select coalesce(max(id), 0) from intents where venue = $1 and account = $2", *where
            )
            names = await connection.fetchrow("select id, former_ids from ledger_identity")
        positions = {row["instrument"]: row["quantity"] for row in rows if row["quantity"] != 0}
        return AccountSide(
            newest_intent=newest,
            positions=positions,
            moving=tuple(moving),
            instruments=sorted({row["instrument"] for row in owned} | positions.keys()),
            ledger=names["id"],
            former=tuple(names["former_ids"]),
        )
