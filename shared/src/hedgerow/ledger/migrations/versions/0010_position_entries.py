"""What each position of a book was entered at, and when."""

from alembic import op

revision = "0010"
down_revision = "0009"

# Both or neither. A position that is there already has neither: what it was built from may have been told, and its
# entry is known again once it was flat.
STATEMENTS = (
    "alter table book_positions add column entry_price numeric, add column since_ns bigint, "
    "add constraint entry_is_whole check ((entry_price is null) = (since_ns is null)), "
    "add constraint entry_price_is_positive check (entry_price > 0)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
