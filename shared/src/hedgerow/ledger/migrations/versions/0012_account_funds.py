"""What each account can put up, as its executor last saw it: legs that go together may be on several accounts."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute(
        """
        create table account_funds (
            venue text not null,
            account text not null,
            available numeric not null,
            leverage text not null,
            time_ns bigint not null,
            primary key (venue, account)
        )
        """
    )
