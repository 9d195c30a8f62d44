"""A person signs, and what was signed is frozen: never overwritten by a draft, and tampering shows."""

from __future__ import annotations

from datetime import date

import jwt
import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from services.synthesis.domain.revisions import AUDIENCE
from services.synthesis.models import RevisionRow
from shared.canonical import sha256
from shared.errors import Conflict, Forbidden, NotFound
from shared.events.synthesis import EvidenceLinked, RevisionDrafted, RevisionPublished
from shared.wire.synthesis import SignDraft
from tests.unit.services.synthesis.room import REVIEW, Room, protocol


@pytest.fixture
def room(room: Room) -> Room:
    room.includes("r1", "r2", "r3")
    room.links("r1")
    room.settles()
    return room


def test_a_signed_revision_is_told_with_its_states_its_signature_and_its_causes(room: Room):
    room.searched("pubmed", date(2020, 1, 31))
    room.searched("crossref", date(2020, 2, 29), complete=False, error="timed out")
    signed = room.signs("The first cycle.")

    [told] = room.bench.told(RevisionPublished)
    content = signed.content
    assert (told.number, told.cycle, told.change_class, told.preceding) == (1, 1, "MAJOR", None)
    assert (told.summary, told.signed_by, told.title) == ("The first cycle.", "dora", "A small review")
    assert told.searched_through == {"pubmed": date(2020, 1, 31)}
    assert [(state.cmoc, state.support) for state in told.states] == [("c1", 1), ("c2", 0)]
    assert told.content_sha256 == signed.content_sha256 == sha256(content.model_dump(mode="json"))
    linked = [one.id for one in room.bench.journal() if one.type == EvidenceLinked.type]
    assert set(linked) <= set(told.because) and told.because == content.because
    claims = jwt.decode(told.signature, room.bench.platform.key.public_pem(), algorithms=["EdDSA"], audience=AUDIENCE)
    assert (claims["sub"], claims["content_sha256"], claims["revision"]) == ("dora", told.content_sha256, told.revision)


def test_a_signature_is_a_line_of_the_log(room: Room):
    with capture_logs() as lines:
        room.signs()

    (line,) = [line for line in lines if line["event"] == "revision signed"]
    assert (line["review"], line["number"], line["by"]) == (REVIEW, 1, "dora")


def test_a_records_way_leads_to_the_revision(room: Room):
    room.signs()
    journal = room.bench.journal()
    [linked] = [one for one in journal if one.type == EvidenceLinked.type]
    [published] = [one for one in journal if one.type == RevisionPublished.type]

    assert linked.correlationid == "r1"
    assert published.correlationid == published.data["revision"]
    client = room.bench.person("dora", "lead")
    led_to = client.get(f"/synthesis/reviews/{REVIEW}/events", params={"cause": linked.id}).json()["items"]
    assert [entry["event"]["type"] for entry in led_to] == [RevisionDrafted.type, RevisionPublished.type]


def test_no_change_is_signed_too(room: Room):
    first, second = room.signs().content, room.signs("Nothing new.").content

    assert (second.change_class, second.number, second.preceding) == ("NONE", 2, first.revision)
    assert (second.changes, second.because) == ([], [])
    assert second.cmocs == first.cmocs


def test_a_revision_holds_only_what_led_to_it_since_the_one_before(room: Room):
    first = room.signs().content
    room.links("r2")
    second = room.signs().content

    linked = [one.id for one in room.bench.journal() if one.type == EvidenceLinked.type]
    assert second.because == linked[1:]
    assert linked[0] in first.because
    assert (second.evidence.added, second.evidence.withdrawn) == (1, 0)
    assert [(change.what, change.before, change.after) for change in second.changes] == [
        ("support", 1, 2),
        ("links added", None, 1),
    ]


