"""What the protocol asks of each study is answered, corrected, and kept through all that becomes of its reports."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from shared.errors import Conflict, Forbidden, Invalid, LivingError, NotFound
from shared.events.synthesis import CharacteristicsRecorded
from shared.receipts import salted
from shared.wire.synthesis import StudyCharacteristics
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig, protocol

SETTING = {"name": "setting", "label": "Setting", "required": True}
DESIGN = {"name": "design", "label": "Design", "kind": "choice", "options": ["Trial", "Case study"], "required": True}
SIZE = {"name": "size", "label": "Participants", "kind": "number", "least": 0}


def asking(*asked: dict[str, Any], **changes: Any):
    return protocol(characteristics=list(asked or (SETTING, DESIGN, SIZE)), **changes)


@pytest.fixture
def rig(rig_of) -> SynthesisRig:
    rig = rig_of(asking())
    rig.includes("r1", "r2")
    return rig


@pytest.fixture
def two_coders(rig_of) -> SynthesisRig:
    rig = rig_of(asking(extraction={"coders": 2}))
    rig.includes("r1")
    for by in ("ana", "ben"):
        rig.person(by).claim_extraction(REVIEW)
    return rig


def says(rig: SynthesisRig, value: Any, *, by: str = "ana", record: str = "r1", of: str = "setting", **about: Any):
    answer = {"record": record, "characteristic": of, "value": value} | about
    return rig.person(by).describe(REVIEW, {"answers": [answer]})


def known(rig: SynthesisRig, record: str = "r1", by: str = "rita") -> dict[str, list[Any]]:
    """What stands of each characteristic of a record's study, as a person sees it."""
    study = rig.person(by).characteristics_of(REVIEW, record)
    return {it.characteristic: [one.value for one in it.answers] for it in study.characteristics if it.answers}


def listed(rig: SynthesisRig) -> dict[str, StudyCharacteristics]:
    return {it.reports[0].record: it for it in rig.person("rita").described_studies(REVIEW)}


def finishes(rig: SynthesisRig, by: str) -> None:
    [extraction] = rig.person(by).extractions(REVIEW)
    rig.person(by).finish_extraction(REVIEW, extraction.extraction)


# What is asked


def test_the_form_of_the_protocol_is_listed_in_its_order_and_may_be_taken_by_its_name(rig: SynthesisRig):
    assert [(it.name, it.kind, it.since) for it in rig.person("rita").characteristics(REVIEW)] == [
        ("setting", "text", 1), ("design", "choice", 1), ("size", "number", 1),
    ]  # fmt: skip
    rig.adopts(protocol(characteristics="usual"), version=2)
    names = {it.name for it in rig.lead.characteristics(REVIEW)}
    assert {"objectives", "setting", "design", "participants"} <= names and "size" not in names


def test_a_review_that_asks_nothing_has_studies_of_which_nothing_is_known(rig_of):
    rig = rig_of()
    rig.includes("r1")
    assert rig.lead.characteristics(REVIEW) == []
    assert listed(rig)["r1"].characteristics == []
    with pytest.raises(Invalid, match="asks nothing of studies"):
        says(rig, "a city")


def test_what_a_new_version_asks_is_unanswered_and_an_answer_to_what_it_asks_otherwise_says_of_which_it_is(rig):
    says(rig, "a city")
    says(rig, "Trial", of="design")
    country = {"name": "country", "label": "Country", "required": True}
    worded = DESIGN | {"options": ["Trial", "Case study", "Survey"], "help": "the main one"}
    rig.adopts(asking(SETTING | {"help": "where?"}, worded, country), version=2)

    study = listed(rig)["r1"]
    stands = {it.characteristic: it for it in study.characteristics}
    assert stands["country"].state == "unanswered" and stands["country"].lacking
    assert not stands["setting"].answers[0].earlier and not stands["setting"].lacking
    [old] = stands["design"].answers
    assert (old.value, old.protocol_version, old.earlier, stands["design"].lacking) == ("Trial", 1, True, True)
    says(rig, "Trial", of="design")  # Said again it is an answer to what is asked now, and needs no why.
    assert not known_of(rig, "design").earlier


