"""answers that are read again, and which rejections that resolves."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_COUNTS = ("pages", "answers", "lost", "new", "merged", "updated", "unchanged", "older", "rejected", "resolved")


def upgrade() -> None:
    op.create_table(
        "reparses",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("run", sa.String(), nullable=True),
        sa.Column("rejected_only", sa.Boolean(), nullable=False),
        sa.Column("through", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("at_run", sa.String(), nullable=False),
        sa.Column("at_page", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTS),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("reparses", schema=None) as batch_op:
        batch_op.create_index("reparses_of_review", ["review", "id"], unique=False)
    with op.batch_alter_table("rejections", schema=None) as batch_op:
        batch_op.add_column(sa.Column("resolved_at", Instant(), nullable=True))
        batch_op.add_column(sa.Column("record", sa.String(), nullable=True))
        batch_op.create_index("rejections_of_review", ["review", "run", "id"], unique=False)
    with op.batch_alter_table("source_records", schema=None) as batch_op:
        batch_op.add_column(sa.Column("answered_at", Instant(), nullable=True))
    with op.batch_alter_table("raw_answers", schema=None) as batch_op:
        batch_op.create_index("raw_answers_of_page", ["run", "page"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("raw_answers", schema=None) as batch_op:
        batch_op.drop_index("raw_answers_of_page")
    with op.batch_alter_table("source_records", schema=None) as batch_op:
        batch_op.drop_column("answered_at")
    with op.batch_alter_table("rejections", schema=None) as batch_op:
        batch_op.drop_index("rejections_of_review")
        batch_op.drop_column("record")
        batch_op.drop_column("resolved_at")
    with op.batch_alter_table("reparses", schema=None) as batch_op:
        batch_op.drop_index("reparses_of_review")
    op.drop_table("reparses")
