"""History: what the topics carried and what the ledger decided, cut into chunks by time where TimescaleDB is there."""

from alembic import op
from sqlalchemy import text

revision = "h0001"
down_revision = None

DAY_NS = 86_400 * 1_000_000_000

TABLES = {
    "ticks": """
        time_ns bigint not null, instrument text not null, underlying text not null, sequence bigint not null,
        source_time_ns bigint not null, bid double precision, ask double precision, bid_size double precision,
        ask_size double precision, depth_bps double precision, bid_depth_usd double precision,
        ask_depth_usd double precision, reach_bps double precision, valid boolean not null, reason text not null
    """,
    "enriched": """
        time_ns bigint not null, instrument text not null, underlying text not null, sequence bigint not null,
        source_time_ns bigint not null, bid double precision not null, ask double precision not null,
        bid_size double precision not null, ask_size double precision not null, mid double precision not null,
        spread_bps double precision not null, imbalance double precision not null,
        depth_bps double precision not null, bid_depth_usd double precision not null,
        ask_depth_usd double precision not null, reach_bps double precision not null, valid boolean not null,
        reason text not null
    """,
    "risk_states": """
        time_ns bigint not null, strategy text not null, uid text not null, generation bigint not null,
        revision text not null, sequence bigint not null, cause text not null, ready boolean not null,
        problems jsonb not null, marks jsonb not null
    """,
    "risk_exposures": """
        time_ns bigint not null, strategy text not null, uid text not null, generation bigint not null,
        sequence bigint not null, ready boolean not null, underlying text not null, delta numeric not null,
        mark numeric not null, notional numeric not null
    """,
    "orders": """
        time_ns bigint not null, strategy text not null, uid text not null, position bigint not null,
        intent bigint not null, state text not null, quantity numeric not null, filled_quantity numeric not null,
        reason text not null, decision bigint not null, generation bigint not null, leg integer not null,
        mode text not null, venue text not null, account text not null, instrument text not null, side text not null,
        limit_price numeric not null, time_in_force text not null, client_order_id text,
        primary key (uid, position, time_ns)
    """,
    "fills": """
        time_ns bigint not null, strategy text not null, uid text not null, intent bigint not null,
        venue text not null, account text not null, execution_id text not null, instrument text not null,
        side text not null, quantity numeric not null, price numeric not null, fee numeric not null,
        recorded_ns bigint not null, primary key (venue, account, execution_id, time_ns)
    """,
    "decisions": """
        time_ns bigint not null, strategy text not null, uid text not null, decision bigint not null,
        version bigint not null, generation bigint not null, cause text not null, result json not null,
        traceparent text not null, primary key (decision, time_ns)
    """,
    "candles_1m": """
        time_ns bigint not null, instrument text not null, open double precision, high double precision,
        low double precision, close double precision, spread_bps double precision,
        widest_spread_bps double precision, bid_depth_usd double precision, ask_depth_usd double precision,
        quotes bigint not null, invalid bigint not null, primary key (instrument, time_ns)
    """,
    "candles_5m": """
        time_ns bigint not null, instrument text not null, open double precision, high double precision,
        low double precision, close double precision, spread_bps double precision,
        widest_spread_bps double precision, bid_depth_usd double precision, ask_depth_usd double precision,
        quotes bigint not null, invalid bigint not null, primary key (instrument, time_ns)
    """,
    "risk_1m": """
        time_ns bigint not null, strategy text not null, uid text not null, underlying text not null,
        delta_open numeric not null, delta_low numeric not null, delta_high numeric not null,
        delta_close numeric not null, notional_low numeric not null, notional_high numeric not null,
        notional_close numeric not null, states bigint not null, not_ready bigint not null,
        primary key (strategy, uid, underlying, time_ns)
    """,
}
CHUNK_DAYS = {"ticks": 1, "enriched": 1, "risk_states": 1, "risk_exposures": 1}
INDEXES = (
    "create index ticks_by_instrument on ticks (instrument, time_ns desc)",
    "create index enriched_by_instrument on enriched (instrument, time_ns desc)",
    "create index risk_states_by_strategy on risk_states (strategy, time_ns desc)",
    "create index risk_exposures_by_strategy on risk_exposures (strategy, time_ns desc)",
    "create index orders_by_strategy on orders (strategy, time_ns desc)",
    "create index fills_by_strategy on fills (strategy, time_ns desc)",
    "create index decisions_by_strategy on decisions (strategy, time_ns desc)",
    # Rollups and retention ask by time alone; rows come in nearly in its order, so ranges of blocks are enough.
    *(
        f"create index {table}_by_time on {table} using brin (time_ns)"
        for table in ("ticks", "enriched", "risk_states", "risk_exposures")
    ),
)
BOOKKEEPING = (
    # The next message that history lacks, moved in the transaction that writes the rows before it.
    """
    create table offsets (
        topic text not null, partition integer not null, next_offset bigint not null, primary key (topic, partition)
    )
    """,
    # The last entry of each strategy's chain in the ledger that history holds.
    "create table ledger_positions (uid uuid primary key, position bigint not null)",
    # Messages that Kafka let go of before they were recorded.
    """
    create table gaps (
        topic text not null, partition integer not null, from_offset bigint not null, to_offset bigint not null,
        noticed_ns bigint not null, primary key (topic, partition, from_offset)
    )
    """,
    # Minutes whose rollups are to be made anew. Only ever added to and taken from, so that nobody waits for anybody.
    "create table rollup_marks (source text not null, minute_ns bigint not null)",
    "create table dropped (table_name text primary key, before_ns bigint not null)",
)


def upgrade() -> None:
    timescale = _timescale()
    for name, columns in TABLES.items():
        op.execute(f"create table {name} ({columns})")
        if timescale:
            width_ns = CHUNK_DAYS.get(name, 30) * DAY_NS
            op.execute(
                f"select create_hypertable('{name}', 'time_ns', chunk_time_interval => {width_ns}::bigint, "
                "create_default_indexes => false)"
            )
    for statement in (*INDEXES, *BOOKKEEPING):
        op.execute(statement)


def _timescale() -> bool:
    """Whether the extension is there; a server that has it loaded and lets us gets it."""
    connection = op.get_bind()
    there = text("select exists (select 1 from pg_extension where extname = 'timescaledb')")
    if connection.execute(there).scalar():
        return True
    offered = text("select exists (select 1 from pg_available_extensions where name = 'timescaledb')")
    loaded = text("select current_setting('timescaledb.max_background_workers', true) is not null")
    if not (connection.execute(offered).scalar() and connection.execute(loaded).scalar()):
        return False
    op.execute("create extension timescaledb")
    return True
