"""What the gateway answered to those who asked how much to hedge."""

from alembic import op

revision = "0009"
down_revision = "0008"

STATEMENTS = (
    """
    create table hedge_answers (
        id uuid primary key,
        answered_ns bigint not null,
        caller text not null,
        asset text not null,
        amount_usd numeric not null,
        score double precision not null,
        score_time_ns bigint,
        depth_usd double precision not null,
        weight double precision not null,
        hedge_fraction double precision not null,
        notional_usd numeric not null,
        version text not null
    )
    """,
    "create index hedge_answers_by_time on hedge_answers (answered_ns)",
    """
    create trigger hedge_answers_append_only before update or delete or truncate on hedge_answers
        for each statement execute function refuse_change()
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
