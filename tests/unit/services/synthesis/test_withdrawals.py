"""A signed revision that a lead withdraws: it stays what was signed, says everywhere that nobody should go by it, and
the one before it is in force again."""

from __future__ import annotations

import zipfile
from datetime import timedelta
from io import BytesIO

import pytest

from services.synthesis.domain.verifying import Signed, verify
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.events.synthesis import RevisionWithdrawn
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig

WHY = "Its evidence was coded for another review."


@pytest.fixture
def rig(rig: SynthesisRig) -> SynthesisRig:
    """Three revisions, ten days apart, each with a report more."""
    for record in ("r1", "r2", "r3"):
        rig.bench.clock.advance(days=10)
        rig.includes(record)
        rig.links(record, text=f"what {record} says")
        rig.signs(f"with {record}")
    return rig


def withdraws(rig: SynthesisRig, number: int, **more: int):
    return rig.lead.withdraw_revision(REVIEW, number, WHY, **more)


def test_it_stays_what_was_signed_and_says_that_it_is_withdrawn(rig: SynthesisRig):
    before = rig.lead.export(REVIEW, 3)

    said = withdraws(rig, 3, replaced_by=2)

    assert said.withdrawn is not None
    assert (said.withdrawn.why, said.withdrawn.replaced_by, said.withdrawn.number) == (WHY, 2, 3)
    assert said.content.summary == "with r3"
    exported, verified = rig.lead.export(REVIEW, 3), rig.lead.verify(REVIEW, 3)
    assert (exported.document, exported.signature) == (before.document, before.signature)
    assert verified.holds and verified.withdrawn == exported.withdrawn == said.withdrawn
    signed = Signed(exported.document, exported.sha256, exported.signature)
    assert verify(signed, rig.bench.platform.ring.current()).holds
    assert [it.withdrawn is not None for it in rig.lead.revisions(REVIEW)] == [False, False, True]
    assert [it.withdrawn for it in rig.lead.support_at_revisions(REVIEW)] == [False, False, True]


def test_every_older_one_says_so_and_the_newest_that_is_left_is_in_force(rig: SynthesisRig):
    day = rig.lead.revision(REVIEW, 3).content.signed_at.date()
    rig.bench.clock.advance(days=1)

    withdraws(rig, 3)

    assert [[it.number for it in rig.lead.revision(REVIEW, n).later_withdrawn] for n in (1, 2, 3)] == [[3], [3], []]
    standing = rig.lead.standing(REVIEW)
    assert standing.newest and standing.in_force
    assert (standing.newest.number, standing.in_force.number, standing.revisions) == (2, 2, 3)
    # What was in force on a day was so, whatever became of it since.
    then = rig.lead.standing(REVIEW, on=day).in_force
    assert then is not None and then.number == 3 and then.withdrawn is not None
    later = rig.lead.standing(REVIEW, on=day + timedelta(days=1)).in_force
    assert later is not None and later.number == 2
    (seen,) = rig.bench.emitted(RevisionWithdrawn)
    assert (seen.number, seen.why, seen.in_force, seen.by) == (3, WHY, 2, "dora")


def test_what_is_signed_next_says_what_changed_since_the_one_in_force(rig: SynthesisRig):
    seen = rig.draft()
    withdraws(rig, 3)
    rig.settles()

    draft = rig.draft()
    assert draft.draft != seen.draft and draft.number == 4
    assert (draft.evidence.added, draft.change_class) == (1, "PATCH")
    assert (draft.preceding_number, draft.preceding) == (2, rig.lead.revision(REVIEW, 2).content.revision)
    with pytest.raises(Conflict):
        rig.lead.sign(REVIEW, {"fragments_sha256": seen.fragments_sha256, "draft": seen.draft, "summary": "of before"})

    signed = rig.signs("as it should be")
    assert (signed.content.number, signed.preceding_number) == (4, 2)
    assert signed.content.preceding == rig.lead.revision(REVIEW, 2).content.revision
    before = rig.lead.provenance(REVIEW, 4).entity[f"living:revision-{signed.content.preceding}"]
    assert before["living:number"] == 2
    assert rig.lead.verify(REVIEW, 4).holds and rig.lead.status(REVIEW).revisions == 4
    rig.settles()
    assert (rig.draft().change_class, rig.lead.standing(REVIEW).newest.number) == ("NONE", 4)


