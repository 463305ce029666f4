"""When hedging decided to take an order back."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("alter table intents add column cancel_requested_ns bigint")
