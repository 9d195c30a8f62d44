"""what waits in a table of its own."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Counter, Instant

revision = "0003"
down_revision = "0002"
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


def downgrade() -> None:
    op.add_column("outbox", sa.Column("published_at", Instant(), nullable=True))
    op.execute(
        "UPDATE outbox SET published_at = recorded_at WHERE event_id NOT IN (SELECT event_id FROM outbox_waiting)"
    )
    op.create_index(
        "outbox_unpublished",
        "outbox",
        ["seq"],
        postgresql_where=sa.text("published_at IS NULL"),
        sqlite_where=sa.text("published_at IS NULL"),
    )
    op.drop_table("outbox_waiting")
