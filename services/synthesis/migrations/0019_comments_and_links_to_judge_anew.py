"""comments on lines of a draft, and what was signed despite them."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Counter, Instant, Json

revision = "0019"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "comments",
        sa.Column("seq", Counter, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("cmoc", sa.String(), nullable=True),
        sa.Column("theory", sa.String(), nullable=True),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("draft", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("resolved_by", sa.String(), nullable=True),
        sa.Column("resolved_at", Instant(), nullable=True),
        sa.Column("resolved_why", sa.String(), nullable=True),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("comments", schema=None) as batch_op:
        batch_op.create_index("comments_of_review", ["review", "seq"], unique=False)
        batch_op.create_index("comments_of_cmoc", ["review", "cmoc", "seq"], unique=False)
        batch_op.create_index("comments_of_theory", ["review", "theory", "seq"], unique=False)
        batch_op.create_index(
            "comments_open",
            ["review", "seq"],
            unique=False,
            postgresql_where=sa.text("state = 'open'"),
            sqlite_where=sa.text("state = 'open'"),
        )
    op.create_table(
        "comment_answers",
        sa.Column("seq", Counter, nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("comment_answers", schema=None) as batch_op:
        batch_op.create_index("answers_of_comment", ["comment", "seq"], unique=False)
    op.create_table(
        "signings",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("open_comments", sa.Integer(), nullable=False),
        sa.Column("comments", Json, nullable=False),
        sa.Column("despite", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("review", "number"),
    )


def downgrade() -> None:
    op.drop_table("signings")
    op.drop_table("comment_answers")
    op.drop_table("comments")
