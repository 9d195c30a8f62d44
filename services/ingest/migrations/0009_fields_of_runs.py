"""how many records of a run have each field."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Json

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("fields", Json, nullable=False, server_default="{}"))
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.alter_column("fields", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.drop_column("fields")
