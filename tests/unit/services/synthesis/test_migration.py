"""A database of the release before: drafts that were kept whole lie CMOC by CMOC, and are made anew by themselves."""

from __future__ import annotations

import json
from pathlib import Path

from alembic import command
from sqlalchemy import text

from services.synthesis.manifest import SERVICE
from shared.db import migrate
from shared.keys.published import read_keys
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig

SIGNED = Path(__file__).parent / "signed"


def goes_back(rig: SynthesisRig) -> None:
    """Has the database be one of the release before."""
    with rig.bench.running.database.engine.connect() as connection:
        command.stamp(migrate._config(SERVICE, connection), "head")  # A rig's tables are made without migrations.
        command.downgrade(migrate._config(SERVICE, connection), "0008")
        connection.commit()


def comes_back(rig: SynthesisRig) -> None:
    migrate.upgrade(rig.bench.running.database, SERVICE)


def test_a_draft_of_before_goes_on_after_the_upgrade(either_rig: SynthesisRig):
    rig = either_rig
    rig.includes("r1", "r2", "r3")
    rig.shows_all_of("c1", "r1", "r2")
    rig.signs()
    rig.links("r3", "c1", element="outcome", stance="contradicts")
    rig.links("r3", "c2")
    before = rig.draft()

    goes_back(rig)
    with rig.bench.running.database.engine.connect() as connection:
        body = connection.execute(text("SELECT body FROM drafts")).scalar_one()
    body = json.loads(body) if isinstance(body, str) else body
    assert [one["status"] for one in body["cmocs"]] == ["contested", "partially_supported"]
    assert body["counts"] == before.counts.model_dump()
    comes_back(rig)

    shown = rig.lead.draft(REVIEW)
    assert not shown.settled
    assert (shown.states, shown.changes, shown.evidence) == (before.states, before.changes, before.evidence)
    after = rig.draft()
    assert after.model_copy(update={"made_at": before.made_at}) == before


def test_a_revision_of_a_release_before_is_shown_compared_and_verified_beside_new_ones(rig: SynthesisRig):
    """Signed by a key in one PEM, without an id; that key is among those of the ring."""
    kept = json.loads((SIGNED / "schema-1-revision-1.json").read_text())
    public = read_keys((SIGNED / "schema-1-key.pem").read_bytes()).keys
    rig.bench.platform.ring.keys = (*public, *rig.bench.platform.ring.keys)
    rig.signs()
    goes_back(rig)
    with rig.bench.running.database.engine.begin() as connection:
        connection.execute(
            text("UPDATE revisions SET head = :head, content = :content, content_sha256 = :content_sha256, "
                 "signature = :signature WHERE number = 1"),
            kept | {"head": json.dumps(kept["head"])},
        )  # fmt: skip
    comes_back(rig)

    shown, verified = rig.lead.revision(REVIEW, 1), rig.lead.verify(REVIEW, 1)
    assert (shown.document_schema, shown.kid, shown.content.title) == (1, None, "Führung, 領導 und Vertrauen 🤝")
    assert (verified.holds, verified.kid) == (True, public[0].kid)
    rig.includes("r2")
    rig.links("r2")
    second = rig.signs("After the upgrade.")
    assert (second.document_schema, second.kid) == (3, rig.bench.platform.ring.newest("revisions").kid)
    assert second.content.changes and second.content.preceding == kept["head"]["revision"]
    assert rig.lead.diff(REVIEW, 1, 2).changes == second.content.changes
    assert [one.signed_by for one in rig.lead.revisions(REVIEW)] == ["dora", "dora"]
