"""Steps of the tables that every service has, for the migrations of all; one that was released never changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.types import Counter, Instant


def let_what_waits_have_a_table() -> None:
    """`outbox_waiting` instead of `outbox.published_at`."""
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


def mark_what_was_published() -> None:
    """The way back. When an event was published is not known any more, only that it was."""
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
