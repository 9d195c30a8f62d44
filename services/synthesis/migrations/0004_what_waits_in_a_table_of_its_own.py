"""what waits in a table of its own."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Counter

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outbox_waiting",
        sa.Column("turn", Counter, nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("turn"),
        sqlite_autoincrement=True,
    )
    op.execute(
        "INSERT INTO outbox_waiting (event_id) SELECT event_id FROM outbox WHERE published_at IS NULL ORDER BY seq"
    )
    op.drop_index("outbox_unpublished", table_name="outbox")
    # Without Alembic's batch, which would copy the table and forget that SQLite must never give a number again.
    op.execute("ALTER TABLE outbox DROP COLUMN published_at")