def known_of(rig: SynthesisRig, name: str):
    study = rig.lead.characteristics_of(REVIEW, "r1")
    [answer] = next(it.answers for it in study.characteristics if it.characteristic == name)
    return answer


def test_what_is_asked_no_more_keeps_its_answers_in_the_history(rig):
    says(rig, 12, of="size")
    rig.adopts(asking(SETTING), version=2)
    assert known(rig) == {}
    assert [(it.characteristic, it.value, it.earlier) for it in rig.lead.answers_of(REVIEW, "r1")] == [
        ("size", 12, True)
    ]
    rig.adopts(asking(SETTING, SIZE), version=3)
    assert known(rig) == {"size": [12]} and known_of(rig, "size").earlier


# Answers


def test_answers_are_kept_for_the_study_with_where_they_were_read(rig):
    taken = rig.person("ana").describe(
        REVIEW,
        {
            "answers": [
                {"record": "r1", "characteristic": "setting", "value": "a city", "locator": "p. 3"},
                {"record": "r1", "characteristic": "size", "not_reported": True},
                {"record": "r2", "characteristic": "design", "value": "Trial"},
            ]
        },
    )

    assert taken.changed == 3 and len(taken.studies) == 2
    found = listed(rig)
    setting, design, size = found["r1"].characteristics
    assert (setting.answers[0].value, setting.answers[0].locator, setting.answers[0].by) == ("a city", "p. 3", "ana")
    assert design.state == "unanswered" and size.answers[0].not_reported
    assert [found[it].lacking for it in ("r1", "r2")] == [1, 1]


def test_the_same_again_changes_nothing(rig):
    assert says(rig, "a city").changed == 1
    assert says(rig, " a city ").changed == 0 == says(rig, "a city", by="ben").changed
    assert says(rig, None, of="size").changed == 0
    assert len(rig.bench.emitted(CharacteristicsRecorded)) == 1


def test_a_correction_says_why_and_supersedes_and_nothing_is_lost(rig):
    says(rig, "a city")
    with pytest.raises(Invalid, match=r"answers\[0\]\.why: another answer stands"):
        says(rig, "a village", by="ben")
    says(rig, "a village", by="ben", why="p. 4 says so")
    says(rig, None, why="of another study")

    assert known(rig) == {}
    first, second, third = rig.lead.answers_of(REVIEW, "r1")
    assert (second.supersedes, second.why, third.supersedes) == ([first.answer], "p. 4 says so", [second.answer])
    says(rig, "a city")
    assert known(rig) == {"setting": ["a city"]}


def test_who_saw_another_answer_than_stands_writes_over_nobody(rig):
    says(rig, "a city")
    seen = [known_of(rig, "setting").answer]
    says(rig, "a village", by="ben", why="p. 4", seen=seen)
    with pytest.raises(Conflict, match=r"answers\[0\]\.characteristic: somebody answered it meanwhile"):
        says(rig, "a town", why="p. 5", seen=seen)
    assert known(rig) == {"setting": ["a village"]}


def test_the_event_has_no_words_and_names_what_is_superseded(rig):
    says(rig, "a city")
    says(rig, "a village", why="p. 4 says so")

    first, second = rig.bench.emitted(CharacteristicsRecorded)
    assert second.answers[0].supersedes == [first.answers[0].answer] and second.protocol_version == 1
    assert not any(word in it.model_dump_json() for it in (first, second) for word in ("city", "village", "p. 4"))


