"""Books of loans beside books of positions."""

from alembic import op

revision = "0006"
down_revision = "0005"

STATEMENTS = (
    "alter table books add column kind text not null default 'Positions' check (kind in ('Positions', 'Loans'))",
    # Collateral is exact decimals as text, by asset: it is kept for who reads the book, and not asked for by itself.
    """
    create table book_loans (
        book text not null references books,
        id text not null,
        asset text not null,
        principal numeric not null check (principal > 0),
        interest numeric not null check (interest >= 0),
        annual_rate numeric not null check (annual_rate >= 0),
        since_ns bigint not null,
        collateral text not null,
        primary key (book, id)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
