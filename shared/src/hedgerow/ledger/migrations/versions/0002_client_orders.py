"""Client orders, and books that a system outside keeps."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    """
    create table client_orders (
        number bigint generated always as identity primary key,
        id uuid not null unique,
        owner text not null,
        client_order_id text,
        client_id text not null,
        instrument text not null,
        side text not null check (side in ('Buy', 'Sell')),
        quantity numeric not null check (quantity > 0),
        order_type text not null check (order_type in ('Market', 'Limit')),
        limit_price numeric check (limit_price > 0),
        state text not null check (state in ('Accepted', 'Filled', 'Cancelled')),
        rested boolean not null,
        created_ns bigint not null,
        fill_price numeric check (fill_price > 0),
        concluded_ns bigint,
        unique (owner, client_order_id),
        check ((order_type = 'Limit') = (limit_price is not null)),
        check ((state = 'Filled') = (fill_price is not null)),
        check ((state = 'Accepted') = (concluded_ns is null)),
        check (rested or state = 'Filled'),
        check (order_type = 'Limit' or state = 'Filled')
    )
    """,
    "create index client_orders_resting on client_orders (number) where state = 'Accepted'",
    # An outside system's book is as fresh as its own as-of time; one that our fills move is as fresh as our reading.
    "alter table books add column fed boolean not null default false",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
