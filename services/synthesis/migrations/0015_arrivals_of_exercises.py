"""what arrived by an exercise, told from what did in earnest."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A release before this one goes on writing beside it.
    op.add_column("arrivals", sa.Column("drill", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("arrivals", "drill")
