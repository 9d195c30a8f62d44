"""the links that a revision rests on, as they stood when it was signed."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "matrices",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("csv_gz", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("review", "number"),
    )


def downgrade() -> None:
    op.drop_table("matrices")
