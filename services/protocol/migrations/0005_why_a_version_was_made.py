"""why a version was made, and how much of each part it changed."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Json

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("versions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("why", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("changed", Json, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("versions", schema=None) as batch_op:
        batch_op.drop_column("changed")
        batch_op.drop_column("why")
