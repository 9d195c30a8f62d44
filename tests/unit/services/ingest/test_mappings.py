"""Mappings: what a team may write, what is refused with its line, what a record then states, and what is proposed."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.mappings import read_mapping
from services.ingest.domain.proposals import Survey
from services.ingest.domain.statements import MOST_PROBLEMS, Check, Misfit, Statement, stated
from shared.errors import Invalid

STAGES = {"title-abstract": ["include", "exclude", "unsure"], "full-text": ["include", "exclude"]}

WHOLE = """
decisions:
  - answer: exclude
    stage: full-text
    reason: {column: covidence.exclusion_reason}
"""

RAYYAN = """
decisions:
  - reads: rayyan
    stage: title-abstract
    answers: {Included: include, Excluded: exclude, Maybe: unsure}
"""


def of(column: str, answers: str, **more: str) -> str:
    """A mapping of one column."""
    lines = [f"  - column: {column}", "    stage: title-abstract", f"    answers: {answers}"]
    return "\n".join(["decisions:", *lines, *(f"    {key}: {value}" for key, value in more.items())])


def of_record(mapping: str, fields: Mapping[str, str]) -> list[Statement | Misfit]:
    return list(stated(read_mapping(mapping, STAGES), fields))


def answers(mapping: str, fields: Mapping[str, str]) -> list[tuple[Any, ...]]:
    found = of_record(mapping, fields)
    assert all(isinstance(each, Statement) for each in found), found
    return [(each.answer, each.by, each.reason) for each in found if isinstance(each, Statement)]


# What a record states


@pytest.mark.parametrize(
    ("value", "written"), [("1", "1"), ("Yes", "Yes"), ("no", "no"), ("1.0", "1.0"), ("2021-01-01", "2021-01-01")]
)
def test_a_value_is_what_is_written_and_nothing_that_yaml_takes_it_for(value, written):
    assert answers(of("label", f"{{{written}: include}}"), {"label": value}) == [("include", None, None)]


def test_a_blank_is_no_decision_unless_the_mapping_says_so():
    assert answers(of("label", "{1: include}"), {"title": "A"}) == []
    assert answers(of("label", "{1: include, '': exclude}"), {"title": "A"}) == [("exclude", None, None)]


def test_blanks_and_accents_that_programs_change_make_no_other_value():
    mapping = of("Entscheid für", "{'aufgenommen für jetzt': include}")

    assert answers(mapping, {"Entscheid für": "aufgenommen  fu\u0308r\njetzt"}) == [("include", None, None)]
    assert answers(mapping, {"Entscheid\u00a0\u200bfür": "aufgenommen für\x07jetzt\ufeff"}) == [("include", None, None)]


def test_case_is_a_part_of_a_value():
    (misfit,) = of_record(of("label", "{Include: include}"), {"label": "include"})

    assert isinstance(misfit, Misfit) and misfit.value == "include"


def test_whoever_decided_is_named_once_for_all_or_by_a_column():
    fields = {"label": "1", "Reviewer": "Ben  Lind"}

    assert answers(of("label", "{1: include}", by="Ana Example"), fields) == [("include", "Ana Example", None)]
    assert answers(of("label", "{1: include}", by="{column: Reviewer}"), fields) == [("include", "Ben Lind", None)]


def test_rayyan_names_each_person_and_its_reasons_are_of_those_who_excluded():
    fields = {
        "rayyan.inclusion.Ana": "Excluded",
        "rayyan.inclusion.Ben": "Maybe",
        "rayyan.exclusion_reasons": "wrong population",
    }

    assert answers(RAYYAN, fields) == [("exclude", "Ana", "wrong population"), ("unsure", "Ben", None)]


def test_one_answer_may_be_of_the_whole_file():
    assert answers(WHOLE, {"covidence.exclusion_reason": "Wrong study design"}) == [
        ("exclude", None, "Wrong study design")
    ]
    assert answers(WHOLE, {}) == [("exclude", None, None)]


def test_a_name_longer_than_any_is_a_misfit():
    found = of_record(of("label", "{1: include}", by="{column: Who}"), {"label": "1", "Who": "x" * 301})

    assert isinstance(found[0], Misfit) and "no name is" in found[0].why


# What is refused


@pytest.mark.parametrize(
    ("mapping", "line", "why"),
    [
        ("", None, "it is empty"),
        ("decisions: []", 1, "at least 1"),
        ("- a", 1, "keys with values must stand here"),
        ("decisions: [*a]", 1, "an alias"),
        ("a: &a [1]\nb: [*a]", None, "an alias"),
        ("decision: []", 1, "there is no key 'decision' here; there may be: decisions"),
        (of("label", "{1: include}", rows="2"), 5, "there is no key 'rows' here"),
        (of("label", "{1: include}", reason="Why"), 5, "keys with values must stand here"),
        (of("label", "{1: include}", reason="{col: Why}"), 5, "there may be: column"),
        (of("label", "{1: include}", by="[Ana]"), 5, "a name must stand here, or {column: NAME}"),
        (of("label", "{1: include}", ignore="no"), 5, "a list must stand here"),
        (of("label", "{1: include, 1: exclude}"), 4, "named twice"),
        (of("label", "{1: include}", ignore="[1]"), 2, "'1' stands there twice"),
        (of("label", "{1: maybe}"), 4, "title-abstract has no answer 'maybe'; it has include, exclude, unsure"),
        (of("label", "{1: '?'}"), 4, "what only you can say"),
        (of("label", "{1: include}").replace("title-abstract", "'?'"), 3, "what only you can say"),
        (of("label", "{1: include}").replace("title-abstract", "abstracts"), 3, "no stage 'abstracts'"),
        (of("label", "{}"), 2, "answers must say what each value means"),
        (of("label", "{1: include}", answer="include"), 2, "one of these must stand here"),
        (WHOLE + "    ignore: [a]", 3, "nothing to ignore"),
        (WHOLE.replace("exclude", "unsure"), 3, "full-text has no answer 'unsure'"),
        (RAYYAN + "    by: Ana", 6, "Rayyan names"),
        (RAYYAN.replace("rayyan", "covidence"), 3, "this must be 'rayyan'"),
        (of("label", "{1: include}") + "\n" + "\n".join(of("label", "{1: include}").split("\n")[1:]), 5, "line 2"),
        ("#" * 70_000, None, "longer than"),
        ("a: " + "[" * 60 + "]" * 60, 1, "nested"),
    ],
)
def test_what_is_no_mapping_is_refused_with_its_line(mapping, line, why):
    with pytest.raises(Invalid) as refused:
        read_mapping(mapping, STAGES)

    assert refused.value.slug == "malformed_mapping"
    assert any(why in each["why"] for each in refused.value.errors), refused.value.errors
    assert line is None or line in [each.get("line") for each in refused.value.errors]


@given(text=st.text(max_size=300))
def test_any_text_is_a_mapping_or_refused(text):
    with contextlib.suppress(Invalid):
        assert read_mapping(text, STAGES)


def test_every_fault_is_named_at_once():
    with pytest.raises(Invalid) as refused:
        read_mapping(of("label", "{1: in, 0: out}").replace("title-abstract", "full-text"), STAGES)

    assert [each["line"] for each in refused.value.errors] == [4, 4]
    assert str(refused.value).endswith("it has include, exclude (and 1 more)")


# Whether a whole file fits


def problems(mapping: str, *records: Mapping[str, str], **about: Any) -> list[str]:
    check = Check("library.csv", read_mapping(mapping, STAGES), **about)
    for line, fields in enumerate(records, start=2):
        check.see(line, fields)
    return [str(each) for each in check.problems()]


def test_a_tag_that_one_record_has_is_in_the_file():
    assert problems(of("ZZ", "{1: include}"), {"U1": "a"}, {"ZZ": "1"}) == []
    assert problems(of("ZZ", "{1: include}"), {"U1": "a"}) == [
        "the mapping, line 2: library.csv has no column or tag 'ZZ'"
    ]


def test_a_column_in_which_nothing_stands_is_in_the_file():
    assert problems(of("label", "{1: include}"), {}, columns=["title", "label"], cited=["title"]) == []


def test_a_file_in_which_rayyan_decided_nothing_is_named():
    assert problems(RAYYAN, {"rayyan.labels": "a"}) == [
        "the mapping, line 3: library.csv has nothing that Rayyan decided"
    ]
    assert problems(RAYYAN, {"rayyan.inclusion.Ana": "Included"}) == []


def test_many_misfits_are_counted_and_not_all_listed():
    found = problems(of("label", "{1: include}"), *({"label": f"x{number}"} for number in range(1000)))

    assert len(found) == MOST_PROBLEMS + 1
    assert found[0].startswith("library.csv, line 2, column 'label': 'x0': ")
    assert found[-1] == f"library.csv: {1000 - MOST_PROBLEMS} further values do not fit"


def test_a_column_that_may_not_have_been_read_is_named():
    record = {f"column {number}": "x" for number in range(200)}

    (problem,) = problems(of("label", "{1: include}"), record, columns=["label"], most_fields=200)

    assert "line 2, column 'label'" in problem and "more than 200 further columns" in problem


# What is proposed


def proposal(*records: Mapping[str, str], dialect: str | None = None) -> str:
    survey = Survey()
    for fields in records:
        survey.see(fields)
    return survey.proposal("library.csv", dialect)


def filled(text: str) -> str:
    """A proposal as a person completes it."""
    return text.replace('stage: "?"', "stage: title-abstract").replace(': "?"', ": unsure")


@pytest.mark.parametrize(
    ("fields", "dialect", "states"),
    [
        ({"asreview_label": "1", "asreview_time": "9"}, "asreview", [("include", None, None)]),
        ({"asreview": "irrelevant"}, "asreview", [("exclude", None, None)]),
        ({"included": "1"}, "asreview", [("include", None, None)]),
        ({"rayyan.inclusion.Ana": "Maybe"}, "rayyan", [("unsure", "Ana", None)]),
        ({"Screening status": "No", "Exclusion reason": "old"}, None, [("unsure", None, "old")]),
        ({"Full text decision": 'a "quoted": one', "Reviewer": "Ana"}, None, [("unsure", "Ana", None)]),
        ({"Notes": "x", "covidence.exclusion_reason": "old"}, "covidence", [("unsure", None, "old")]),
    ],
)
def test_what_is_proposed_is_a_mapping_once_the_open_is_said(fields, dialect, states):
    proposed = proposal(fields, dialect=dialect)
    with pytest.raises(Invalid, match="what only you can say"):
        read_mapping(proposed, STAGES)

    assert answers(filled(proposed), fields) == states


def test_each_value_stands_there_with_how_often_it_does():
    proposed = proposal({"decision": "in"}, {"decision": "out"}, {"decision": "in"})

    assert '"in": "?"  # 2 times' in proposed and '"out": "?"  # once' in proposed


def test_a_number_means_something_in_a_column_of_what_is_included_alone():
    assert '"1": include  # once' in proposal({"final_included": "1"})
    for name in ("excluded", "screening label", "eligible"):
        assert '"1": "?"  # once' in proposal({name: "1"})


def test_what_says_too_much_is_no_decision_and_another_column_of_few_values_is_named():
    proposed = proposal(*({"label": f"text {number}", "Tags": f"T{number % 2}"} for number in range(40)))

    assert "column:" not in proposed
    assert '"Tags" ("T0" 20, "T1" 20)' in proposed
    assert 'answer: "?"  # of all 40 records: no column shows a decision' in proposed


def test_what_says_of_itself_that_nobody_decided_is_ignored():
    records = [{"label_included": "-1"}, {"label_included": "0"}]

    assert answers(filled(proposal(*records)), records[0]) == []
    assert "label_included" not in proposal(records[0])


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=80)


@given(st.lists(st.dictionaries(TEXT, TEXT, max_size=6), max_size=20))
def test_whatever_a_file_holds_its_proposal_is_one_that_can_be_read(records):
    with pytest.raises(Invalid, match="what only you can say"):
        read_mapping(proposal(*records))
