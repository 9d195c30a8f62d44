"""A person signs, and what was signed is frozen: never overwritten by a draft, and tampering shows."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import jwt
import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from services.synthesis.commands import revisions
from services.synthesis.domain.revisions import document_of
from services.synthesis.domain.verifying import read_export, verify
from services.synthesis.models import RevisionRow
from shared.canonical import canonical_json, sha256
from shared.errors import Conflict, Forbidden, NotFound, Unavailable
from shared.events.synthesis import EvidenceLinked, RevisionDrafted, RevisionPublished
from shared.keys.file import rotate
from shared.keys.published import read_keys
from shared.wire.synthesis import SignDraft
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig, protocol

#: Revisions of releases before, as they kept them.
SIGNED = Path(__file__).parent.parent / "signed"


@pytest.fixture
def rig(rig: SynthesisRig) -> SynthesisRig:
    rig.includes("r1", "r2", "r3")
    rig.links("r1")
    rig.settles()
    return rig


def test_a_signed_revision_is_told_with_its_states_its_signature_and_its_causes(rig: SynthesisRig):
    rig.searched("pubmed", date(2020, 1, 31))
    rig.searched("crossref", date(2020, 2, 29), complete=False, error="timed out")
    signed = rig.signs("The first cycle.")

    [given_out] = rig.bench.emitted(RevisionPublished)
    content = signed.content
    assert (given_out.number, given_out.cycle, given_out.change_class, given_out.preceding) == (1, 1, "MAJOR", None)
    assert (given_out.summary, given_out.signed_by, given_out.title) == ("The first cycle.", "dora", "A small review")
    assert given_out.searched_through == {"pubmed": date(2020, 1, 31)}
    assert [(state.cmoc, state.support) for state in given_out.states] == [("c1", 1), ("c2", 0)]
    assert given_out.content_sha256 == signed.content_sha256 == sha256(document_of(content))
    linked = [one.id for one in rig.bench.journal() if one.type == EvidenceLinked.type]
    assert set(linked) <= set(given_out.because) and given_out.because == content.because
    key, claims = rig.bench.platform.ring.check("revisions", given_out.signature)
    assert key.kid == signed.kid == rig.bench.platform.ring.newest("revisions").kid
    assert (claims["sub"], claims["content_sha256"], claims["revision"]) == (
        "dora",
        given_out.content_sha256,
        given_out.revision,
    )


def test_a_signature_is_a_line_of_the_log(rig: SynthesisRig):
    with capture_logs() as lines:
        rig.signs()

    (line,) = [line for line in lines if line["event"] == "revision signed"]
    assert (line["review"], line["number"], line["by"]) == (REVIEW, 1, "dora")


def test_a_records_way_leads_to_the_revision(rig: SynthesisRig):
    rig.signs()
    journal = rig.bench.journal()
    [linked] = [one for one in journal if one.type == EvidenceLinked.type]
    [published] = [one for one in journal if one.type == RevisionPublished.type]

    assert linked.correlationid == "r1"
    assert published.correlationid == published.data["revision"]
    client = rig.bench.person("dora", "lead")
    led_to = client.get(f"/synthesis/reviews/{REVIEW}/events", params={"cause": linked.id}).json()["items"]
    assert [entry["event"]["type"] for entry in led_to] == [RevisionDrafted.type, RevisionPublished.type]


def test_no_change_is_signed_too(rig: SynthesisRig):
    first, second = rig.signs().content, rig.signs("Nothing new.").content

    assert (second.change_class, second.number, second.preceding) == ("NONE", 2, first.revision)
    assert (second.changes, second.because) == ([], [])
    assert second.cmocs == first.cmocs


def test_a_revision_holds_only_what_led_to_it_since_the_one_before(rig: SynthesisRig):
    first = rig.signs().content
    rig.links("r2")
    second = rig.signs().content

    linked = [one.id for one in rig.bench.journal() if one.type == EvidenceLinked.type]
    assert second.because == linked[1:]
    assert linked[0] in first.because
    assert (second.evidence.added, second.evidence.withdrawn) == (1, 0)
    assert [(change.what, change.before, change.after) for change in second.changes] == [
        ("support", 1, 2),
        ("links added", None, 1),
    ]


def test_a_signer_who_saw_another_draft_is_told_so(rig: SynthesisRig):
    seen = rig.draft()
    signed = SignDraft(fragments_sha256=seen.fragments_sha256, draft=seen.draft, summary="as I saw it")
    rig.links("r2")

    with pytest.raises(Conflict) as caught:
        rig.lead.sign(REVIEW, signed)
    assert caught.value.slug == "not_settled"
    rig.settles()
    with pytest.raises(Conflict) as caught:
        rig.lead.sign(REVIEW, signed)
    assert caught.value.slug == "stale_draft"
    assert list(rig.lead.revisions(REVIEW)) == []


def test_a_wording_that_changed_under_the_signers_eyes_is_stale_where_the_draft_is_named(rig: SynthesisRig):
    seen = rig.draft()
    rig.adopts(protocol(wording={"c1": {"outcome": "another"}}), version=2)
    rig.settles()

    with pytest.raises(Conflict) as caught:
        rig.lead.sign(REVIEW, SignDraft(fragments_sha256=seen.fragments_sha256, draft=seen.draft, summary="s"))
    assert caught.value.slug == "stale_draft"


def test_signing_the_same_draft_twice_publishes_it_once(rig: SynthesisRig):
    seen = rig.draft()
    signed = SignDraft(fragments_sha256=seen.fragments_sha256, draft=seen.draft, summary="once")
    rig.lead.sign(REVIEW, signed)

    with pytest.raises(Conflict):
        rig.lead.sign(REVIEW, signed)
    assert len(rig.bench.emitted(RevisionPublished)) == 1


def test_only_a_lead_signs(rig: SynthesisRig):
    seen = rig.draft()
    with pytest.raises(Forbidden):
        rig.person("carol").sign(
            REVIEW, SignDraft(fragments_sha256=seen.fragments_sha256, draft=seen.draft, summary="mine")
        )


def test_a_draft_never_overwrites_a_published_revision(rig: SynthesisRig):
    rig.signs()
    before = rig.lead.revision(REVIEW, 1)
    rig.links("r2")
    rig.links("r3", stance="contradicts")
    rig.notices("r1", "retraction")
    rig.adopts(protocol(["c2"]), version=2)
    rig.settles()

    assert rig.lead.revision(REVIEW, 1) == before
    assert rig.lead.verify(REVIEW, 1).holds
    assert rig.draft().number == 2


def test_an_amended_cmoc_is_minor_and_one_that_is_dropped_major(rig: SynthesisRig):
    rig.signs()
    rig.adopts(protocol(wording={"c1": {"outcome": "another"}}), version=2)
    assert rig.signs().content.change_class == "MINOR"
    rig.adopts(protocol(["c2"]), version=3)
    assert rig.signs().content.change_class == "MAJOR"


def test_any_two_revisions_can_be_compared(rig: SynthesisRig):
    rig.signs()
    rig.links("r2")
    rig.signs()
    rig.links("r3")
    rig.signs()

    difference = rig.lead.diff(REVIEW, 1, 3)
    assert difference.change_class == "PATCH"
    assert (difference.changes[0].what, difference.changes[0].before, difference.changes[0].after) == ("support", 1, 3)
    assert rig.lead.diff(REVIEW, 2, 2).changes == []
    with pytest.raises(NotFound):
        rig.lead.diff(REVIEW, 1, 4)


def test_revisions_are_listed_in_order_without_their_content(rig: SynthesisRig):
    for _ in range(3):
        rig.signs()

    listed = list(rig.lead.revisions(REVIEW))
    assert [one.number for one in listed] == [1, 2, 3]
    assert [one.preceding for one in listed] == [None, listed[0].revision, listed[1].revision]
    page = rig.bench.person("rita", "reader").get(f"/synthesis/reviews/{REVIEW}/revisions?limit=2").json()
    assert [one["number"] for one in page["items"]] == [1, 2] and page["next"]
    assert "cmocs" not in page["items"][0]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda row: {"content": row.content.replace('"support":1', '"support":9')},
        lambda row: {"content": row.content.replace('"support":1', '"support":9'), "content_sha256": "0" * 64},
        lambda row: {"head": row.head | {"change_class": "NONE"}},
        lambda row: {"signature": row.signature[:-4] + "AAAA"},
    ],
    ids=["content", "content and hash", "listing", "signature"],
)
def test_whoever_changes_a_stored_revision_is_found_out(rig: SynthesisRig, spoil):
    rig.signs()
    with rig.bench.work() as work:
        row = work.session.get(RevisionRow, (REVIEW, 1))
        work.session.execute(update(RevisionRow).values(**spoil(row)))

    verified = rig.lead.verify(REVIEW, 1)
    assert not verified.holds and verified.faults


def test_a_signature_made_for_something_else_is_none(rig: SynthesisRig):
    rig.signs()
    with rig.bench.work() as work:
        row = work.session.get(RevisionRow, (REVIEW, 1))
        claims = jwt.decode(row.signature, options={"verify_signature": False})
        row.signature = work.ring.sign("tokens", claims, at=work.now)

    [fault] = rig.lead.verify(REVIEW, 1).faults
    assert fault.startswith("the signature cannot be checked: it names the key")


def test_a_revision_put_in_the_place_of_another_shows(rig: SynthesisRig):
    rig.signs()
    rig.signs("Nothing new.")
    with rig.bench.work() as work:
        first, second = (work.session.get(RevisionRow, (REVIEW, number)) for number in (1, 2))
        for part in ("head", "content", "content_sha256", "signature"):
            setattr(second, part, getattr(first, part))

    assert rig.lead.verify(REVIEW, 1).holds
    assert rig.lead.verify(REVIEW, 2).faults == ["it is another revision, put in the place of this one"]


def test_a_revision_of_a_schema_to_come_verifies_and_is_not_shown(rig: SynthesisRig):
    rig.signs()
    with rig.bench.work() as work:
        row = work.session.get(RevisionRow, (REVIEW, 1))
        document = json.loads(row.content) | {"schema": 9, "theories": "told otherwise"}
        row.content = canonical_json(document).decode()
        row.content_sha256 = sha256(document)
        claims = {"content_sha256": row.content_sha256, "signed_at": document["signed_at"]}
        row.signature = work.ring.sign("revisions", claims, at=work.now)

    verified = rig.lead.verify(REVIEW, 1)
    assert (verified.holds, verified.readable, verified.document_schema) == (True, False, 9)
    assert json.loads(rig.lead.export(REVIEW, 1).document) == document
    with pytest.raises(Conflict, match="shown by a later release") as caught:
        rig.lead.revision(REVIEW, 1)
    assert caught.value.slug == "unknown_schema"


def test_a_revision_that_was_spoiled_is_no_fault_of_ours(rig: SynthesisRig):
    rig.signs()
    with rig.bench.work() as work:
        work.session.execute(update(RevisionRow).values(content="{}"))

    with pytest.raises(Conflict, match="verifying it says what is wrong with it") as caught:
        rig.lead.revision(REVIEW, 1)
    assert caught.value.slug == "spoiled_revision"
    assert not rig.lead.verify(REVIEW, 1).holds


def test_an_exported_revision_verifies_by_the_published_keys_alone(rig: SynthesisRig):
    rig.signs()
    exported = rig.lead.export(REVIEW, 1)
    published = rig.bench.person("rita", "reader").get("/signing-keys")

    assert published.headers["content-type"] == "application/jwk-set+json"
    signed = read_export(json.dumps(exported.model_dump()).encode())
    verified = verify(signed, read_keys(published.content))
    assert (verified.holds, verified.kid) == (True, exported.kid)
    assert verified == rig.lead.verify(REVIEW, 1)


def test_a_revision_whose_key_was_rotated_meanwhile_is_tried_again_and_nothing_of_it_is_kept(rig: SynthesisRig):
    seen = rig.draft()
    asked = SignDraft(fragments_sha256=seen.fragments_sha256, draft=seen.draft, summary="across a rotation")
    with pytest.raises(Unavailable, match="try again") as refused, rig.bench.work("dora") as work:
        rig.bench.clock.advance(seconds=1)
        rotate(rig.bench.platform.ring.path, "revisions", rig.bench.clock)
        revisions.sign_draft(work, REVIEW, asked)
    assert refused.value.slug == "no_key"
    assert rig.bench.emitted(RevisionPublished) == [] and list(rig.lead.revisions(REVIEW)) == []

    signed = rig.lead.sign(REVIEW, asked)
    assert rig.lead.verify(REVIEW, signed.content.number).holds


def test_a_revision_is_verified_by_the_keys_of_this_moment(rig: SynthesisRig):
    """Another process has rotated and signed, and this one has not looked yet."""
    ring = rig.bench.platform.ring
    before, stamp = ring.keys, ring._stamp
    rotate(ring.path, "revisions", rig.bench.clock)
    rig.signs()
    ring.keys, ring._stamp = before, stamp
    published = rig.bench.person("rita", "reader").get("/signing-keys").json()["keys"]
    assert len(published) == len(before) + 1

    ring.keys, ring._stamp = before, stamp
    assert rig.lead.verify(REVIEW, 1).holds
    ring.keys, ring._stamp = before, stamp
    assert rig.lead.export(REVIEW, 1).public_key
