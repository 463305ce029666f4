"""The least generation that is given on this server: a promotion may have lost some that workers know already."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.execute("alter table ledger_identity add column generations_from bigint not null default 1")
