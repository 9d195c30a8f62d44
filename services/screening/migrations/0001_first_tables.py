"""first tables."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Counter, Instant, Json

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "commands",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("command", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("answer", Json, nullable=False),
        sa.Column("done_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("person", "key"),
    )
    with op.batch_alter_table("commands", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_commands_done_at"), ["done_at"], unique=False)

    op.create_table(
        "counts",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("review", "stage", "state"),
    )
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", Counter, nullable=False),
        sa.Column("event_id", sa.String(), nullable=True),
        sa.Column("type", sa.String(), nullable=True),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("set_aside_at", Instant(), nullable=False),
        sa.Column("retried_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("dead_letters", schema=None) as batch_op:
        batch_op.create_index("dead_letters_place", ["consumer", "topic", "partition", "offset"], unique=True)
        batch_op.create_index(batch_op.f("ix_dead_letters_event_id"), ["event_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_dead_letters_state"), ["state"], unique=False)

    op.create_table(
        "inbox",
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("heard_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "event_id"),
    )
    op.create_table(
        "leases",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("taken_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("ended", sa.String(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("leases", schema=None) as batch_op:
        batch_op.create_index(
            "leases_lapsing",
            ["expires_at"],
            unique=False,
            postgresql_where=sa.text("ended IS NULL"),
            sqlite_where=sa.text("ended IS NULL"),
        )
        batch_op.create_index(
            "leases_live",
            ["review", "person", "kind"],
            unique=True,
            postgresql_where=sa.text("ended IS NULL"),
            sqlite_where=sa.text("ended IS NULL"),
        )
        batch_op.create_index(
            "leases_of_task",
            ["task"],
            unique=False,
            postgresql_where=sa.text("ended IS NULL"),
            sqlite_where=sa.text("ended IS NULL"),
        )

    op.create_table(
        "outbox",
        sa.Column("seq", Counter, nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("correlation", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("payload", sa.String(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("published_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("event_id"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outbox_correlation"), ["correlation"], unique=False)
        batch_op.create_index("outbox_of_review", ["review", "seq"], unique=False)
        batch_op.create_index(
            "outbox_unpublished",
            ["seq"],
            unique=False,
            postgresql_where=sa.text("published_at IS NULL"),
            sqlite_where=sa.text("published_at IS NULL"),
        )

    op.create_table(
        "outbox_causes",
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("cause", "event_id"),
    )
    op.create_table(
        "protocols",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("recheck_after", sa.String(), nullable=True),
        sa.Column("correlation", sa.String(), nullable=False),
        sa.Column("caused_by", sa.String(), nullable=True),
        sa.Column("adopted_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("review", "version"),
    )
    op.create_table(
        "records",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=True),
        sa.Column("rule", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("described", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=True),
        sa.Column("abstract", sa.String(), nullable=True),
        sa.Column("authors", Json, nullable=False),
        sa.Column("venue", sa.String(), nullable=True),
        sa.Column("published", sa.String(), nullable=True),
        sa.Column("identifiers", Json, nullable=False),
        sa.Column("passed", Json, nullable=False),
        sa.Column("notices", Json, nullable=False),
        sa.Column("merged_into", sa.String(), nullable=True),
        sa.Column("merge", Json, nullable=True),
        sa.Column("correlation", sa.String(), nullable=False),
        sa.Column("arrived_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("review", "id"),
    )
    with op.batch_alter_table("records", schema=None) as batch_op:
        batch_op.create_index(
            "records_absorbed",
            ["review", "merged_into"],
            unique=False,
            postgresql_where=sa.text("merged_into IS NOT NULL"),
            sqlite_where=sa.text("merged_into IS NOT NULL"),
        )
        batch_op.create_index("records_by_state", ["review", "state", "id"], unique=False)

    op.create_table(
        "tasks",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("protocol_version", sa.Integer(), nullable=False),
        sa.Column("adjudicators", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("position", Counter, nullable=False),
        sa.Column("votes_needed", sa.Integer(), nullable=False),
        sa.Column("votes_cast", sa.Integer(), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("taker", sa.String(), nullable=False),
        sa.Column("takers", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("told", sa.String(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.CheckConstraint("places >= 0", name="tasks_places"),
        sa.CheckConstraint("votes_cast >= 0 AND votes_cast <= votes_needed", name="tasks_votes"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.create_index(
            "tasks_conflicts",
            ["review", "position", "id"],
            unique=False,
            postgresql_where=sa.text("state = 'conflict'"),
            sqlite_where=sa.text("state = 'conflict'"),
        )
        batch_op.create_index("tasks_listing", ["review", "stage", "state", "position", "id"], unique=False)
        batch_op.create_index(
            "tasks_queue",
            ["review", "stage", "state", "taker", "position", "id", "takers"],
            unique=False,
            postgresql_where=sa.text("places > 0"),
            sqlite_where=sa.text("places > 0"),
        )

    op.create_table(
        "vote_pairs",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("first", sa.String(), nullable=False),
        sa.Column("second", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("review", "stage", "first", "second"),
    )
    op.create_table(
        "votes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("cast_on", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("fields", Json, nullable=False),
        sa.Column("protocol_version", sa.Integer(), nullable=False),
        sa.Column("deciding", sa.Boolean(), nullable=False),
        sa.Column("paired", sa.Boolean(), nullable=False),
        sa.Column("cast_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("task", "person", name="votes_one_per_person"),
    )
    with op.batch_alter_table("votes", schema=None) as batch_op:
        batch_op.create_index("votes_cast_on", ["cast_on"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("votes", schema=None) as batch_op:
        batch_op.drop_index("votes_cast_on")

    op.drop_table("votes")
    op.drop_table("vote_pairs")
    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.drop_index("tasks_queue", postgresql_where=sa.text("places > 0"), sqlite_where=sa.text("places > 0"))
        batch_op.drop_index("tasks_listing")
        batch_op.drop_index(
            "tasks_conflicts",
            postgresql_where=sa.text("state = 'conflict'"),
            sqlite_where=sa.text("state = 'conflict'"),
        )

    op.drop_table("tasks")
    with op.batch_alter_table("records", schema=None) as batch_op:
        batch_op.drop_index("records_by_state")
        batch_op.drop_index(
            "records_absorbed",
            postgresql_where=sa.text("merged_into IS NOT NULL"),
            sqlite_where=sa.text("merged_into IS NOT NULL"),
        )

    op.drop_table("records")
    op.drop_table("protocols")
    op.drop_table("outbox_causes")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(
            "outbox_unpublished",
            postgresql_where=sa.text("published_at IS NULL"),
            sqlite_where=sa.text("published_at IS NULL"),
        )
        batch_op.drop_index("outbox_of_review")
        batch_op.drop_index(batch_op.f("ix_outbox_correlation"))

    op.drop_table("outbox")
    with op.batch_alter_table("leases", schema=None) as batch_op:
        batch_op.drop_index(
            "leases_of_task", postgresql_where=sa.text("ended IS NULL"), sqlite_where=sa.text("ended IS NULL")
        )
        batch_op.drop_index(
            "leases_live", postgresql_where=sa.text("ended IS NULL"), sqlite_where=sa.text("ended IS NULL")
        )
        batch_op.drop_index(
            "leases_lapsing", postgresql_where=sa.text("ended IS NULL"), sqlite_where=sa.text("ended IS NULL")
        )

    op.drop_table("leases")
    op.drop_table("inbox")
    with op.batch_alter_table("dead_letters", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dead_letters_state"))
        batch_op.drop_index(batch_op.f("ix_dead_letters_event_id"))
        batch_op.drop_index("dead_letters_place")

    op.drop_table("dead_letters")
    op.drop_table("counts")
    with op.batch_alter_table("commands", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_commands_done_at"))

    op.drop_table("commands")
