"""files that people bring, whose records are taken in."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Counter, Instant, Json

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("run", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", Counter, nullable=False),
        sa.Column("asked_format", sa.String(), nullable=True),
        sa.Column("format", sa.String(), nullable=True),
        sa.Column("dialect", sa.String(), nullable=True),
        sa.Column("encoding", sa.String(), nullable=True),
        sa.Column("database", sa.String(), nullable=True),
        sa.Column("query", sa.String(), nullable=True),
        sa.Column("searched_on", sa.Date(), nullable=True),
        sa.Column("reported", sa.Integer(), nullable=True),
        sa.Column("columns", Json, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("read", Counter, nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("repeated", sa.Integer(), nullable=False),
        sa.Column("junk", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", Instant, nullable=False),
        sa.Column("ended_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("imports_of_review", "imports", ["review", "id"])
    op.create_index("imports_of_run", "imports", ["run"])
    op.create_index("imports_of_state", "imports", ["state", "id"])


def downgrade() -> None:
    op.drop_table("imports")
    # The release before knows no such watch.
    op.execute("DELETE FROM runs WHERE purpose = 'import'")
    op.execute("DELETE FROM watches WHERE purpose = 'import'")
