"""the reports that are included, few of many, found by themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("reports", schema=None) as batch_op:
        batch_op.create_index(
            "reports_included",
            ["review", "record"],
            unique=False,
            postgresql_where=sa.text("state = 'included'"),
            sqlite_where=sa.text("state = 'included'"),
        )


def downgrade() -> None:
    with op.batch_alter_table("reports", schema=None) as batch_op:
        batch_op.drop_index("reports_included")
