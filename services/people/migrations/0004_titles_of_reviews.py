"""what reviews are called, and which anybody may read."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.add_column(sa.Column("title", sa.String(), nullable=True))
    op.create_index(
        "reviews_public", "reviews", ["review"],
        postgresql_where=sa.text("public"), sqlite_where=sa.text("public"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("reviews_public", table_name="reviews")
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.drop_column("title")