@pytest.mark.parametrize(
    ("answer", "at", "why"),
    [
        ({"characteristic": "nothing"}, "characteristic", "it asks: setting, design, size"),
        ({"characteristic": "design", "value": "Tryal"}, "value", "no option 'Tryal'"),
        ({"characteristic": "size", "value": -1}, "value", "0 or more"),
        ({"value": "x" * 2001}, "value", "2,000"),
        ({"not_reported": True}, "not_reported", "say either"),
        ({"fragment": "frag_1"}, "fragment", "nothing is coded of this study"),
        ({"locator": "x" * 501}, "locator", "500"),
        ({"value": None, "locator": "p. 3"}, "locator", "give the answer too"),
        ({"record": "r9"}, "record", "knows no included record"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_field_and_nothing_of_all_is_kept(rig, answer, at, why):
    good = {"record": "r2", "characteristic": "setting", "value": "a city"}
    with pytest.raises(LivingError, match=why) as refused:
        rig.lead.describe(REVIEW, {"answers": [good, good | {"record": "r1"} | answer]})
    assert [it["at"] for it in refused.value.extra["errors"]] == [
        f"answers[1].{at}" if why != "500" else "body.answers.1.locator"
    ]
    assert known(rig, "r2") == {} == known(rig)


def test_one_question_is_answered_once_at_a_time(rig):
    rig.merges("r2", into="r1")
    good = {"characteristic": "setting", "value": "a city"}
    with pytest.raises(Invalid, match="answered twice"):
        rig.lead.describe(REVIEW, {"answers": [good | {"record": "r1"}, good | {"record": "r2"}]})


def test_an_excluded_or_retracted_report_is_not_described_and_keeps_what_was(rig):
    says(rig, "a city")
    rig.notices("r1", "retraction")
    with pytest.raises(Conflict, match=r"answers\[0\]\.record: a notice about record 'r1'"):
        says(rig, "Trial", of="design")
    assert listed(rig)["r1"].reports[0].suspended
    rig.excludes("r1")
    with pytest.raises(Conflict, match="not included"):
        says(rig, "Trial", of="design")
    assert "r1" not in listed(rig)
    with pytest.raises(NotFound, match="no included report"):
        rig.lead.characteristics_of(REVIEW, "r1")
    rig.notices("r1", "reinstatement")
    rig.includes("r1")
    assert known(rig) == {"setting": ["a city"]}


def test_readers_answer_nothing(rig):
    with pytest.raises(Forbidden):
        says(rig, "a city", by="rita")


# What an answer rests on


def test_an_answer_may_rest_on_a_fragment_of_its_study_alone(rig):
    mine, other = rig.links("r1"), rig.links("r2")
    says(rig, "a city", fragment=mine.fragment)
    assert known_of(rig, "setting").fragment == mine.fragment
    with pytest.raises(Invalid, match=r"answers\[0\]\.fragment"):
        says(rig, "Trial", of="design", fragment=other.fragment)


def test_the_words_of_a_closed_copy_are_no_answer(rig, monkeypatch: pytest.MonkeyPatch):
    from services.synthesis.models import FragmentRow

    fragment = rig.links("r1").fragment
    with rig.bench.work() as work:
        row = work.session.get(FragmentRow, fragment)
        row.quote, row.salt, row.quote_sha256 = None, "salt", salted("done in a large city", "salt")
    with pytest.raises(Invalid, match=r"answers\[0\]\.value: these are the words of a copy that is closed"):
        says(rig, "Done in a large city".replace("D", "d"), fragment=fragment)
    says(rig, "a large city", fragment=fragment)


# Studies


def test_reports_of_one_study_are_described_once_and_take_their_answers_along(rig):
    says(rig, "a city", record="r1")
    says(rig, "a village", record="r2")
    rig.lead.join_study(REVIEW, "r2", "same trial", same_as="r1")

    [study] = rig.lead.described_studies(REVIEW)
    assert [it.record for it in study.reports] == ["r1", "r2"]
    assert study.characteristics[0].state == "differs" and study.apart == 1
    says(rig, "a city", record="r2", why="the protocol paper meant another site")
    assert known(rig) == {"setting": ["a city"]}
    rig.lead.join_study(REVIEW, "r2", "another trial after all", same_as=None)
    assert known(rig, "r1") == {"setting": ["a city"]} == known(rig, "r2")


def test_a_record_that_is_merged_takes_its_answers_along_and_back(rig):
    says(rig, "a city", record="r2")
    rig.merges("r2", into="r1")
    assert known(rig, "r1") == {"setting": ["a city"]} == known(rig, "r2")
    says(rig, "Trial", of="design", record="r2")
    rig.parts("r2", out_of="r1")

    assert (known(rig, "r1"), known(rig, "r2")) == ({"design": ["Trial"]}, {"setting": ["a city"]})


# Two coders


def test_of_two_coders_neither_sees_the_others_answers_before_both_have_finished(two_coders):
    rig = two_coders
    says(rig, "a city", by="ana")
    says(rig, "a village", by="ben")
    says(rig, "a town", by="ben")  # One's own, while one is at it, needs no why.

    assert (known(rig, by="ana"), known(rig, by="ben"), known(rig, by="dora")) == (
        {"setting": ["a city"]}, {"setting": ["a town"]}, {},
    )  # fmt: skip
    assert [it.value for it in rig.person("ana").answers_of(REVIEW, "r1")] == ["a city"]
    assert listed(rig)["r1"].characteristics[0].state == "unanswered"
    assert "city" not in rig.lead.characteristics_csv(REVIEW)
    finishes(rig, "ana")
    assert known(rig, by="ben") == {"setting": ["a town"]} and rig.bench.emitted(CharacteristicsRecorded) == []
    finishes(rig, "ben")

    assert sorted(known(rig)["setting"]) == ["a city", "a town"] and listed(rig)["r1"].apart == 1
    assert sorted(it.by for it in rig.bench.emitted(CharacteristicsRecorded)) == ["ana", "ben"]


def test_who_does_not_code_a_report_of_two_coders_answers_nothing_of_it(two_coders):
    with pytest.raises(Conflict, match="is coded by 2"):
        says(two_coders, "a city", by="carol")
    finishes(two_coders, "ana")
    with pytest.raises(Conflict, match="you have finished"):
        says(two_coders, "a city", by="ana")


@pytest.mark.parametrize(("decider", "may", "may_not"), [("coders", "ana", None), ("adjudicator", "carol", "ana")])
def test_what_two_coders_differ_in_is_decided_with_why_by_whom_the_protocol_says(rig_of, decider, may, may_not):
    rig = rig_of(asking(extraction={"coders": 2, "reconciled_by": decider}))
    rig.includes("r1")
    for by, setting in (("ana", "a city"), ("ben", "a town")):
        rig.person(by).claim_extraction(REVIEW)
        says(rig, setting, by=by)
        says(rig, "Trial", by=by, of="design")
    finishes(rig, "ana"), finishes(rig, "ben")

    if may_not is not None:
        with pytest.raises(Forbidden, match="as the protocol says"):
            says(rig, "a town", by=may_not, why="we talked")
    with pytest.raises(Invalid, match="say why"):
        says(rig, "a town", by=may)
    says(rig, "a town", by=may, why="we talked about it")
    assert known(rig) == {"setting": ["a town"], "design": ["Trial", "Trial"]}
    assert listed(rig)["r1"].apart == 0 == listed(rig)["r1"].lacking


def test_what_somebody_answered_who_gave_the_report_back_stays_theirs_alone(two_coders):
    rig = two_coders
    says(rig, "a city", by="ben")
    [extraction] = rig.person("ben").extractions(REVIEW)
    rig.person("ben").release_extraction(REVIEW, extraction.extraction)
    rig.person("carol").claim_extraction(REVIEW)
    finishes(rig, "ana"), finishes(rig, "carol")

    assert known(rig) == {} and known(rig, by="ben") == {"setting": ["a city"]}


# The sheet


def test_the_sheet_has_a_study_a_line_and_no_formulas(rig):
    says(rig, "=HYPERLINK()", record="r1")
    says(rig, "Trial", of="design", record="r1")
    says(rig, None, of="size", record="r1", not_reported=True)

    lines = list(csv.DictReader(io.StringIO(rig.person("rita").characteristics_csv(REVIEW))))
    assert {it["records"]: (it["Setting"], it["Design"], it["Participants"], it["lacking"]) for it in lines} == {
        "r1": (" =HYPERLINK()", "Trial", "not reported", "0"), "r2": ("", "", "", "2"),
    }  # fmt: skip


def test_studies_are_paged(rig):
    rig.includes(*(f"r{at}" for at in range(3, 9)))
    http = rig.lead._http
    first = http.raw("GET", f"/synthesis/reviews/{REVIEW}/characteristics/studies", params={"limit": 5}).json()
    assert len(first["items"]) == 5 and first["next"] and len(listed(rig)) == 8
