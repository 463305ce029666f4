"""What the ledger holds about a session, read in one consistent look."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import asyncpg
import msgspec

from hedgerow.domain.instruments import find_instrument
from hedgerow.domain.money import ZERO
from hedgerow.domain.orders import Side, signed
from hedgerow.execution.order_life import OPEN, IntentState
from hedgerow.ledger.books import find_book
from hedgerow.ledger.stored_config import decode_config
from hedgerow.ledger.strategies import read_strategies
from hedgerow.schemas.records import StrategyPublished
from hedgerow.strategy.compiled import Band, Mode
from hedgerow.streams import trace
from hedgerow_local.client_orders import Recorded
from hedgerow_local.exposure import HedgeFill
from hedgerow_local.keys import GENERATOR
from hedgerow_local.latency import ACCEPTED, CLAIMED
from hedgerow_local.report import HedgeCounts, InstrumentHedges


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One live strategy's underlying: its band, what its books add up to and what its hedge is, as deltas."""

    strategy: str
    uid: str
    band: Band
    books: Decimal
    hedge: Decimal


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How things stand now. `version` rises with every change of any strategy's hedges."""

    version: int
    held: tuple[Held, ...]
    hedges: HedgeCounts


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What happened. Everything of one venue account, except `bands`, `fills` and `journeys`.

    Attributes:
        positions: signed contracts by instrument, without Shadow's.
        intents: the intent behind each client order id.
        bands: by strategy uid, generation and underlying.
        fills: of live strategies, since the ledger began.
        journeys: per accepted order of the session, when it reached each stage.
        first_fill_ns, instruments: of the session.
        orders, generated_orders: client orders of the session: everybody's, and the order generator's.
    """

    positions: dict[str, Decimal]
    intents: dict[str, int]
    bands: dict[tuple[str, int, str], Band]
    fills: tuple[HedgeFill, ...]
    journeys: tuple[dict[str, int], ...]
    first_fill_ns: int | None
    instruments: tuple[InstrumentHedges, ...]
    orders: Recorded
    generated_orders: Recorded


async def read_standing(connection: asyncpg.Connection, since_ns: int) -> Standing:
    """Read how things stand; hedges are counted from `since_ns` on."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        strategies = await read_strategies(connection)
        return Standing(
            version=await connection.fetchval("select coalesce(sum(version), 0)::bigint from strategies"),
            held=tuple([held for item in strategies for held in await _held(connection, item)]),
            hedges=await _hedge_counts(connection, since_ns),
        )


