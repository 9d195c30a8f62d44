"""runs that add up, walks over all of a protocol's dates, and what sources change."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant, Json

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("watches", schema=None) as batch_op:
        batch_op.add_column(sa.Column("purpose", sa.String(), nullable=False, server_default="search"))
        # What a protocol has that says nothing of it.
        batch_op.add_column(sa.Column("whole_every_days", sa.Integer(), nullable=False, server_default="90"))
        batch_op.add_column(sa.Column("walked_whole_at", Instant(), nullable=True))
        batch_op.add_column(sa.Column("concepts", Json, nullable=True))
    with op.batch_alter_table("run_items", schema=None) as batch_op:
        batch_op.alter_column("record", existing_type=sa.String(), nullable=True)
    with op.batch_alter_table("records", schema=None) as batch_op:
        batch_op.add_column(sa.Column("followed", sa.Boolean(), nullable=False, server_default=sa.true()))
        batch_op.add_column(sa.Column("standing", sa.String(), nullable=False, server_default="waiting"))
        batch_op.add_column(sa.Column("stage", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("excluded_on", sa.Date(), nullable=True))
    op.create_table(
        "walk_items",
        sa.Column("walk", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("walk", "source_id"),
    )
    op.create_table(
        "origins",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("watch", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("review", "source", "source_id", "watch"),
    )
    op.execute(
        "INSERT INTO origins (review, source, source_id, watch) SELECT s.review, s.source, s.source_id, r.watch "
        "FROM source_records s JOIN runs r ON r.id = s.run"
    )
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("purpose", sa.String(), nullable=False, server_default="new"))
        batch_op.add_column(sa.Column("dated_by", sa.String(), nullable=False, server_default="came"))
        batch_op.add_column(sa.Column("walk", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("missing", Json, nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("outside", sa.Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE runs SET walk = id")
    op.execute("UPDATE runs SET dated_by = 'published' WHERE source = 'openalex'")
    # A place in a walk of the release before means nothing to the walks of this one, and what it met was not kept. Its
    # watch is still due, and is walked anew.
    op.execute("UPDATE watches SET goes_on_from = NULL")
    op.execute(
        "UPDATE runs SET state = 'incomplete', ended_at = started_at, error = 'a new release begins it anew' "
        "WHERE state = 'running'"
    )
    with op.batch_alter_table("watches", schema=None) as batch_op:
        for name in ("purpose", "whole_every_days"):
            batch_op.alter_column(name, server_default=None)
    with op.batch_alter_table("records", schema=None) as batch_op:
        batch_op.alter_column("followed", server_default=None)
        batch_op.alter_column("standing", server_default=None)
    with op.batch_alter_table("runs", schema=None) as batch_op:
        for name in ("purpose", "dated_by", "walk", "missing", "outside"):
            batch_op.alter_column(name, server_default=None)


def downgrade() -> None:
    # What sources change is no strategy, and the release before knows nothing else.
    op.execute("DELETE FROM runs WHERE purpose = 'changes'")
    op.execute("DELETE FROM watches WHERE purpose = 'changes'")
    op.execute("DELETE FROM run_items WHERE record IS NULL")
    with op.batch_alter_table("run_items", schema=None) as batch_op:
        batch_op.alter_column("record", existing_type=sa.String(), nullable=False)
    with op.batch_alter_table("runs", schema=None) as batch_op:
        for name in ("outside", "missing", "walk", "dated_by", "purpose"):
            batch_op.drop_column(name)
    with op.batch_alter_table("records", schema=None) as batch_op:
        for name in ("excluded_on", "stage", "standing", "followed"):
            batch_op.drop_column(name)
    op.drop_table("origins")
    op.drop_table("walk_items")
    with op.batch_alter_table("watches", schema=None) as batch_op:
        for name in ("concepts", "purpose", "walked_whole_at", "whole_every_days"):
            batch_op.drop_column(name)
