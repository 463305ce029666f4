"""What each strategy turned over and made on a day, and the platform's own ceilings."""

from alembic import op

revision = "0004"
down_revision = "0003"

STATEMENTS = (
    """
    create table trading_days (
        strategy_uid uuid not null references strategies,
        mode text not null,
        venue text not null,
        account text not null,
        day date not null,
        turnover numeric not null default 0,
        opening_pnl numeric,
        pnl numeric,
        primary key (strategy_uid, day, mode, venue, account)
    )
    """,
    "create index trading_days_by_account on trading_days (venue, account, day)",
    """
    create table ceilings (
        only_row boolean primary key default true check (only_row),
        config text not null default '{}'
    )
    """,
    "insert into ceilings default values",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