async def read_history(connection: asyncpg.Connection, account: str, since_ns: int) -> History:
    """Read what happened on a venue account, and since `since_ns` to every strategy."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        strategies = await read_strategies(connection)
        fills = [fill for item in strategies for fill in await _fills(connection, item)]
        return History(
            positions=await _positions(connection, account),
            intents=await _intents(connection, account),
            bands=await _bands(connection),
            fills=tuple(fills),
            journeys=await read_journeys(connection, since_ns),
            instruments=await _instruments(connection, since_ns),
            first_fill_ns=min((fill.time_ns for fill in fills if fill.time_ns >= since_ns), default=None),
            orders=await _client_orders(connection, since_ns, None),
            generated_orders=await _client_orders(connection, since_ns, GENERATOR),
        )


async def _held(connection: Any, item: StrategyPublished) -> list[Held]:
    told = [await find_book(connection, source.book, 0) for source in item.config.exposure]
    books = [held for book in told if book is not None for held in book.holdings.items()]
    hedge = await connection.fetch(
        "select instrument, quantity from positions where strategy_uid = $1 and mode = $2",
        item.uid,
        item.config.mode.value,
    )
    return [
        Held(
            strategy=item.config.key,
            uid=item.uid,
            band=band,
            books=_delta(books, band.underlying),
            hedge=_delta(hedge, band.underlying),
        )
        for band in item.config.bands
    ]


def _delta(held: Iterable[Any], underlying: str) -> Decimal:
    """Of pairs of instrument and quantity."""
    deltas = (
        find_instrument(symbol).delta(quantity)
        for symbol, quantity in held
        if find_instrument(symbol).underlying == underlying
    )
    return sum(deltas, ZERO)


async def _hedge_counts(connection: Any, since_ns: int) -> HedgeCounts:
    rows = await connection.fetch(
        "select state, count(*) as count from intents where decided_ns >= $1 group by state", since_ns
    )
    by_state = {IntentState(row["state"]): row["count"] for row in rows}
    # An intent of an earlier session that is still open is open now.
    still_open = await connection.fetchval(
        "select count(*) from intents where state = any($1)", [state.value for state in OPEN]
    )
    # Unknown passes: the chain of what happened remembers it, the intent's row does not.
    once_unknown = await connection.fetchval(
        "select count(distinct entry ->> 'intent') from "
        "(select convert_from(payload, 'UTF8')::jsonb as entry from chain) as entries "
        "where entry ->> 'state' = 'Unknown' and (entry ->> 'time_ns')::bigint >= $1",
        since_ns,
    )
    return HedgeCounts(
        decided=sum(by_state.values()),
        sent=await connection.fetchval("select count(*) from orders where claimed_ns >= $1", since_ns),
        filled=by_state.get(IntentState.FILLED, 0),
        cancelled=by_state.get(IntentState.CANCELLED, 0),
        rejected=by_state.get(IntentState.REJECTED, 0),
        refused=by_state.get(IntentState.REFUSED, 0),
        expired=by_state.get(IntentState.EXPIRED, 0),
        unknown=once_unknown,
        abandoned=by_state.get(IntentState.ABANDONED, 0),
        open=still_open,
    )


async def _instruments(connection: Any, since_ns: int) -> tuple[InstrumentHedges, ...]:
    rows = await connection.fetch(
        "select i.instrument, count(distinct i.id) as decided, "
        "count(distinct i.id) filter (where i.state = $2) as filled, count(f.intent) as fills, "
        "coalesce(sum(f.quantity) filter (where i.side = $3), 0) as bought, "
        "coalesce(sum(f.quantity) filter (where i.side = $4), 0) as sold "
        "from intents i left join fills f on f.intent = i.id where i.decided_ns >= $1 "
        "group by i.instrument order by i.instrument",
        since_ns,
        IntentState.FILLED.value,
        Side.BUY.value,
        Side.SELL.value,
    )
    return tuple(InstrumentHedges(**row) for row in rows)


async def _positions(connection: Any, account: str) -> dict[str, Decimal]:
    rows = await connection.fetch(
        "select instrument, sum(quantity) as quantity from positions where account = $1 and mode <> $2 "
        "group by instrument",
        account,
        Mode.SHADOW.value,
    )
    return {row["instrument"]: row["quantity"] for row in rows}


async def _intents(connection: Any, account: str) -> dict[str, int]:
    rows = await connection.fetch("select client_order_id, intent from orders where account = $1", account)
    return {row["client_order_id"]: row["intent"] for row in rows}


async def _bands(connection: Any) -> dict[tuple[str, int, str], Band]:
    rows = await connection.fetch("select strategy_uid, generation, config from generations")
    return {
        (str(row["strategy_uid"]), row["generation"], band.underlying): band
        for row in rows
        for band in decode_config(row["config"]).bands
    }


async def _fills(connection: Any, item: StrategyPublished) -> list[HedgeFill]:
    rows = await connection.fetch(
        "select i.instrument, i.side, f.quantity, f.recorded_ns from fills f join intents i on i.id = f.intent "
        "where i.strategy_uid = $1 and i.mode = $2",
        item.uid,
        item.config.mode.value,
    )
    return [
        HedgeFill(
            uid=item.uid,
            underlying=find_instrument(row["instrument"]).underlying,
            time_ns=row["recorded_ns"],
            delta=find_instrument(row["instrument"]).delta(signed(Side(row["side"]), row["quantity"])),
        )
        for row in rows
    ]


async def _client_orders(connection: Any, since_ns: int, owner: str | None) -> Recorded:
    row = await connection.fetchrow(
        "select count(*) as accepted, count(*) filter (where state = 'Filled') as filled, "
        "count(*) filter (where state = 'Cancelled') as cancelled "
        "from client_orders where created_ns >= $1 and ($2::text is null or owner = $2)",
        since_ns,
        owner,
    )
    return Recorded(**row)


async def read_journeys(connection: Any, since_ns: int) -> tuple[dict[str, int], ...]:
    """Of each order that the venue took since then: when it reached each stage, UTC ns, in the stages' order."""
    rows = await connection.fetch(
        "select d.stages, o.claimed_ns, o.answered_ns from orders o join intents i on i.id = o.intent "
        "join decisions d on d.id = i.decision "
        "where o.claimed_ns >= $1 and o.venue_order_id is not null and o.answered_ns is not null",
        since_ns,
    )
    return tuple(
        {
            **trace.read_stages({trace.STAGES: row["stages"].encode()}),
            CLAIMED: row["claimed_ns"],
            ACCEPTED: row["answered_ns"],
        }
        for row in rows
    )
