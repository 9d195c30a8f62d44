"""searches that people make by hand, and the files of each."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "searches",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("watch", sa.String(), nullable=False),
        sa.Column("strategy", sa.String(), nullable=False),
        sa.Column("database", sa.String(), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("protocol_version", sa.Integer(), nullable=False),
        sa.Column("query", sa.String(), nullable=False),
        sa.Column("planned", sa.String(), nullable=True),
        sa.Column("searched_on", sa.Date(), nullable=False),
        sa.Column("reported", sa.Integer(), nullable=True),
        sa.Column("made", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("lacking", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("statement", sa.String(), nullable=True),
        sa.Column("statement_sha256", sa.String(), nullable=True),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("fulfilled_by", sa.String(), nullable=True),
        sa.Column("fulfilled_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("searches_of_review", "searches", ["review", "id"])
    op.create_index("searches_of_watch", "searches", ["watch", "id"])
    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.add_column(sa.Column("search", sa.String(), nullable=True))
        batch_op.create_index("imports_of_search", ["search"], unique=False)
    with op.batch_alter_table("watches", schema=None) as batch_op:
        batch_op.add_column(sa.Column("database", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("owner", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("question", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("due_emitted", Instant(), nullable=True))
        batch_op.add_column(sa.Column("overdue_emitted", Instant(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("watches", schema=None) as batch_op:
        for column in ("overdue_emitted", "due_emitted", "question", "owner", "database"):
            batch_op.drop_column(column)
    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.drop_index("imports_of_search")
        batch_op.drop_column("search")
    op.drop_table("searches")
    # The release before knows no such watch.
    op.execute("DELETE FROM runs WHERE watch IN (SELECT id FROM watches WHERE purpose = 'manual')")
    op.execute("DELETE FROM watches WHERE purpose = 'manual'")
