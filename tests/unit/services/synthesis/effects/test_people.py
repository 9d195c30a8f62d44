"""Names of before people had ids: what bears one, that it becomes a person's, and that nothing signed changes."""

from __future__ import annotations

import pytest

from services.synthesis.models import RevisionRow
from shared.errors import Forbidden
from shared.events.people import NameMapped
from shared.ids import new_id
from shared.wire.synthesis import EvidenceBatch
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig, evidence

ANA = new_id("person")


@pytest.fixture
def coded(either_rig: SynthesisRig) -> SynthesisRig:
    """Ana has coded twice and taken one back, ben once; carol has judged anew; dora has signed."""
    rig = either_rig
    rig.includes("r1", "r2")
    for record in ("r1", "r2"):
        rig.links(record, "c1")
    rig.links("r1", "c2", by="ben")
    rig.signs()
    rig.notices("r1", "correction")
    for one in rig.person("carol").rejudgements(REVIEW, "open"):
        rig.person("carol").close_rejudgement(REVIEW, one.rejudgement, "it stands")
    taken = rig.links("r2", "c2", text="to be taken back")
    rig.person("ana").withdraw(REVIEW, taken.fragment, "a mistake")
    return rig


def mapped(name: str = "ana", person: str = ANA, review: str = REVIEW) -> NameMapped:
    return NameMapped(review=review, name=name, person=person)


def old_names(rig: SynthesisRig, review: str = REVIEW) -> dict[str, int]:
    answer = rig.bench.person("lea", "lead").get(f"/synthesis/reviews/{review}/old-names")
    assert answer.status_code == 200, answer.text
    return {it["name"]: it["acts"] for it in answer.json()["names"]}


def actors(rig: SynthesisRig) -> set[str]:
    return {event.actor for cmoc in ("c1", "c2") for event in rig.lead.history(REVIEW, cmoc)}


def test_whoever_coded_took_back_or_judged_under_a_name_of_before_is_listed_with_how_often(coded):
    names = old_names(coded)

    # Three fragments, one link taken back, and that in the history; of ben a fragment.
    assert (names["ana"], names["ben"]) == (5, 1)
    assert names["carol"] >= 2
    assert not [name for name in names if ":" in name]


def test_who_coded_under_an_id_has_no_name_of_before(either_rig):
    either_rig.includes("r1")
    either_rig._roles[ANA] = "reviewer"
    either_rig.person(ANA).link(REVIEW, EvidenceBatch(evidence=[evidence("r1")]))

    assert ANA not in old_names(either_rig)


def test_only_who_leads_sees_the_names_of_before(rig):
    path = f"/synthesis/reviews/{REVIEW}/old-names"

    assert rig.bench.person("carol", "adjudicator").get(path).status_code == 403
    assert rig.bench.person("dora", "lead", scopes=frozenset({"code"})).get(path).status_code == 403
    assert rig.bench.person("dora", "lead").get("/synthesis/reviews/nowhere/old-names").status_code == 404


def test_what_was_done_under_an_old_name_becomes_its_persons(coded):
    before = old_names(coded)

    coded.bench.hears(mapped(), mapped("carol", new_id("person")))

    seen = list(coded.lead.evidence(REVIEW))
    assert [one.coder for one in seen] == [ANA, ANA, "ben", ANA]
    assert seen[-1].why_not == f"withdrawn by {ANA}: a mistake"
    assert all(one.closed_by not in ("carol", None) for one in coded.lead.rejudgements(REVIEW))
    assert ANA in actors(coded) and not {"ana", "carol"} & actors(coded)
    assert old_names(coded) == {name: acts for name, acts in before.items() if name not in ("ana", "carol")}


def test_whoever_coded_under_an_old_name_takes_it_back_as_the_person_they_are(coded):
    coded._roles[ANA] = "reviewer"
    mine = next(one for one in coded.lead.evidence(REVIEW) if one.coder == "ana")
    with pytest.raises(Forbidden):
        coded.person(ANA).withdraw(REVIEW, mine.fragment, "not as I meant it")

    coded.bench.hears(mapped())

    assert coded.person(ANA).withdraw(REVIEW, mine.fragment, "not as I meant it").links == [mine.link]


def test_nothing_that_was_signed_or_drafted_changes(coded):
    def kept() -> list[object]:
        with coded.bench.work(readonly=True) as work:
            row = work.session.get_one(RevisionRow, (REVIEW, 1))
            return [row.head, row.content, row.content_sha256, row.signature]

    before, draft = kept(), coded.draft()

    coded.bench.hears(mapped(), mapped("dora", new_id("person")))

    assert kept() == before and "dora" in str(before)
    assert coded.lead.verify(REVIEW, 1).holds
    assert coded.draft() == draft


def test_what_is_heard_twice_changes_nothing_more(coded):
    envelope = coded.bench.envelope(mapped())
    coded.bench.hears_envelope(envelope)
    seen = list(coded.lead.evidence(REVIEW)), old_names(coded)

    coded.bench.hears_envelope(envelope)
    coded.bench.hears(mapped(), mapped("nobody"))

    assert (list(coded.lead.evidence(REVIEW)), old_names(coded)) == seen


def test_a_name_of_another_review_and_one_that_looks_alike_stay_as_they_are(coded):
    before = old_names(coded)

    coded.bench.hears(mapped(review="other"), mapped("Ana"))

    assert old_names(coded) == before
