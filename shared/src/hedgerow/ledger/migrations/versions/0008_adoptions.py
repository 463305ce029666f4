"""What was taken into a strategy's position without an intent; which server the ledger is on; what cannot be read."""

from alembic import op

revision = "0008"
down_revision = "0007"

STATEMENTS = (
    """
    create table adoptions (
        id bigint generated always as identity primary key,
        strategy_uid uuid not null references strategies,
        mode text not null,
        venue text not null,
        account text not null,
        instrument text not null,
        side text not null check (side in ('Buy', 'Sell')),
        quantity numeric not null check (quantity > 0),
        price numeric not null check (price > 0),
        fee numeric not null,
        execution_id text,
        reason text not null,
        time_ns bigint not null,
        unique (venue, account, execution_id)
    )
    """,
    # Names that this ledger gave before it was restored or promoted; server: where it was when it last took part.
    "alter table ledger_identity add column former_ids uuid[] not null default '{}', add column server text",
    """
    create table quarantine (
        id bigint generated always as identity primary key,
        source text not null,
        key text not null,
        bytes bytea not null,
        cause text not null,
        time_ns bigint not null,
        unique (source, key, bytes)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
