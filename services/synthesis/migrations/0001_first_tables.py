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
        "arrivals",
        sa.Column("seq", Counter, nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("arrived_at", Instant(), nullable=False),
        sa.Column("heeded_at", Instant(), nullable=True),
        sa.Column("cycle", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("arrivals", schema=None) as batch_op:
        batch_op.create_index("arrivals_of_cycle", ["review", "cycle", "seq"], unique=False)
        batch_op.create_index(
            "arrivals_unheeded",
            ["review"],
            unique=False,
            postgresql_where=sa.text("heeded_at IS NULL"),
            sqlite_where=sa.text("heeded_at IS NULL"),
        )

    op.create_table(
        "cmocs",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("cmoc", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("theory", sa.String(), nullable=False),
        sa.Column("context", sa.String(), nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("reasoning", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("lineage", Json, nullable=False),
        sa.Column("lineage_note", sa.String(), nullable=True),
        sa.Column("set_aside_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("review", "cmoc"),
    )
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
        "drafts",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("draft", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("change_class", sa.String(), nullable=False),
        sa.Column("body", Json, nullable=False),
        sa.Column("changes", Json, nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("withdrawn", sa.Integer(), nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("review"),
    )
    op.create_table(
        "fragments",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("locator", sa.String(), nullable=False),
        sa.Column("quote", sa.String(), nullable=True),
        sa.Column("paraphrase", sa.String(), nullable=False),
        sa.Column("data_type", sa.String(), nullable=False),
        sa.Column("coder", sa.String(), nullable=False),
        sa.Column("coded_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("fragments", schema=None) as batch_op:
        batch_op.create_index("fragments_of_record", ["review", "record"], unique=False)

    op.create_table(
        "inbox",
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("heard_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "event_id"),
    )
    op.create_table(
        "links",
        sa.Column("seq", Counter, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("fragment", sa.String(), nullable=False),
        sa.Column("cmoc", sa.String(), nullable=False),
        sa.Column("element", sa.String(), nullable=False),
        sa.Column("stance", sa.String(), nullable=False),
        sa.Column("inference", sa.String(), nullable=False),
        sa.Column("rationale", sa.String(), nullable=True),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("linked_at", Instant(), nullable=False),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.Column("withdrawn_by", sa.String(), nullable=True),
        sa.Column("withdrawn_why", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("links", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_links_fragment"), ["fragment"], unique=False)
        batch_op.create_index("links_of_cmoc", ["review", "cmoc", "seq"], unique=False)
        batch_op.create_index("links_of_review", ["review", "seq"], unique=False)

    op.create_table(
        "notices",
        sa.Column("seq", Counter, nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("notice", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("applied", sa.Boolean(), nullable=False),
        sa.Column("heard_at", Instant(), nullable=False),
        sa.Column("correlation", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("review", "notice"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.create_index("notices_of_record", ["review", "record", "seq"], unique=False)

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
        "rejudgements",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("cmoc", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("notice", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("how", sa.String(), nullable=True),
        sa.Column("correlation", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("rejudgements", schema=None) as batch_op:
        batch_op.create_index("rejudgements_of_record", ["review", "record"], unique=False)
        batch_op.create_index("rejudgements_of_review", ["review", "id"], unique=False)

    op.create_table(
        "reports",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=True),
        sa.Column("judgements", Json, nullable=False),
        sa.Column("credible", sa.Boolean(), nullable=False),
        sa.Column("suspended_by", sa.String(), nullable=True),
        sa.Column("drilled_by", sa.String(), nullable=True),
        sa.Column("merged_into", sa.String(), nullable=True),
        sa.Column("correlation", sa.String(), nullable=False),
        sa.Column("caused_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("review", "record"),
    )
    with op.batch_alter_table("reports", schema=None) as batch_op:
        batch_op.create_index("reports_of_study", ["review", "study"], unique=False)

    op.create_table(
        "reviews",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("protocol_version", sa.Integer(), nullable=False),
        sa.Column("protocol_sha256", sa.String(), nullable=False),
        sa.Column("theories", Json, nullable=False),
        sa.Column("publish_every_days", sa.Integer(), nullable=False),
        sa.Column("revisions", sa.Integer(), nullable=False),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("last_published", sa.Date(), nullable=True),
        sa.Column("next_due", sa.Date(), nullable=False),
        sa.Column("overdue_told", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("review"),
    )
    op.create_table(
        "revisions",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("head", Json, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("content_sha256", sa.String(), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("review", "number"),
    )
    op.create_table(
        "theory_events",
        sa.Column("seq", Counter, nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("cmoc", sa.String(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("happened", sa.String(), nullable=False),
        sa.Column("before", sa.String(), nullable=True),
        sa.Column("after", sa.String(), nullable=True),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("links", Json, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("theory_events", schema=None) as batch_op:
        batch_op.create_index("theory_events_of_cmoc", ["review", "cmoc", "seq"], unique=False)

    op.create_table(
        "triggers",
        sa.Column("seq", Counter, nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("review", "cycle", "rule", "subject"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "watches",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("watch", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("protocol_version", sa.Integer(), nullable=False),
        sa.Column("searched_through", sa.Date(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("review", "watch"),
    )


def downgrade() -> None:
    op.drop_table("watches")
    op.drop_table("triggers")
    with op.batch_alter_table("theory_events", schema=None) as batch_op:
        batch_op.drop_index("theory_events_of_cmoc")

    op.drop_table("theory_events")
    op.drop_table("revisions")
    op.drop_table("reviews")
    with op.batch_alter_table("reports", schema=None) as batch_op:
        batch_op.drop_index("reports_of_study")

    op.drop_table("reports")
    with op.batch_alter_table("rejudgements", schema=None) as batch_op:
        batch_op.drop_index("rejudgements_of_review")
        batch_op.drop_index("rejudgements_of_record")

    op.drop_table("rejudgements")
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
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.drop_index("notices_of_record")

    op.drop_table("notices")
    with op.batch_alter_table("links", schema=None) as batch_op:
        batch_op.drop_index("links_of_review")
        batch_op.drop_index("links_of_cmoc")
        batch_op.drop_index(batch_op.f("ix_links_fragment"))

    op.drop_table("links")
    op.drop_table("inbox")
    with op.batch_alter_table("fragments", schema=None) as batch_op:
        batch_op.drop_index("fragments_of_record")

    op.drop_table("fragments")
    op.drop_table("drafts")
    with op.batch_alter_table("dead_letters", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dead_letters_state"))
        batch_op.drop_index(batch_op.f("ix_dead_letters_event_id"))
        batch_op.drop_index("dead_letters_place")

    op.drop_table("dead_letters")
    with op.batch_alter_table("commands", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_commands_done_at"))

    op.drop_table("commands")
    op.drop_table("cmocs")
    with op.batch_alter_table("arrivals", schema=None) as batch_op:
        batch_op.drop_index(
            "arrivals_unheeded",
            postgresql_where=sa.text("heeded_at IS NULL"),
            sqlite_where=sa.text("heeded_at IS NULL"),
        )
        batch_op.drop_index("arrivals_of_cycle")

    op.drop_table("arrivals")
