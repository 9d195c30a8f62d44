"""copies of reports that are parsed, and quotes that are anchored in them."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Counter, Instant

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_NOW = {"postgresql_where": sa.text("superseded_at IS NULL"), "sqlite_where": sa.text("superseded_at IS NULL")}


def upgrade() -> None:
    op.create_table(
        "parsings",
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("due_at", Instant, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("deaths", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("text"),
    )
    op.create_index("parsings_due", "parsings", ["due_at"])
    op.create_table(
        "parses",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("parser", sa.String(), nullable=False),
        sa.Column("tried_by", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("blob", sa.String(), nullable=True),
        sa.Column("size", Counter, nullable=True),
        sa.Column("paragraphs", sa.Integer(), nullable=False),
        sa.Column("why", sa.String(), nullable=True),
        sa.Column("parsed_at", Instant, nullable=False),
        sa.Column("superseded_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("parses_of_text", "parses", ["text", "id"])
    op.create_index("parses_of_now", "parses", ["text"], unique=True, **_NOW)
    op.create_index("parses_by_parser", "parses", ["tried_by", "text"], **_NOW)
    op.create_index("parses_superseded", "parses", ["superseded_at", "id"])
    op.create_table(
        "anchors",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=True),
        sa.Column("parse", sa.String(), nullable=False),
        sa.Column("parse_sha256", sa.String(), nullable=False),
        sa.Column("locator", sa.String(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("begins", sa.Integer(), nullable=False),
        sa.Column("ends", sa.Integer(), nullable=False),
        sa.Column("exact", sa.String(), nullable=True),
        sa.Column("prefix", sa.String(), nullable=True),
        sa.Column("suffix", sa.String(), nullable=True),
        sa.Column("words", sa.Integer(), nullable=False),
        sa.Column("salt", sa.String(), nullable=False),
        sa.Column("quote_sha256", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("anchors_of_text", "anchors", ["text", "id"])
    op.create_index("anchors_at", "anchors", ["text", "begins", "ends"])
    op.create_index("anchors_of_review", "anchors", ["review", "id"])
    op.create_index("anchors_in_state", "anchors", ["review", "state", "id"])
    op.create_index("anchors_of_maker", "anchors", ["review", "made_by", "id"])
    op.create_index("anchors_of_parse", "anchors", ["parse"])
    with op.batch_alter_table("texts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("quotable_words", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("texts", schema=None) as batch_op:
        batch_op.alter_column("quotable_words", server_default=None)
    # What was kept before is parsed by the job.
    op.execute(
        sa.text(
            "INSERT INTO parsings (text, due_at, tries, deaths)"
            " SELECT id, added_at, 0, 0 FROM texts WHERE withdrawn_at IS NULL"
        )
    )


def downgrade() -> None:
    with op.batch_alter_table("texts", schema=None) as batch_op:
        batch_op.drop_column("quotable_words")
    op.drop_table("anchors")
    op.drop_table("parses")
    op.drop_table("parsings")
