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
        "dead_letters",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", Counter, nullable=False),
        sa.Column("key", sa.String(), nullable=True),
        sa.Column("event_id", sa.String(), nullable=True),
        sa.Column("review", sa.String(), nullable=True),
        sa.Column("type", sa.String(), nullable=True),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("raised_at", sa.String(), server_default="", nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("holds", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("set_aside_at", Instant(), nullable=False),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_why", sa.String(), nullable=True),
        sa.Column("traceparent", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("dead_letters", schema=None) as batch_op:
        batch_op.create_index("dead_letters_causes", ["state", "type", "slug", "raised_at", "id"], unique=False)
        batch_op.create_index("dead_letters_place", ["consumer", "topic", "partition", "offset"], unique=True)
        batch_op.create_index(batch_op.f("ix_dead_letters_event_id"), ["event_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_dead_letters_review"), ["review"], unique=False)
        batch_op.create_index(batch_op.f("ix_dead_letters_state"), ["state"], unique=False)

    op.create_table(
        "facts",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "heard_types",
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "type"),
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
        "inbox",
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("heard_at", Instant(), nullable=False),
        sa.Column("topic", sa.String(), nullable=True),
        sa.Column("partition", sa.Integer(), nullable=True),
        sa.Column("offset", Counter, nullable=True),
        sa.PrimaryKeyConstraint("consumer", "event_id"),
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("hashed", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=True),
        sa.Column("founds", sa.Boolean(), nullable=False),
        sa.Column("person", sa.String(), nullable=True),
        sa.Column("invited_by", sa.String(), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("used_at", Instant(), nullable=True),
        sa.Column("used_by", sa.String(), nullable=True),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hashed"),
    )
    with op.batch_alter_table("invitations", schema=None) as batch_op:
        batch_op.create_index("invitations_of_review", ["review", "id"], unique=False)

    op.create_table(
        "keys",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("hashed", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=True),
        sa.Column("scopes", Json, nullable=True),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=True),
        sa.Column("used_at", Instant(), nullable=True),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.Column("withdrawn_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("keys", schema=None) as batch_op:
        batch_op.create_index("keys_of_maker", ["made_by", "id"], unique=False)
        batch_op.create_index(
            "keys_of_review",
            ["review", "id"],
            unique=False,
            postgresql_where=sa.text("review IS NOT NULL"),
            sqlite_where=sa.text("review IS NOT NULL"),
        )
        batch_op.create_index("keys_of_subject", ["subject", "id"], unique=False)

    op.create_table(
        "members",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("look", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("joined_at", Instant(), nullable=False),
        sa.Column("left_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("review", "person"),
        sa.UniqueConstraint("review", "look", name="members_look_alike"),
    )
    with op.batch_alter_table("members", schema=None) as batch_op:
        batch_op.create_index("members_of_person", ["person", "review"], unique=False)

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
        sa.Column("traceparent", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("event_id"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outbox_correlation"), ["correlation"], unique=False)
        batch_op.create_index("outbox_of_review", ["review", "seq"], unique=False)

    op.create_table(
        "outbox_causes",
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("cause", "event_id"),
    )
    op.create_table(
        "outbox_waiting",
        sa.Column("turn", Counter, nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("turn"),
        sqlite_autoincrement=True,
    )
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
        sa.Column("traceparent", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("consumer", "topic", "partition", "offset"),
    )
    with op.batch_alter_table("parked_events", schema=None) as batch_op:
        batch_op.create_index("parked_of_key", ["consumer", "topic", "key", "offset"], unique=False)

    op.create_table(
        "persons",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("founds", sa.Boolean(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("erased_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "published_up_to",
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", Counter, nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition"),
    )
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
    op.create_table(
        "reviews",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("founded_by", sa.String(), nullable=True),
        sa.Column("pseudonyms", sa.Boolean(), nullable=False),
        sa.Column("numbered", sa.Integer(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("review"),
    )
    op.create_table(
        "sign_in_failures",
        sa.Column("hashed", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("not_before", Instant(), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("hashed"),
    )
    with op.batch_alter_table("sign_in_failures", schema=None) as batch_op:
        batch_op.create_index("sign_in_failures_old", ["at", "hashed"], unique=False)

    op.create_table(
        "sign_ins",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("look", sa.String(), nullable=False),
        sa.Column("hashed", sa.String(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("person"),
        sa.UniqueConstraint("look"),
    )
    op.create_table(
        "withdrawals",
        sa.Column("number", Counter, autoincrement=False, nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "withdrawn",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("n", Counter, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    op.drop_table("withdrawn")
    op.drop_table("withdrawals")
    op.drop_table("sign_ins")
    with op.batch_alter_table("sign_in_failures", schema=None) as batch_op:
        batch_op.drop_index("sign_in_failures_old")

    op.drop_table("sign_in_failures")
    op.drop_table("reviews")
    op.drop_table("put_off_events")
    op.drop_table("published_up_to")
    op.drop_table("persons")
    with op.batch_alter_table("parked_events", schema=None) as batch_op:
        batch_op.drop_index("parked_of_key")

    op.drop_table("parked_events")
    op.drop_table("outbox_waiting")
    op.drop_table("outbox_causes")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index("outbox_of_review")
        batch_op.drop_index(batch_op.f("ix_outbox_correlation"))

    op.drop_table("outbox")
    with op.batch_alter_table("members", schema=None) as batch_op:
        batch_op.drop_index("members_of_person")

    op.drop_table("members")
    with op.batch_alter_table("keys", schema=None) as batch_op:
        batch_op.drop_index("keys_of_subject")
        batch_op.drop_index(
            "keys_of_review", postgresql_where=sa.text("review IS NOT NULL"), sqlite_where=sa.text("review IS NOT NULL")
        )
        batch_op.drop_index("keys_of_maker")

    op.drop_table("keys")
    with op.batch_alter_table("invitations", schema=None) as batch_op:
        batch_op.drop_index("invitations_of_review")

    op.drop_table("invitations")
    op.drop_table("inbox")
    with op.batch_alter_table("held_keys", schema=None) as batch_op:
        batch_op.drop_index("held_keys_due")

    op.drop_table("held_keys")
    op.drop_table("heard_up_to")
    op.drop_table("heard_types")
    op.drop_table("facts")
    with op.batch_alter_table("dead_letters", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dead_letters_state"))
        batch_op.drop_index(batch_op.f("ix_dead_letters_review"))
        batch_op.drop_index(batch_op.f("ix_dead_letters_event_id"))
        batch_op.drop_index("dead_letters_place")
        batch_op.drop_index("dead_letters_causes")

    op.drop_table("dead_letters")
    with op.batch_alter_table("commands", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_commands_done_at"))

    op.drop_table("commands")