def test_the_one_in_force_is_due_again_as_from_its_own_day(rig: SynthesisRig):
    second = rig.lead.revision(REVIEW, 2).content.signed_at.date()
    every = rig.lead.standing(REVIEW).next_due - rig.lead.revision(REVIEW, 3).content.signed_at.date()

    withdraws(rig, 3)

    standing = rig.lead.standing(REVIEW)
    assert (standing.last_published, standing.next_due) == (second, second + every)


def test_a_withdrawn_one_in_the_middle_leaves_the_newest_in_force(rig: SynthesisRig):
    draft = rig.draft()

    withdraws(rig, 2, replaced_by=3)
    rig.settles()

    assert rig.lead.standing(REVIEW).newest.number == 3 and rig.draft().draft == draft.draft
    assert rig.signs("on").preceding_number == 3


def test_where_all_are_withdrawn_none_is_in_force_and_the_next_one_is_as_the_first(rig: SynthesisRig):
    for number in (1, 3, 2):
        withdraws(rig, number)
    rig.settles()

    standing = rig.lead.standing(REVIEW)
    assert (standing.newest, standing.in_force, standing.last_published) == (None, None, None)
    signed = rig.signs("anew")
    assert (signed.content.number, signed.content.change_class, signed.content.preceding) == (4, "MAJOR", None)
    assert "added" in {it.what for it in signed.content.changes}


def test_the_same_again_changes_nothing_and_anything_else_is_refused(rig: SynthesisRig):
    first, second = withdraws(rig, 3), withdraws(rig, 3)

    assert first.withdrawn == second.withdrawn and len(rig.bench.emitted(RevisionWithdrawn)) == 1
    with pytest.raises(Conflict) as refused:
        rig.lead.withdraw_revision(REVIEW, 3, "for another reason")
    assert refused.value.slug == "revision_withdrawn"
    for instead in (2, 9, 3):
        with pytest.raises(Invalid) as wrong:
            withdraws(rig, 2, replaced_by=instead)
        assert wrong.value.errors[0]["at"] == "replaced_by"
    with pytest.raises(NotFound):
        withdraws(rig, 9)
    for name in ("rita", "ana", "carol"):
        with pytest.raises(Forbidden):
            rig.person(name).withdraw_revision(REVIEW, 1, WHY)
    assert rig.lead.revision(REVIEW, 2).withdrawn is None


@pytest.mark.parametrize("form", ["markdown", "docx", "csv", "jsonld"])
def test_each_file_of_it_says_so(rig: SynthesisRig, form):
    said: list[bytes] = []
    withdraws(rig, 3, replaced_by=2)

    rig.lead.file(REVIEW, 3, form, said.append)

    text = b"".join(said)
    if form == "docx":
        with zipfile.ZipFile(BytesIO(text)) as archive:
            text = archive.read("word/document.xml")
    assert WHY.encode() in text


def test_its_package_says_so_in_its_words_its_metadata_and_how_to_cite_it(rig: SynthesisRig):
    pieces: list[bytes] = []
    withdraws(rig, 3, replaced_by=2)

    rig.lead.crate(REVIEW, 3, pieces.append)

    with zipfile.ZipFile(BytesIO(b"".join(pieces))) as crate:
        for name in ("README.md", "CITATION.cff", "ro-crate-metadata.json"):
            assert WHY in " ".join(crate.read(name).decode().split()), name
        assert "Read revision 2 instead" in crate.read("README.md").decode()
