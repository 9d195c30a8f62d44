"""keep places, held keys and facts."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Counter, Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "facts",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "heard_up_to",
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", Counter, nullable=False),
        sa.Column("event_id", sa.String(), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "topic", "partition"),
    )
    op.create_table(
        "heard_types",
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "type"),
    )
    op.create_table(
        "held_keys",
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("review", sa.String(), nullable=True),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("letter", sa.String(), nullable=True),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("try_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("consumer", "topic", "key"),
    )
    with op.batch_alter_table("held_keys", schema=None) as batch_op:
        batch_op.create_index("held_keys_due", ["consumer", "try_at"], unique=False)

    op.create_table(
        "parked_events",
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", Counter, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("parked_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "topic", "partition", "offset"),
    )
    with op.batch_alter_table("parked_events", schema=None) as batch_op:
        batch_op.create_index("parked_of_key", ["consumer", "topic", "key", "offset"], unique=False)

    op.create_table(
        "published_up_to",
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", Counter, nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition"),
    )
    with op.batch_alter_table("dead_letters", schema=None) as batch_op:
        batch_op.add_column(sa.Column("key", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("review", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("raised_at", sa.String(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("holds", sa.Boolean(), server_default=sa.text("false"), nullable=False))
        batch_op.add_column(sa.Column("decided_at", Instant(), nullable=True))
        batch_op.add_column(sa.Column("decided_by", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("decided_why", sa.String(), nullable=True))
        batch_op.create_index("dead_letters_causes", ["state", "type", "slug", "raised_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_dead_letters_review"), ["review"], unique=False)

    op.execute("UPDATE dead_letters SET decided_at = retried_at")
    with op.batch_alter_table("dead_letters", schema=None) as batch_op:
        batch_op.drop_column("retried_at")

    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.add_column(sa.Column("topic", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("partition", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("offset", Counter, nullable=True))
