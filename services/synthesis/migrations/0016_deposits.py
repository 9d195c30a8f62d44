"""the deposits of revisions that are to have a DOI."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "deposits",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("archive", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("deposit", sa.String(), nullable=True),
        sa.Column("doi", sa.String(), nullable=True),
        sa.Column("concept_doi", sa.String(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.Column("refused", sa.Boolean(), nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("assigned_at", Instant(), nullable=True),
        sa.Column("event_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("review", "archive", "number"),
    )
    with op.batch_alter_table("deposits", schema=None) as batch_op:
        batch_op.create_index(
            "deposits_in_trouble",
            ["review"],
            unique=False,
            postgresql_where=sa.text("trouble IS NOT NULL"),
            sqlite_where=sa.text("trouble IS NOT NULL"),
        )


def downgrade() -> None:
    with op.batch_alter_table("deposits", schema=None) as batch_op:
        batch_op.drop_index("deposits_in_trouble")
    op.drop_table("deposits")
