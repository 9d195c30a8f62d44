"""whom it concerns.

What each subscription is told of, at once or gathered, by which channel; those of before are told of everything, at
once. The revisions of before become entries of the feeds of the CMOCs that they changed.
"""

import json

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant, Json

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_COLUMNS = (
    ("theories", Json, "[]"),
    ("cmocs", Json, "[]"),
    ("least", sa.String(), "NONE"),
    ("every", sa.String(), "at once"),
    ("zone", sa.String(), "UTC"),
    ("bounces", sa.Integer(), "0"),
)
_OPTIONAL = (
    ("unconfirmed_until", Instant()),
    ("old_secret", sa.String()),
    ("old_secret_until", Instant()),
)

#: Revisions read at a time.
_CHUNK = 100


def upgrade() -> None:
    for name, kind, before in _COLUMNS:
        op.add_column("subscriptions", sa.Column(name, kind, nullable=False, server_default=before))
    for name, kind in _OPTIONAL:
        op.add_column("subscriptions", sa.Column(name, kind, nullable=True))
    unconfirmed = sa.text("unconfirmed_until IS NOT NULL")
    op.create_index(
        "subscriptions_unconfirmed", "subscriptions", ["unconfirmed_until", "id"],
        postgresql_where=unconfirmed, sqlite_where=unconfirmed,
    )  # fmt: skip
    op.create_table(
        "interests",
        sa.Column("subscription", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["subscription"], ["subscriptions.id"]),
        sa.PrimaryKeyConstraint("subscription", "what"),
    )
    op.create_index("interests_of_review", "interests", ["review", "what", "rank", "subscription"])
    op.create_table(
        "gathered",
        sa.Column("subscription", sa.String(), nullable=False),
        sa.Column("notice", sa.String(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["notice"], ["notices.id"]),
        sa.ForeignKeyConstraint(["subscription"], ["subscriptions.id"]),
        sa.PrimaryKeyConstraint("subscription", "notice"),
    )
    op.create_index("gathered_of_notice", "gathered", ["notice"])
    waits = sa.text("due_at IS NOT NULL")
    op.create_index("gathered_due", "gathered", ["due_at", "subscription"], postgresql_where=waits, sqlite_where=waits)
    op.create_table(
        "changed_cmocs",
        sa.Column("notice", sa.String(), nullable=False),
        sa.Column("cmoc", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["notice"], ["notices.id"]),
        sa.PrimaryKeyConstraint("notice", "cmoc"),
    )
    op.create_index("changes_of_cmoc", "changed_cmocs", ["review", "cmoc", "number", "notice"])
    op.execute("INSERT INTO interests (subscription, what, review, rank) SELECT id, '', review, 0 FROM subscriptions")
    _fill_feeds_of_cmocs()


def _fill_feeds_of_cmocs() -> None:
    connection, after = op.get_bind(), ""
    notices = sa.table("notices", *(sa.column(name) for name in ("id", "review", "number", "kind", "body")))
    changed = sa.table("changed_cmocs", *(sa.column(name) for name in ("notice", "cmoc", "review", "number")))
    while True:
        some = sa.select(notices).where(notices.c.kind == "revision", notices.c.id > after)
        rows = connection.execute(some.order_by(notices.c.id).limit(_CHUNK)).all()
        if not rows:
            return
        found = [
            {"notice": row.id, "cmoc": cmoc, "review": row.review, "number": row.number}
            for row in rows
            for cmoc in dict.fromkeys(it["cmoc"] for it in json.loads(row.body)["data"]["changed"] if it["cmoc"])
        ]
        if found:
            connection.execute(sa.insert(changed), found)
        after = rows[-1].id


def downgrade() -> None:
    for table in ("changed_cmocs", "gathered", "interests"):
        op.drop_table(table)
    op.drop_index("subscriptions_unconfirmed", "subscriptions")
    for name, *_ in (*_COLUMNS, *_OPTIONAL):
        op.drop_column("subscriptions", name)
