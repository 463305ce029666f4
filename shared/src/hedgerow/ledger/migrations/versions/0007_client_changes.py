"""A count of what happened to client orders and fills, without holes, for who copies them."""

from alembic import op

revision = "0007"
down_revision = "0006"

STATEMENTS = (
    # Its one row is locked from a change to its commit, so that no place appears behind one that was read.
    """
    create table client_change_count (
        one boolean primary key default true check (one),
        position bigint not null
    )
    """,
    """
    create table client_changes (
        position bigint primary key,
        order_id uuid references client_orders (id),
        state text check (state in ('Accepted', 'Filled', 'Cancelled')),
        fill_id text unique references client_fills,
        unique (order_id, state),
        check ((order_id is null) = (state is null)),
        check (order_id is not null or fill_id is not null),
        check (order_id is null or (state = 'Filled') = (fill_id is not null))
    )
    """,
    # What happened before there was a count, in the order of its times.
    """
    insert into client_changes (position, order_id, state, fill_id)
    select row_number() over (order by time_ns, number, part), id, state, fill_id from (
        select created_ns as time_ns, number, 0 as part, id, 'Accepted' as state, null as fill_id
        from client_orders where rested
        union all
        select concluded_ns, number, 1, id, state, case when state = 'Filled' then 'order-' || id end
        from client_orders where state <> 'Accepted'
        union all
        select time_ns, 0, 0, null, null, fill_id from client_fills f
        where not exists (select from client_orders o where 'order-' || o.id = f.fill_id)
    ) happened
    """,
    "insert into client_change_count (position) select coalesce(max(position), 0) from client_changes",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
