"""decisions that files state, and the stages that these are of."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant, Json

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

#: What is new of every import, and what it is of those that there are.
_NEW = {"problems": "[]", "stated": "0", "kept": "0"}


def upgrade() -> None:
    op.create_table(
        "statements",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("column", sa.String(), nullable=True),
        sa.Column("said", sa.String(), nullable=True),
        sa.Column("by", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("imported", sa.String(), nullable=False),
        sa.Column("file_sha256", sa.String(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("mapping_sha256", sa.String(), nullable=False),
        sa.Column("brought_by", sa.String(), nullable=False),
        sa.Column("brought_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("statements_of_source_record", "statements", ["review", "source", "source_id"])
    op.create_index("statements_of_review", "statements", ["review", "imported", "line", "id"])
    op.create_index("statements_of_stage", "statements", ["review", "stage", "imported", "line", "id"])
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.add_column(sa.Column("stages", Json, nullable=True))
    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.add_column(sa.Column("mapping", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("mapping_sha256", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("problems", Json, nullable=False, server_default=_NEW["problems"]))
        batch_op.add_column(sa.Column("stated", sa.Integer(), nullable=False, server_default=_NEW["stated"]))
        batch_op.add_column(sa.Column("kept", sa.Integer(), nullable=False, server_default=_NEW["kept"]))
    with op.batch_alter_table("imports", schema=None) as batch_op:
        for column in _NEW:
            batch_op.alter_column(column, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("imports", schema=None) as batch_op:
        for column in ("mapping", "mapping_sha256", *_NEW):
            batch_op.drop_column(column)
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.drop_column("stages")
    op.drop_table("statements")
