"""The rules of screening, without a database."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.screening import domain
from services.screening.domain import Ballot, Decision
from shared.events.stages import Stage
from tests.unit.services.screening.rig import DEPTH, SIFT, protocol

sift = Stage.model_validate(SIFT)
depth = Stage.model_validate(DEPTH)
rigour = Stage.model_validate(
    {
        "name": "rigour",
        "question": "Trustworthy for this claim?",
        "answers": [
            {"value": "credible", "leads_to": "advance"},
            {"value": "caution", "leads_to": "advance"},
            {"value": "not_credible", "leads_to": "exclude"},
            {"value": "fraudulent", "leads_to": "exclude"},
        ],
    }
)


@pytest.mark.parametrize(
    ("published", "refused"),
    [
        ("2017", True),
        ("2017-12", True),
        ("2017-12-31", True),
        ("2018", False),
        ("2018-01-01", False),
        (None, False),
        ("0000", False),
        ("0000-00-00", False),
        ("9999", False),
        ("9999-12", False),
        ("9999-99-99", False),
    ],
)
def test_published_after_means_strictly_later_and_doubt_is_for_people(published, refused):
    plan = protocol(published_after="2017-12-31")

    found = domain.refusal(plan, published)

    assert (found is not None) is refused
    assert not refused or (found.rule == "published_after" and published in found.reason)


def test_a_year_that_may_lie_within_the_dates_is_admitted():
    assert domain.refusal(protocol(published_after="2017-06-30"), "2017") is None
    assert domain.refusal(protocol(published_after="2017-06-30"), "2017-06").rule == "published_after"
    assert domain.refusal(protocol(published_after=None, published_until="2020-06-30"), "2020") is None
    assert (
        domain.refusal(protocol(published_after=None, published_until="2020-06-30"), "2020-07").rule
        == "published_until"
    )
    assert domain.refusal(protocol(published_after=None), "1899") is None
    assert domain.refusal(protocol(published_after=None, published_until="2020-06-30"), "9999-12") is None


@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)), st.dates(date(1900, 1, 1), date(2100, 12, 31)))
def test_less_precision_never_turns_an_admitted_date_into_a_refused_one(day, after):
    plan = protocol(published_after=after.isoformat())

    exact = domain.refusal(plan, day.isoformat())
    month = domain.refusal(plan, day.isoformat()[:7])
    year = domain.refusal(plan, day.isoformat()[:4])

    assert (exact is None) == (day > after)
    assert exact is not None or month is None
    assert month is not None or year is None


def test_a_record_goes_to_the_first_stage_it_has_not_passed():
    plan = protocol(SIFT, {**SIFT, "name": "scope"}, DEPTH)

    assert domain.next_stage(plan, []).name == "sift"
    assert domain.next_stage(plan, ["sift"]).name == "scope"
    assert domain.next_stage(plan, ["depth", "sift"]).name == "scope"
    assert domain.next_stage(plan, ["sift", "scope", "depth"]) is None


@pytest.mark.parametrize(
    ("stage", "answers", "decided"),
    [
        (sift, ["include", "include"], Decision("include", "advance")),
        (sift, ["exclude", "exclude"], Decision("exclude", "exclude")),
        (sift, ["include", "exclude"], None),
        (sift, ["unsure", "unsure"], None),
        (sift, ["include", "unsure"], None),
        (depth, ["rich", "moderate"], Decision("moderate", "advance")),
        (depth, ["moderate", "rich", "rich"], Decision("moderate", "advance")),
        (depth, ["thin", "moderate"], None),
        (rigour, ["credible", "caution"], Decision("caution", "advance")),
        (rigour, ["fraudulent", "not_credible"], Decision("not_credible", "exclude")),
    ],
)
def test_votes_that_lead_to_one_place_decide_and_the_most_doubtful_answer_stands(stage, answers, decided):
    assert domain.decide(stage, answers) == decided


@given(st.lists(st.sampled_from(["credible", "caution", "not_credible", "fraudulent"]), min_size=1, max_size=9))
def test_the_order_of_votes_does_not_matter(answers):
    assert domain.decide(rigour, answers) == domain.decide(rigour, answers[::-1])
    decided = domain.decide(rigour, answers)
    assert decided is None or decided.answer in answers


def slugs(stage: Stage, ballot: Ballot, **how: bool) -> list[tuple[str, str]]:
    return [(fault.at, fault.slug) for fault in domain.faults(stage, ballot, {"c1", "c2"}, **how)]


def test_a_good_ballot_has_no_fault():
    filled = {"cmocs": ["c1", "c2"], "setting": "town", "designs": ["survey", "interviews"], "note": "p. 3"}

    assert slugs(sift, Ballot("include")) == []
    assert slugs(sift, Ballot("exclude", "not a garden")) == []
    assert slugs(depth, Ballot("rich", fields=filled)) == []
    assert slugs(depth, Ballot("rich", fields={"cmocs": ["c1"]})) == []


def test_every_fault_of_a_ballot_is_told_with_its_place():
    filled = {"cmocs": ["c1", "c9"], "setting": "moon", "designs": ["survey", "tea"], "note": ["no"], "colour": "red"}

    assert slugs(depth, Ballot("great", fields=filled)) == [
        ("answer", "unknown_answer"),
        ("fields.colour", "unknown_field"),
        ("fields.cmocs", "unknown_cmoc"),
        ("fields.setting", "unknown_option"),
        ("fields.designs", "unknown_option"),
        ("fields.note", "wrong_kind"),
    ]


def test_what_is_required_must_be_given():
    assert slugs(sift, Ballot("exclude")) == [("reason", "missing_reason")]
    assert slugs(sift, Ballot("exclude", "")) == [("reason", "missing_reason")]
    assert slugs(depth, Ballot("rich")) == [("fields.cmocs", "missing_field")]
    assert slugs(depth, Ballot("rich", fields={"cmocs": []})) == [("fields.cmocs", "missing_field")]


def test_a_field_is_of_its_kind():
    good = {"cmocs": ["c1"]}

    assert slugs(depth, Ballot("rich", fields={"cmocs": "c1"})) == [("fields.cmocs", "wrong_kind")]
    assert slugs(depth, Ballot("rich", fields={"cmocs": ["c1", "c1"]})) == [("fields.cmocs", "wrong_kind")]
    assert slugs(depth, Ballot("rich", fields={**good, "designs": "survey"})) == [("fields.designs", "wrong_kind")]
    assert slugs(depth, Ballot("rich", fields={**good, "setting": ["town"]})) == [("fields.setting", "wrong_kind")]
    assert slugs(depth, Ballot("rich", fields={**good, "note": "x" * 5001})) == [("fields.note", "wrong_kind")]


def test_nothing_given_is_of_the_fields_kind_too():
    good = {"cmocs": ["c1"]}

    assert slugs(depth, Ballot("rich", fields={"cmocs": ""})) == [("fields.cmocs", "wrong_kind")]
    assert slugs(depth, Ballot("rich", fields={**good, "designs": ""})) == [("fields.designs", "wrong_kind")]
    assert slugs(depth, Ballot("rich", fields={**good, "note": []})) == [("fields.note", "wrong_kind")]
    assert slugs(depth, Ballot("rich", fields={**good, "designs": [], "note": ""})) == []


@pytest.mark.parametrize("name", ["setting", "note"])
def test_two_values_for_a_field_of_one_are_told_as_such(name):
    ballot = Ballot("rich", fields={"cmocs": ["c1"], name: ["town", "country"]})

    (fault,) = domain.faults(depth, ballot, {"c1"})
    assert fault.why == "takes one value, as text; this is a list of 2"


def test_what_an_adjudicator_is_offered_can_be_given_and_nothing_else_can():
    offered = domain.decisions(sift)

    assert [answer.value for answer in offered] == ["include", "exclude"]
    assert all(answer.reason_required for answer in offered)
    assert all(slugs(sift, Ballot(answer.value, "it fits"), deciding=True) == [] for answer in offered)
    assert slugs(sift, Ballot("unsure", "hard"), deciding=True) == [("answer", "undecided")]


def test_an_adjudicator_decides_and_says_why():
    assert slugs(sift, Ballot("include"), deciding=True) == [("reason", "missing_reason")]
    assert slugs(sift, Ballot("unsure", "hard"), deciding=True) == [("answer", "undecided")]
    assert slugs(sift, Ballot("include", "it fits"), deciding=True) == []


def test_the_reason_told_is_what_people_gave_each_once():
    assert domain.reason_given("exclude", ["no garden", None, "no garden", "old"]) == "no garden; old"
    assert domain.reason_given("thin", [None, ""]) == "answered 'thin'"


def notice(kind: str, drill: bool = False) -> dict[str, object]:
    return {"kind": kind, "drill": drill}


def test_a_reinstatement_clears_what_stood_before_it():
    retraction, concern, correction = notice("retraction"), notice("expression_of_concern"), notice("correction")

    assert domain.standing([concern, retraction]) == [concern, retraction]
    assert domain.standing([concern, retraction, notice("reinstatement")]) == []
    assert domain.standing([retraction, notice("reinstatement"), correction]) == [correction]


def test_the_reinstatement_of_a_drill_leaves_a_real_retraction_standing():
    real, drill = notice("retraction"), notice("retraction", drill=True)

    assert domain.standing([real, drill, notice("reinstatement", drill=True)]) == [real]
    assert domain.standing([drill, notice("reinstatement")]) == [drill]


def of_two(pairs: dict[tuple[str, str], int]) -> domain.Agreement:
    """How far two people agree whose answers were these."""
    return domain.agreement(Counter({(("ana", "ben"), pair): n for pair, n in pairs.items()}), ["yes", "no"])


def test_agreement_of_a_table_worked_by_hand():
    # 50 items: observed 35/50; margins 25 and 25, 30 and 20: expected (25*30 + 25*20) / 2500.
    found = of_two({("yes", "yes"): 20, ("yes", "no"): 5, ("no", "yes"): 10, ("no", "no"): 15})

    assert (found.n, found.agreed, found.observed, found.expected) == (50, 35, 0.7, 0.5)
    assert found.kappa is not None and found.kappa.value == pytest.approx(0.4)
    # The yeses are 0.55 of all answers: 2 * 0.55 * 0.45 is AC1's chance.
    assert found.ac1 is not None and found.ac1.value == pytest.approx((0.7 - 0.495) / (1 - 0.495))


def test_agreement_of_any_number_of_votes_is_what_irrcac_and_krippendorff_reckon():
    # Their figures (irrCAC 0.4.4, krippendorff 0.9.0) for the same table; intervals within a hundredth, since theirs
    # are linearised and of Student's t.
    table = {
        ("include", "include", "include"): 14, ("exclude", "exclude", "exclude"): 61, ("exclude", "include"): 4,
        ("exclude", "include", "include"): 6, ("exclude", "exclude", "include"): 9, ("exclude", "exclude"): 20,
        ("unsure", "include", "include"): 3, ("exclude", "unsure", "exclude"): 2, ("unsure", "include"): 1,
    }  # fmt: skip

    found = domain.agreement(
        Counter({(("ana", "ben", "cy")[: len(said)], said): n for said, n in table.items()}),
        ["exclude", "include", "unsure"],
    )

    assert found.ac1 is not None and found.alpha is not None
    assert (found.n, found.agreed, found.observed) == (120, 95, pytest.approx(0.84722, abs=1e-5))
    assert found.ac1.value == pytest.approx(0.8134, abs=1e-5)
    assert found.alpha.value == pytest.approx(0.5994051, abs=1e-7)
    assert (found.ac1.low, found.ac1.high) == pytest.approx((0.74159, 0.88522), abs=0.01)
    assert (found.alpha.low, found.alpha.high) == pytest.approx((0.4679, 0.73091), abs=0.01)


def test_kappa_misleads_where_one_answer_is_rare_and_ac1_does_not():
    # 98 % of the answers agree, and yet kappa is below nought: why the counts are always told beside it.
    found = of_two({("no", "no"): 98, ("yes", "no"): 1, ("no", "yes"): 1})

    assert found.observed == 0.98
    assert found.kappa is not None and found.kappa.value < 0
    assert found.ac1 is not None and found.ac1.value > 0.97


def test_agreement_of_nothing_or_of_one_answer_alone_is_not_a_number():
    assert domain.agreement(Counter(), ["yes", "no"]) == domain.Agreement(0, 0, None, {}, None, None, None, None)
    alike = of_two({("no", "no"): 7})
    assert (alike.kappa, alike.alpha, alike.observed) == (None, None, 1)
    assert alike.ac1 == domain.Coefficient(1, 1, 1)


answer_pairs = st.dictionaries(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), st.integers(0, 10**6))


@given(answer_pairs)
def test_no_coefficient_is_above_one_or_asks_who_is_first(pairs):
    found = of_two(pairs)
    turned = of_two({(second, first): n for (first, second), n in pairs.items()})

    for one, other in ((found.kappa, turned.kappa), (found.ac1, turned.ac1), (found.alpha, turned.alpha)):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert one.value == pytest.approx(other.value) and one.value <= 1
            assert one.low is None or one.high is None or -1 <= one.low <= one.value + 1e-9 <= one.high + 2e-9
    if found.kappa is not None:
        assert (found.kappa.value == 1) == (found.agreed == found.n)
