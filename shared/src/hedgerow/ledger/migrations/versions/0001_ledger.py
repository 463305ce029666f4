"""The ledger: what was decided, sent and filled."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """
    create table ledger_identity (
        only_row boolean primary key default true check (only_row),
        id uuid not null default gen_random_uuid(),
        created_at timestamptz not null default now()
    )
    """,
    "insert into ledger_identity default values",
    """
    create table strategies (
        uid uuid primary key,
        key text not null,
        generation bigint not null,
        revision text not null,
        config text not null,
        version bigint not null default 0,
        policy_state text not null default '{}',
        published_ns bigint not null,
        deleted_ns bigint
    )
    """,
    "create unique index strategies_live on strategies (key) where deleted_ns is null",
    """
    create table generations (
        strategy_uid uuid not null references strategies,
        generation bigint not null,
        revision text not null,
        config text not null,
        published_ns bigint not null,
        primary key (strategy_uid, generation)
    )
    """,
    """
    create table leg_owners (
        venue text not null,
        account text not null,
        instrument text not null,
        strategy_uid uuid not null references strategies,
        primary key (venue, account, instrument)
    )
    """,
    """
    create table venues (
        key text primary key,
        config text not null,
        published_ns bigint not null
    )
    """,
    """
    create table books (
        name text primary key,
        sequence bigint not null,
        as_of_ns bigint not null
    )
    """,
    """
    create table book_positions (
        book text not null references books,
        instrument text not null,
        quantity numeric not null,
        primary key (book, instrument)
    )
    """,
    """
    create table client_fills (
        fill_id text primary key,
        book text not null references books,
        instrument text not null,
        side text not null check (side in ('Buy', 'Sell')),
        quantity numeric not null check (quantity > 0),
        price numeric not null check (price > 0),
        time_ns bigint not null,
        recorded_ns bigint not null
    )
    """,
    """
    create table decisions (
        id bigint generated always as identity primary key,
        strategy_uid uuid not null references strategies,
        version bigint not null,
        generation bigint not null,
        risk_state bytea not null,
        snapshot bytea not null,
        decision bytea not null,
        cause text not null,
        stages text not null,
        traceparent text not null,
        decided_ns bigint not null,
        unique (strategy_uid, version)
    )
    """,
    """
    create table intents (
        id bigint generated always as identity primary key,
        decision bigint not null references decisions,
        strategy_uid uuid not null references strategies,
        generation bigint not null,
        leg integer not null,
        mode text not null,
        venue text not null,
        account text not null,
        instrument text not null,
        side text not null check (side in ('Buy', 'Sell')),
        quantity numeric not null check (quantity > 0),
        limit_price numeric not null check (limit_price > 0),
        time_in_force text not null,
        state text not null check (state in ('Decided', 'Sending', 'Accepted', 'PartiallyFilled', 'Filled',
            'Cancelled', 'Rejected', 'Refused', 'Expired', 'Unknown', 'Abandoned')),
        filled_quantity numeric not null default 0 check (filled_quantity between 0 and quantity),
        reason text not null default '',
        decided_ns bigint not null,
        concluded_ns bigint
    )
    """,
    # At most one open intent per strategy and leg: held by the database, whatever a worker believes.
    """
    create unique index intents_open_leg on intents (strategy_uid, leg)
        where state in ('Decided', 'Sending', 'Accepted', 'PartiallyFilled', 'Unknown')
    """,
    """
    create index intents_open_account on intents (venue, account)
        where state in ('Decided', 'Sending', 'Accepted', 'PartiallyFilled', 'Unknown')
    """,
    "create index intents_by_strategy on intents (strategy_uid, id)",
    """
    create table orders (
        client_order_id text primary key,
        intent bigint not null unique references intents,
        venue text not null,
        account text not null,
        claimed_ns bigint not null,
        venue_order_id text,
        answered_ns bigint,
        answer text
    )
    """,
    "create index orders_by_claim on orders (venue, account, claimed_ns)",
    """
    create table fills (
        venue text not null,
        account text not null,
        execution_id text not null,
        intent bigint not null references intents,
        quantity numeric not null check (quantity > 0),
        price numeric not null check (price > 0),
        fee numeric not null,
        time_ns bigint not null,
        recorded_ns bigint not null,
        primary key (venue, account, execution_id)
    )
    """,
    "create index fills_by_intent on fills (intent)",
    """
    create table positions (
        strategy_uid uuid not null references strategies,
        mode text not null,
        venue text not null,
        account text not null,
        instrument text not null,
        quantity numeric not null,
        entry_price numeric not null,
        realised_pnl numeric not null,
        fees numeric not null,
        primary key (strategy_uid, mode, venue, account, instrument)
    )
    """,
    """
    create table halts (
        id bigint generated always as identity primary key,
        target_kind text not null check (target_kind in ('All', 'Venue', 'Strategy')),
        target text not null,
        source text not null,
        reason text not null,
        created_ns bigint not null,
        released_ns bigint,
        released_by text
    )
    """,
    "create index halts_standing on halts (target_kind, target) where released_ns is null",
    """
    create table chain (
        strategy_uid uuid not null references strategies,
        position bigint not null,
        payload bytea not null,
        hash bytea not null,
        primary key (strategy_uid, position)
    )
    """,
    """
    create function refuse_change() returns trigger language plpgsql as $$
    begin
        raise exception '% is append-only', tg_table_name;
    end $$
    """,
    """
    create trigger chain_append_only before update or delete or truncate on chain
        for each statement execute function refuse_change()
    """,
    """
    create table checkpoints (
        role text not null,
        topic text not null,
        partition integer not null,
        next_offset bigint not null,
        state bytea not null,
        saved_at timestamptz not null default now(),
        primary key (role, topic, partition)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
