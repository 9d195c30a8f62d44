"""what sources say ahead that the strings of a draft would bring."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Counter, Instant, Json

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "previews",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", Instant, nullable=False),
        sa.Column("ended_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "previews_under_way", "previews", ["review", "asked_by"], unique=True,
        postgresql_where=sa.text("ended_at IS NULL"), sqlite_where=sa.text("ended_at IS NULL"),
    )  # fmt: skip
    op.create_index("previews_asked", "previews", ["asked_at"])
    op.create_table(
        "previewed",
        sa.Column("preview", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("strategy", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("asked", sa.String(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("reported", Counter, nullable=True),
        sa.Column("titles", Json, nullable=False),
        sa.Column("remarks", Json, nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("failed", sa.String(), nullable=True),
        sa.Column("answered_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("preview", "number"),
    )
    op.create_index(
        "previewed_waiting", "previewed", ["source", "preview", "number"],
        postgresql_where=sa.text("answered_at IS NULL"), sqlite_where=sa.text("answered_at IS NULL"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("previewed_waiting", table_name="previewed")
    op.drop_table("previewed")
    op.drop_index("previews_asked", table_name="previews")
    op.drop_index("previews_under_way", table_name="previews")
    op.drop_table("previews")
