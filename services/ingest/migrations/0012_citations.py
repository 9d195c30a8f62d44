"""which reports cite a record or are cited by it."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "citations",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("seed", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("review", "source", "source_id", "seed", "direction"),
    )


def downgrade() -> None:
    op.drop_table("citations")
    # The release before knows no such watch.
    op.execute("DELETE FROM runs WHERE purpose = 'citations'")
    op.execute("DELETE FROM watches WHERE purpose = 'citations'")
