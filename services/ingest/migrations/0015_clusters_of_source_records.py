"""keys of source records, what people ruled about them, splits, and relations."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant, Json
from shared.ids import id_of

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "source_keys",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("review", "key", "source", "source_id"),
    )
    op.create_index("source_keys_of_source_record", "source_keys", ["review", "source", "source_id"])
    op.create_table(
        "splits",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("out_of", sa.String(), nullable=False),
        sa.Column("evidence", Json, nullable=False),
        sa.Column("run", sa.String(), nullable=True),
        sa.Column("split_by", sa.String(), nullable=False),
        sa.Column("split_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("splits_of_record", "splits", ["record"])
    op.create_index("splits_out_of", "splits", ["out_of"])
    op.create_table(
        "rulings",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("one", Json, nullable=False),
        sa.Column("other", Json, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_at", Instant(), nullable=False),
        sa.Column("undone_by", sa.String(), nullable=True),
        sa.Column("undone_at", Instant(), nullable=True),
        sa.Column("undone_why", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("rulings_of_review", "rulings", ["review", "id"])
    op.create_table(
        "ruled",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("ruling", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("review", "source", "source_id", "ruling"),
    )
    op.create_index("ruled_of_ruling", "ruled", ["ruling"])
    op.create_table(
        "relations",
        sa.Column("first", sa.String(), nullable=False),
        sa.Column("second", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("evidence", Json, nullable=False),
        sa.Column("found_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("first", "second", "kind"),
    )
    op.create_index("relations_second", "relations", ["second"])
    with op.batch_alter_table("merges", schema=None) as batch_op:
        batch_op.add_column(sa.Column("members", Json, nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("beside", Json, nullable=False, server_default="[]"))
    with op.batch_alter_table("merges", schema=None) as batch_op:
        batch_op.alter_column("members", server_default=None)
        batch_op.alter_column("beside", server_default=None)
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.add_column(sa.Column("given_on", sa.String(), nullable=True))
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        # Keys of no version: they are made anew (jobs.keying).
        batch_op.add_column(sa.Column("keys", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("keying", Json, nullable=True))
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.alter_column("keys", server_default=None)
    _rule()
    op.drop_table("record_keys")


def _rule() -> None:
    """What people decided about pairs of records is of the source records that these have now; of what a person made
    one it is not known any more which were whose, so that all are one by their word."""
    source_records = sa.table("source_records", *map(sa.column, ("review", "source", "source_id", "record")))
    pairs = sa.table(
        "duplicates",
        *map(sa.column, ("id", "review", "first", "second", "state", "decided_by", "reason")),
        sa.column("decided_at", Instant()),
    )
    records = sa.table("records", *map(sa.column, ("id", "merged_into")))
    merges = sa.table(
        "merges", *map(sa.column, ("absorbed", "review", "run", "merged_by")), sa.column("merged_at", Instant())
    )
    to = op.get_bind()
    kept_apart = list(to.execute(sa.select(pairs).where(pairs.c.state == "different")))
    made_one = list(
        to.execute(
            sa.select(merges, records.c.merged_into)
            .join(records, records.c.id == merges.c.absorbed)
            .where(merges.c.run.is_(None), records.c.merged_into.is_not(None))
        )
    )
    wanted = {record for pair in kept_apart for record in (pair.first, pair.second)}
    wanted |= {merge.merged_into for merge in made_one}
    members: defaultdict[str, list[list[str]]] = defaultdict(list)
    for record in sorted(wanted):
        for row in to.execute(sa.select(source_records).where(source_records.c.record == record)):
            members[record].append([row.source, row.source_id])
    for merge in made_one:
        _add_ruling(
            merge.review, "same", sorted(members[merge.merged_into]), [], "they were merged by hand",
            merge.merged_by, merge.merged_at, merge.absorbed,
        )  # fmt: skip
    for pair in kept_apart:
        if members[pair.first] and members[pair.second]:
            _add_ruling(
                pair.review, "apart", sorted(members[pair.first]), sorted(members[pair.second]), pair.reason or "",
                pair.decided_by or "", pair.decided_at, pair.id,
            )  # fmt: skip


def _add_ruling(
    review: str, kind: str, one: list[list[str]], other: list[list[str]], reason: str, by: str, at: Any, of: str
) -> None:
    rulings = sa.table(
        "rulings",
        *map(sa.column, ("id", "review", "kind", "reason", "decided_by")),
        sa.column("one", Json), sa.column("other", Json), sa.column("decided_at", Instant()),
    )  # fmt: skip
    ruled = sa.table("ruled", *map(sa.column, ("review", "source", "source_id", "ruling")))
    # Older than all that are made from now on, and among each other as old as they are.
    ruling = f"ruling_00{int(at.timestamp() * 1000):012x}_{id_of('of', of)[-12:]}"
    values = {"id": ruling, "review": review, "kind": kind, "one": one, "other": other}
    op.execute(rulings.insert().values(**values, reason=reason, decided_by=by, decided_at=at))
    for source, source_id in {tuple(each) for each in (*one, *other)}:
        op.execute(ruled.insert().values(review=review, source=source, source_id=source_id, ruling=ruling))


def downgrade() -> None:
    op.create_table(
        "record_keys",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("review", "key", "record"),
    )
    op.execute(
        "INSERT INTO record_keys (review, key, record) SELECT DISTINCT k.review, k.key, s.record FROM source_keys k "
        "JOIN source_records s ON s.review = k.review AND s.source = k.source AND s.source_id = k.source_id"
    )
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.drop_column("keying")
        batch_op.drop_column("keys")
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.drop_column("given_on")
    with op.batch_alter_table("merges", schema=None) as batch_op:
        batch_op.drop_column("beside")
        batch_op.drop_column("members")
    for table in ("relations", "ruled", "rulings", "splits", "source_keys"):
        op.drop_table(table)
