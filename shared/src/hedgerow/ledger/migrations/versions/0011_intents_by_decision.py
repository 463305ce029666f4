"""The legs of one decision are found by it: a claim looks at those that go together with its own."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("create index intents_by_decision on intents (decision)")
