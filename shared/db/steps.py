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


def let_blobs_be_kept() -> None:
    """The tables of a service that keeps blobs."""
    op.create_table(
        "blob_names",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("used_by", sa.String(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", "used_by"),
    )
    op.create_index("ix_blob_names_since", "blob_names", ["since"])
    op.create_table(
        "blobs",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("draft", sa.String(), nullable=False),
        sa.Column("size", Counter, nullable=False),
        sa.Column("stored_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("sha256"),
    )
    op.create_table("blob_drafts", sa.Column("id", sa.String(), nullable=False), sa.PrimaryKeyConstraint("id"))
    op.create_table(
        "blob_chunks",
        sa.Column("draft", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("draft", "number"),
    )


def let_no_blobs_be_kept() -> None:
    """The way back: blobs in rows are gone, those in a folder stay there and are nobody's."""
    for table in ("blob_chunks", "blob_drafts", "blobs", "blob_names"):
        op.drop_table(table)


def keep_traces_and_what_is_put_off() -> None:
    """`traceparent` of what is told, parked and set aside; `put_off_events`."""
    for table in _TRACED:
        op.add_column(table, sa.Column("traceparent", sa.String(), nullable=True))
    op.create_table(
        "put_off_events",
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("lacks", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("traceparent", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("consumer", "type", "key"),
    )


def forget_traces_and_what_is_put_off() -> None:
    op.drop_table("put_off_events")
    for table in _TRACED:
        op.execute(f"ALTER TABLE {table} DROP COLUMN traceparent")


_TRACED = ("outbox", "parked_events", "dead_letters")
