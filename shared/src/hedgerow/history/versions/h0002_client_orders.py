"""Client orders and fills, and how far the ledger's count of them is copied."""

from alembic import op
from sqlalchemy import text

revision = "h0002"
down_revision = "h0001"

CHUNK_NS = 30 * 86_400 * 1_000_000_000
TABLES = {
    "client_orders": """
        time_ns bigint not null, position bigint not null, id text not null, owner text not null,
        client_order_id text, client_id text not null, instrument text not null, side text not null,
        quantity numeric not null, order_type text not null, limit_price numeric, state text not null,
        fill_price numeric, primary key (position, time_ns)
    """,
    "client_fills": """
        time_ns bigint not null, position bigint not null, fill_id text not null, order_id text, book text not null,
        instrument text not null, side text not null, quantity numeric not null, price numeric not null,
        recorded_ns bigint not null, primary key (position, time_ns)
    """,
}


def upgrade() -> None:
    timescale = text("select exists (select 1 from pg_extension where extname = 'timescaledb')")
    chunked = op.get_bind().execute(timescale).scalar()
    for name, columns in TABLES.items():
        op.execute(f"create table {name} ({columns})")
        if chunked:
            op.execute(
                f"select create_hypertable('{name}', 'time_ns', chunk_time_interval => {CHUNK_NS}::bigint, "
                "create_default_indexes => false)"
            )
        op.execute(f"create index {name}_by_time on {name} (time_ns desc)")
        op.execute(f"create index {name}_by_instrument on {name} (instrument, time_ns desc)")
    # Moved in the transaction that writes the rows before it.
    op.execute(
        "create table client_position (one boolean primary key default true check (one), position bigint not null)"
    )
    op.execute("insert into client_position (position) values (0)")
