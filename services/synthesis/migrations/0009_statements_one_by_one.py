"""what is said of each CMOC in a row of its own, which CMOCs an arrival concerns, and what is judged of links."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from shared.db.types import Counter, Instant, Json

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

DRAFTS = sa.table(
    "drafts", sa.column("review"), sa.column("body", Json), sa.column("changes", Json), sa.column("theories", Json),
    sa.column("drills", Json), sa.column("fragments_sha256"), sa.column("published_theories", Json),
    sa.column("published_drills", Json),
)  # fmt: skip
STATEMENTS = sa.table(
    "statements",
    *(sa.column(name) for name in ("review", "cmoc", "position", "theory", "status", "support", "flagged")),
    *(sa.column(name, Json) for name in ("said", "links", "published", "published_links", "changes")),
    *(sa.column(name) for name in ("links_sha256", "sha256", "change_class", "added", "withdrawn")),
)
REVISIONS = sa.table("revisions", sa.column("review"), sa.column("number"), sa.column("content"))


def upgrade() -> None:
    op.create_table(
        "appraisals",
        sa.Column("seq", Counter, nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("link", sa.String(), nullable=False),
        sa.Column("credibility", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("appraisals", schema=None) as batch_op:
        batch_op.create_index("appraisals_of_link", ["review", "link", "seq"], unique=False)
    op.create_table(
        "statements",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("cmoc", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("theory", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("support", sa.Integer(), nullable=False),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("shown_by", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("links_sha256", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("change_class", sa.String(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("withdrawn", sa.Integer(), nullable=False),
        sa.Column("said", Json, nullable=True),
        sa.Column("links", Json, nullable=False),
        sa.Column("published", Json, nullable=True),
        sa.Column("published_links", Json, nullable=False),
        sa.Column("changes", Json, nullable=False),
        sa.PrimaryKeyConstraint("review", "cmoc"),
    )
    op.create_table(
        "proposals",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("cmoc", sa.String(), nullable=False),
        sa.Column("other", sa.String(), nullable=True),
        sa.Column("element", sa.String(), nullable=True),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("links", Json, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("proposed_at", Instant(), nullable=False),
        sa.Column("declined_links", Json, nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("decided_why", sa.String(), nullable=True),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("proposals", schema=None) as batch_op:
        batch_op.create_index("proposals_of_review", ["review", "state", "id"], unique=False)
        batch_op.create_index("proposals_of_cmoc", ["review", "cmoc"], unique=False)
        batch_op.create_index("proposals_of_other", ["review", "other"], unique=False)
    with op.batch_alter_table("cmocs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("taken_up", Json, nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("gone_into", Json, nullable=False, server_default="[]"))
        for name in ("gone_how", "gone_why", "gone_by", "dissent"):
            batch_op.add_column(sa.Column(name, sa.String(), nullable=True))
    with op.batch_alter_table("arrivals", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cmocs", Json, nullable=True))
    with op.batch_alter_table("links", schema=None) as batch_op:
        batch_op.add_column(sa.Column("credibility", sa.String(), nullable=True))
    with op.batch_alter_table("reports", schema=None) as batch_op:
        batch_op.create_index(
            "reports_drilled",
            ["review"],
            unique=False,
            postgresql_where=sa.text("drilled_by IS NOT NULL"),
            sqlite_where=sa.text("drilled_by IS NOT NULL"),
        )
    with op.batch_alter_table("drafts", schema=None) as batch_op:
        for name in ("theories", "drills", "published_theories", "published_drills"):
            batch_op.add_column(sa.Column(name, Json, nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("fragments_sha256", sa.String(), nullable=False, server_default=""))
        # The rules of before: every draft is made anew.
        batch_op.add_column(sa.Column("rules", sa.Integer(), nullable=False, server_default="0"))
    part_drafts(op.get_bind())
    with op.batch_alter_table("drafts", schema=None) as batch_op:
        batch_op.drop_column("body")
        for name in ("theories", "drills", "published_theories", "published_drills", "fragments_sha256", "rules"):
            batch_op.alter_column(name, server_default=None)
    with op.batch_alter_table("statements", schema=None) as batch_op:
        batch_op.alter_column("shown_by", server_default=None)
    with op.batch_alter_table("cmocs", schema=None) as batch_op:
        batch_op.alter_column("taken_up", server_default=None)
        batch_op.alter_column("gone_into", server_default=None)


def part_drafts(connection: sa.Connection) -> None:
    """Lays each CMOC of a draft into a row of its own, beside what the newest revision says of it."""
    for review, body, changes in connection.execute(sa.select(DRAFTS.c.review, DRAFTS.c.body, DRAFTS.c.changes)).all():
        newest = sa.select(REVISIONS.c.content).where(REVISIONS.c.review == review)
        content = connection.execute(newest.order_by(REVISIONS.c.number.desc()).limit(1)).scalar()
        published: dict[str, Any] = json.loads(content) if content else {"cmocs": [], "theories": [], "drills": []}
        now = {one["cmoc"]: one for one in body["cmocs"]}
        before = {one["cmoc"]: one for one in published["cmocs"]}
        cmocs = {change["cmoc"] for change in changes}
        rows = [
            _row(review, position, now.get(cmoc), before.get(cmoc), [it for it in changes if it["cmoc"] == cmoc])
            for position, cmoc in enumerate(dict.fromkeys([*now, *before]))
        ]
        if rows:
            connection.execute(STATEMENTS.insert(), rows)
        connection.execute(
            DRAFTS.update()
            .where(DRAFTS.c.review == review)
            .values(
                theories=body["theories"],
                drills=body.get("drills", []),
                fragments_sha256=body["fragments_sha256"],
                published_theories=published["theories"],
                published_drills=published.get("drills", []),
                changes=[it for it in changes if not it["cmoc"]] if "" in cmocs else [],
            )
        )


def _row(
    review: str, position: int, now: dict[str, Any] | None, before: dict[str, Any] | None, changes: list[Any]
) -> dict[str, Any]:
    order = ("NONE", "PATCH", "MINOR", "MAJOR")
    shown = now or before or {}
    had, has = set((before or {}).get("links", [])), set((now or {}).get("links", []))
    return {
        "review": review, "cmoc": shown["cmoc"], "position": position, "theory": shown["theory"],
        "status": shown["status"], "support": shown["support"], "flagged": shown["flagged"], "said": _said(now),
        "links": sorted(has), "links_sha256": "", "sha256": "0" if now else "", "published": _said(before),
        "published_links": sorted(had), "changes": changes, "added": len(has - had), "withdrawn": len(had - has),
        "change_class": max((it["change_class"] for it in changes), key=order.index, default="NONE"),
    }  # fmt: skip


def _said(statement: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if statement is None else {name: it for name, it in statement.items() if name != "links"}


def downgrade() -> None:
    with op.batch_alter_table("drafts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("body", Json, nullable=False, server_default="{}"))
    join_drafts(op.get_bind())
    with op.batch_alter_table("drafts", schema=None) as batch_op:
        batch_op.alter_column("body", server_default=None)
        for name in ("theories", "drills", "published_theories", "published_drills", "fragments_sha256", "rules"):
            batch_op.drop_column(name)
    with op.batch_alter_table("reports", schema=None) as batch_op:
        batch_op.drop_index("reports_drilled")
    with op.batch_alter_table("links", schema=None) as batch_op:
        batch_op.drop_column("credibility")
    with op.batch_alter_table("arrivals", schema=None) as batch_op:
        batch_op.drop_column("cmocs")
    with op.batch_alter_table("cmocs", schema=None) as batch_op:
        for name in ("dissent", "gone_by", "gone_why", "gone_how", "gone_into", "taken_up"):
            batch_op.drop_column(name)
    with op.batch_alter_table("proposals", schema=None) as batch_op:
        batch_op.drop_index("proposals_of_other")
        batch_op.drop_index("proposals_of_cmoc")
        batch_op.drop_index("proposals_of_review")
    op.drop_table("proposals")
    op.drop_table("statements")
    with op.batch_alter_table("appraisals", schema=None) as batch_op:
        batch_op.drop_index("appraisals_of_link")
    op.drop_table("appraisals")


def join_drafts(connection: sa.Connection) -> None:
    """Lays the CMOCs of a draft together again."""
    drafts = connection.execute(
        sa.select(DRAFTS.c.review, DRAFTS.c.theories, DRAFTS.c.drills, DRAFTS.c.changes).add_columns(
            DRAFTS.c.fragments_sha256
        )
    ).all()
    for review, theories, drills, changes, fragments_sha256 in drafts:
        rows = connection.execute(
            sa.select(STATEMENTS.c.said, STATEMENTS.c.links, STATEMENTS.c.changes)
            .where(STATEMENTS.c.review == review)
            .order_by(STATEMENTS.c.position)
        ).all()
        cmocs = [
            {name: it for name, it in said.items() if name not in _LATER} | {"links": links}
            for said, links, _ in rows
            if said is not None
        ]
        body = {
            "theories": theories, "cmocs": cmocs, "fragments_sha256": fragments_sha256, "drills": drills,
            "counts": _counts(connection, review, [one["cmoc"] for one in cmocs]),
        }  # fmt: skip
        every = [change for _, _, of_cmoc in rows for change in of_cmoc]
        connection.execute(
            DRAFTS.update().where(DRAFTS.c.review == review).values(body=body, changes=[*every, *changes])
        )


#: Parts of a statement that came with this.
_LATER = ("reasons", "by_element")


def _counts(connection: sa.Connection, review: str, cmocs: list[str]) -> dict[str, int]:
    counted = connection.execute(
        sa.text(
            "SELECT count(DISTINCT r.study), count(DISTINCT r.record), count(DISTINCT l.fragment), count(*) "
            "FROM links l JOIN fragments f ON f.id = l.fragment "
            "JOIN reports r ON r.review = f.review AND r.record = f.record "
            "WHERE l.review = :review AND l.withdrawn_at IS NULL AND r.state = 'included' "
            "AND r.suspended_by IS NULL AND r.drilled_by IS NULL AND l.cmoc IN :cmocs"
        ).bindparams(sa.bindparam("cmocs", expanding=True)),
        {"review": review, "cmocs": cmocs},
    ).one()
    return dict(zip(("studies", "reports", "fragments", "links"), counted, strict=True))
