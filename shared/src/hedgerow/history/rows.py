"""What a record of a topic becomes in history: rows, and the minutes whose rollups they change. Pure."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from hedgerow.history.tables import ENRICHED, MINUTE_NS, RISK_EXPOSURES, RISK_STATES, TICKS, Table
from hedgerow.schemas.records import BookState, MarketReset, Quote
from hedgerow.schemas.risk_state import RiskState
from hedgerow.schemas.topics import MARKET_ENRICHED, MARKET_RAW, RISK_STATE

# One row and its table. Values are in the order of the table's columns.
Row = tuple[Table, tuple[Any, ...]]

_NO_PRICE = (None, None, None, None, None, None, None, None)


class Source(msgspec.Struct, frozen=True):
    """What a topic carries, and what becomes of it."""

    record_type: Any
    rows: Callable[[Any], tuple[Row, ...]]


def tick_rows(record: BookState | MarketReset) -> tuple[Row, ...]:
    """The touch and the depth of a book state; its levels are not kept. A reset is a tick without a price."""
    head = (record.time_ns, record.instrument, record.underlying, record.sequence, record.source_time_ns)
    if isinstance(record, MarketReset):
        return ((TICKS, (*head, *_NO_PRICE, False, f"reset, lap {record.lap}: {record.reason}")),)
    bid, bid_size = record.bids[0] if record.bids else (None, None)
    ask, ask_size = record.asks[0] if record.asks else (None, None)
    row = (
        *head,
        bid,
        ask,
        bid_size,
        ask_size,
        record.depth_bps,
        record.bid_depth_usd,
        record.ask_depth_usd,
        record.reach_bps,
        record.valid,
        record.reason,
    )
    return ((TICKS, row),)


def quote_rows(quote: Quote) -> tuple[Row, ...]:
    row = (
        quote.time_ns,
        quote.instrument,
        quote.underlying,
        quote.sequence,
        quote.source_time_ns,
        quote.bid,
        quote.ask,
        quote.bid_size,
        quote.ask_size,
        quote.mid,
        quote.spread_bps,
        quote.imbalance,
        quote.depth_bps,
        quote.bid_depth_usd,
        quote.ask_depth_usd,
        quote.reach_bps,
        quote.valid,
        quote.reason,
    )
    return ((ENRICHED, row),)


def risk_rows(state: RiskState) -> tuple[Row, ...]:
    """The state, and one row for each of its exposures."""
    head = (state.time_ns, state.strategy, state.uid, state.generation)
    exposures = (
        (
            RISK_EXPOSURES,
            (*head, state.sequence, state.ready, item.underlying, item.delta, item.mark, item.notional),
        )
        for item in state.exposures
    )
    row = (
        *head,
        state.revision,
        state.sequence,
        state.cause,
        state.ready,
        msgspec.json.encode(state.problems).decode(),
        msgspec.json.encode(state.marks).decode(),
    )
    return ((RISK_STATES, row), *exposures)


SOURCES: dict[str, Source] = {
    MARKET_RAW.name: Source(BookState | MarketReset, tick_rows),
    MARKET_ENRICHED.name: Source(Quote, quote_rows),
    RISK_STATE.name: Source(RiskState, risk_rows),
}
# Tables that rollups are made from.
ROLLED = (ENRICHED, RISK_EXPOSURES)


def by_table(rows: Iterable[Row]) -> dict[Table, list[tuple[Any, ...]]]:
    """The rows of each table, in their order."""
    found: dict[Table, list[tuple[Any, ...]]] = {}
    for table, row in rows:
        found.setdefault(table, []).append(row)
    return found


def touched_minutes(rows: dict[Table, list[tuple[Any, ...]]]) -> set[tuple[str, int]]:
    """Table and start (ns) of each minute whose rollups have to be made anew."""
    minutes = {table.name: {row[0] // MINUTE_NS for row in rows.get(table, ())} for table in ROLLED}
    return {(source, minute * MINUTE_NS) for source, touched in minutes.items() for minute in touched}
