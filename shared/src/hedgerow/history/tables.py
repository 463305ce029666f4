"""The tables of history: what each row says, and by what it is asked for. Pure.

`time_ns` is always the time that a row is about (UTC ns), and what tables are cut into chunks by.
"""

import msgspec

MINUTE_NS = 60 * 1_000_000_000
DAY_NS = 86_400 * 1_000_000_000


class Table(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One table.

    Attributes:
        columns: in the order in which rows are written.
        decimals: those of them that are exact decimals.
        chunk_ns: width of a chunk, which is also the grain of retention.

    Tables are compared by identity: they are keys where every row is counted.
    """

    name: str
    columns: tuple[str, ...]
    decimals: tuple[str, ...] = ()
    chunk_ns: int = DAY_NS


_TOUCH = (
    "time_ns",
    "instrument",
    "underlying",
    "sequence",
    "source_time_ns",
    "bid",
    "ask",
    "bid_size",
    "ask_size",
)
_DEPTH = ("depth_bps", "bid_depth_usd", "ask_depth_usd", "reach_bps", "valid", "reason")
TICKS = Table(name="ticks", columns=_TOUCH + _DEPTH)
ENRICHED = Table(name="enriched", columns=(*_TOUCH, "mid", "spread_bps", "imbalance", *_DEPTH))
RISK_STATES = Table(
    name="risk_states",
    columns=(
        "time_ns",
        "strategy",
        "uid",
        "generation",
        "revision",
        "sequence",
        "cause",
        "ready",
        "problems",
        "marks",
    ),
)
RISK_EXPOSURES = Table(
    name="risk_exposures",
    columns=(
        "time_ns",
        "strategy",
        "uid",
        "generation",
        "sequence",
        "ready",
        "underlying",
        "delta",
        "mark",
        "notional",
    ),
    decimals=("delta", "mark", "notional"),
)
ORDERS = Table(
    name="orders",
    columns=(
        "time_ns",
        "strategy",
        "uid",
        "position",
        "intent",
        "state",
        "quantity",
        "filled_quantity",
        "reason",
        "decision",
        "generation",
        "leg",
        "mode",
        "venue",
        "account",
        "instrument",
        "side",
        "limit_price",
        "time_in_force",
        "client_order_id",
    ),
    decimals=("quantity", "filled_quantity", "limit_price"),
    chunk_ns=30 * DAY_NS,
)
FILLS = Table(
    name="fills",
    columns=(
        "time_ns",
        "strategy",
        "uid",
        "intent",
        "venue",
        "account",
        "execution_id",
        "instrument",
        "side",
        "quantity",
        "price",
        "fee",
        "recorded_ns",
    ),
    decimals=("quantity", "price", "fee"),
    chunk_ns=30 * DAY_NS,
)
DECISIONS = Table(
    name="decisions",
    columns=(
        "time_ns",
        "strategy",
        "uid",
        "decision",
        "version",
        "generation",
        "cause",
        "result",
        "traceparent",
    ),
    chunk_ns=30 * DAY_NS,
)
CLIENT_ORDERS = Table(
    name="client_orders",
    columns=(
        "time_ns",
        "position",
        "id",
        "owner",
        "client_order_id",
        "client_id",
        "instrument",
        "side",
        "quantity",
        "order_type",
        "limit_price",
        "state",
        "fill_price",
    ),
    decimals=("quantity", "limit_price", "fill_price"),
    chunk_ns=30 * DAY_NS,
)
CLIENT_FILLS = Table(
    name="client_fills",
    columns=(
        "time_ns",
        "position",
        "fill_id",
        "order_id",
        "book",
        "instrument",
        "side",
        "quantity",
        "price",
        "recorded_ns",
    ),
    decimals=("quantity", "price"),
    chunk_ns=30 * DAY_NS,
)
_CANDLE = (
    "time_ns",
    "instrument",
    "open",
    "high",
    "low",
    "close",
    "spread_bps",
    "widest_spread_bps",
    "bid_depth_usd",
    "ask_depth_usd",
    "quotes",
    "invalid",
)
CANDLES_1M = Table(name="candles_1m", columns=_CANDLE, chunk_ns=30 * DAY_NS)
CANDLES_5M = Table(name="candles_5m", columns=_CANDLE, chunk_ns=30 * DAY_NS)
_DELTA_AND_NOTIONAL = (
    "delta_open",
    "delta_low",
    "delta_high",
    "delta_close",
    "notional_low",
    "notional_high",
    "notional_close",
)
RISK_1M = Table(
    name="risk_1m",
    columns=("time_ns", "strategy", "uid", "underlying", *_DELTA_AND_NOTIONAL, "states", "not_ready"),
    decimals=_DELTA_AND_NOTIONAL,
    chunk_ns=30 * DAY_NS,
)

# Dropped after HEDGEROW_HISTORY_DAYS; rollups after HEDGEROW_HISTORY_ROLLUP_DAYS; the others are never dropped.
RECORDED = (TICKS, ENRICHED, RISK_STATES, RISK_EXPOSURES)
ROLLED_UP = (CANDLES_1M, CANDLES_5M, RISK_1M)
COPIED = (ORDERS, FILLS, DECISIONS, CLIENT_ORDERS, CLIENT_FILLS)
TABLES = {table.name: table for table in (*RECORDED, *ROLLED_UP, *COPIED)}