def test_a_signer_who_saw_another_draft_is_told_so(room: Room):
    seen = room.draft()
    signed = SignDraft(fragments_sha256=seen.fragments_sha256, summary="as I saw it")
    room.links("r2")

    with pytest.raises(Conflict) as caught:
        room.lead.sign(REVIEW, signed)
    assert caught.value.slug == "not_settled"
    room.settles()
    with pytest.raises(Conflict) as caught:
        room.lead.sign(REVIEW, signed)
    assert caught.value.slug == "stale_draft"
    assert list(room.lead.revisions(REVIEW)) == []


def test_a_wording_that_changed_under_the_signers_eyes_is_stale_where_the_draft_is_named(room: Room):
    seen = room.draft()
    room.adopts(protocol(wording={"c1": {"outcome": "another"}}), version=2)
    room.settles()

    with pytest.raises(Conflict) as caught:
        room.lead.sign(REVIEW, SignDraft(fragments_sha256=seen.fragments_sha256, draft=seen.draft, summary="s"))
    assert caught.value.slug == "stale_draft"


def test_signing_the_same_draft_twice_publishes_it_once(room: Room):
    seen = room.draft()
    signed = SignDraft(fragments_sha256=seen.fragments_sha256, draft=seen.draft, summary="once")
    room.lead.sign(REVIEW, signed)

    with pytest.raises(Conflict):
        room.lead.sign(REVIEW, signed)
    assert len(room.bench.told(RevisionPublished)) == 1


def test_only_a_lead_signs(room: Room):
    seen = room.draft()
    with pytest.raises(Forbidden):
        room.person("carol").sign(REVIEW, SignDraft(fragments_sha256=seen.fragments_sha256, summary="mine"))


def test_a_draft_never_overwrites_a_published_revision(room: Room):
    room.signs()
    before = room.lead.revision(REVIEW, 1)
    room.links("r2")
    room.links("r3", stance="contradicts")
    room.notices("r1", "retraction")
    room.adopts(protocol(["c2"]), version=2)
    room.settles()

    assert room.lead.revision(REVIEW, 1) == before
    assert room.lead.verify(REVIEW, 1).holds
    assert room.draft().number == 2


def test_an_amended_cmoc_is_minor_and_one_that_is_dropped_major(room: Room):
    room.signs()
    room.adopts(protocol(wording={"c1": {"outcome": "another"}}), version=2)
    assert room.signs().content.change_class == "MINOR"
    room.adopts(protocol(["c2"]), version=3)
    assert room.signs().content.change_class == "MAJOR"


def test_any_two_revisions_can_be_compared(room: Room):
    room.signs()
    room.links("r2")
    room.signs()
    room.links("r3")
    room.signs()

    difference = room.lead.diff(REVIEW, 1, 3)
    assert difference.change_class == "PATCH"
    assert (difference.changes[0].what, difference.changes[0].before, difference.changes[0].after) == ("support", 1, 3)
    assert room.lead.diff(REVIEW, 2, 2).changes == []
    with pytest.raises(NotFound):
        room.lead.diff(REVIEW, 1, 4)


def test_revisions_are_listed_in_order_without_their_content(room: Room):
    for _ in range(3):
        room.signs()

    listed = list(room.lead.revisions(REVIEW))
    assert [one.number for one in listed] == [1, 2, 3]
    assert [one.preceding for one in listed] == [None, listed[0].revision, listed[1].revision]
    page = room.bench.person("rita", "reader").get(f"/synthesis/reviews/{REVIEW}/revisions?limit=2").json()
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
def test_whoever_changes_a_stored_revision_is_found_out(room: Room, spoil):
    room.signs()
    with room.bench.work() as work:
        row = work.session.get(RevisionRow, (REVIEW, 1))
        work.session.execute(update(RevisionRow).values(**spoil(row)))

    verified = room.lead.verify(REVIEW, 1)
    assert not verified.holds and verified.faults


def test_a_signature_made_for_something_else_is_none(room: Room):
    room.signs()
    with room.bench.work() as work:
        row = work.session.get(RevisionRow, (REVIEW, 1))
        claims = jwt.decode(row.signature, options={"verify_signature": False})
        row.signature = work.key.sign(claims, audience="living-api")

    assert room.lead.verify(REVIEW, 1).faults == ["the signature is not this platform's"]
