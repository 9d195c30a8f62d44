"""saved searches that alert."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant, Json

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_INDEXES = {
    "saved_searches_that_alert": ["review", "id"],
    "saved_searches_that_alert_of_whom": ["owner", "review"],
}


def upgrade() -> None:
    op.add_column("saved_searches", sa.Column("alerts_since", Instant(), nullable=True))
    op.add_column("saved_searches", sa.Column("asks_of", sa.String(), nullable=True))
    op.add_column("saved_searches", sa.Column("alerted_at", Instant(), nullable=True))
    alerts = sa.text("alerts_since IS NOT NULL")
    for name, columns in _INDEXES.items():
        op.create_index(name, "saved_searches", columns, postgresql_where=alerts, sqlite_where=alerts)
    op.create_table(
        "arrived",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=True),
        sa.Column("before", Json, nullable=True),
        sa.Column("arrived_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("arrived_in_review", "arrived", ["review", "id"])
    op.create_table(
        "matches",
        sa.Column("saved", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("matched_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["saved"], ["saved_searches.id"]),
        sa.PrimaryKeyConstraint("saved", "record"),
    )
    op.create_table(
        "untold",
        sa.Column("saved", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("records", Json, nullable=False),
        sa.Column("more", sa.Integer(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["saved"], ["saved_searches.id"]),
        sa.PrimaryKeyConstraint("saved"),
    )
    op.create_index("ix_untold_due_at", "untold", ["due_at"])


def downgrade() -> None:
    op.drop_table("untold")
    op.drop_table("matches")
    op.drop_table("arrived")
    for name in _INDEXES:
        op.drop_index(name, "saved_searches")
    for column in ("alerted_at", "asks_of", "alerts_since"):
        op.drop_column("saved_searches", column)
