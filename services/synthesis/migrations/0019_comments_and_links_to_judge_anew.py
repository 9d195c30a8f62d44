"""comments on lines of a draft, what was signed despite them, links to be judged anew, and how much asks for a look."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Counter, Instant, Json

revision = "0019"
down_revision = "0018"
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
    # A release before this one goes on writing beside it.
    op.add_column("reviews", sa.Column("new_supports", sa.Integer(), nullable=False, server_default="3"))
    op.add_column("reviews", sa.Column("doubts", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("links", sa.Column("asked_version", sa.Integer(), nullable=True))
    with op.batch_alter_table("links", schema=None) as batch_op:
        batch_op.create_index(
            "links_asked",
            ["review", "cmoc", "element", "seq"],
            unique=False,
            postgresql_where=sa.text("asked_version IS NOT NULL"),
            sqlite_where=sa.text("asked_version IS NOT NULL"),
        )
    op.create_table(
        "rewordings",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("cmoc", sa.String(), nullable=False),
        sa.Column("protocol_version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("before", sa.String(), nullable=False),
        sa.Column("after", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("review", "cmoc", "protocol_version", "part"),
    )
    op.create_table(
        "link_judgements",
        sa.Column("seq", Counter, nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("link", sa.String(), nullable=False),
        sa.Column("protocol_version", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("link_judgements", schema=None) as batch_op:
        batch_op.create_index("judgements_of_link", ["review", "link", "seq"], unique=False)


def downgrade() -> None:
    op.drop_table("link_judgements")
    op.drop_table("rewordings")
    with op.batch_alter_table("links", schema=None) as batch_op:
        batch_op.drop_index("links_asked")
    op.drop_column("links", "asked_version")
    op.drop_column("reviews", "doubts")
    op.drop_column("reviews", "new_supports")
    op.drop_table("signings")
    op.drop_table("comment_answers")
    op.drop_table("comments")
