"""saved searches that alert."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant

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
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "matches",
        sa.Column("saved", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("matched_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["saved"], ["saved_searches.id"]),
        sa.PrimaryKeyConstraint("saved", "record"),
    )


def downgrade() -> None:
    op.drop_table("matches")
    op.drop_table("arrived")
    for name in _INDEXES:
        op.drop_index(name, "saved_searches")
    op.drop_column("saved_searches", "alerts_since")
