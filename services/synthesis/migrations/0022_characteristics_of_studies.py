"""what the protocol asks of each study, and what people answered."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Counter, Instant, Json

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "characteristic_answers",
        sa.Column("seq", Counter, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("answered_on", sa.String(), nullable=False),
        sa.Column("characteristic", sa.String(), nullable=False),
        sa.Column("said", Json, nullable=True),
        sa.Column("not_reported", sa.Boolean(), nullable=False),
        sa.Column("locator", sa.String(), nullable=True),
        sa.Column("fragment", sa.String(), nullable=True),
        sa.Column("why", sa.String(), nullable=True),
        sa.Column("protocol_version", sa.Integer(), nullable=False),
        sa.Column("supersedes", Json, nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("extraction", sa.String(), nullable=True),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("characteristic_answers", schema=None) as batch_op:
        batch_op.create_index(
            "characteristic_answers_held",
            ["extraction", "seq"],
            unique=False,
            postgresql_where=sa.text("held"),
            sqlite_where=sa.text("held"),
        )
        batch_op.create_index("characteristic_answers_of_record", ["review", "record", "seq"], unique=False)
        batch_op.create_index("characteristic_answers_on_record", ["review", "answered_on"], unique=False)

    op.create_table(
        "characteristics",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("options", Json, nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("help", sa.Text(), nullable=True),
        sa.Column("least", sa.Float(), nullable=True),
        sa.Column("most", sa.Float(), nullable=True),
        sa.Column("since", sa.Integer(), nullable=False),
        sa.Column("asked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("review", "name"),
    )
    with op.batch_alter_table("reports", schema=None) as batch_op:
        batch_op.create_index(
            "reports_included_of_study",
            ["review", "study"],
            unique=False,
            postgresql_where=sa.text("state = 'included'"),
            sqlite_where=sa.text("state = 'included'"),
        )


def downgrade() -> None:
    with op.batch_alter_table("reports", schema=None) as batch_op:
        batch_op.drop_index("reports_included_of_study")
    op.drop_table("characteristics")
    with op.batch_alter_table("characteristic_answers", schema=None) as batch_op:
        batch_op.drop_index("characteristic_answers_on_record")
        batch_op.drop_index("characteristic_answers_of_record")
        batch_op.drop_index("characteristic_answers_held")
    op.drop_table("characteristic_answers")
