"""Who declared a strategy or a venue: files, or resources of a cluster."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = tuple(
    f"alter table {table} add column publisher text not null default 'files' "
    "check (publisher in ('files', 'cluster'))"
    for table in ("strategies", "venues")
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
